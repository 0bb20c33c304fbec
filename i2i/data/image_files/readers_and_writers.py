"""Values as image files hold them, of any depth and number of channels.

PNG, TIFF and NumPy files are read and written, DICOM and NIfTI files read. What is read is [H, W, C] in the file's own
type.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from i2i.config import MOST_BANDS
from i2i.data.image_files.geotiff import geometry_tags
from i2i.data.image_files.medical import check_dicom, dicom_size, dicom_window, nifti_size, read_dicom, read_nifti
from i2i.data.image_files.open_image import MAX_PIXELS, Half, opened
from i2i.data.image_files.optional import imported
from i2i.data.image_files.packed import check_compression, check_png, check_tiff
from i2i.data.image_files.png_notes import png_depth
from i2i.data.image_files.value_range import Dtype
from i2i.errors import UserError
from i2i.utils.atomic_write import replacing

Reader = Callable[[Path], np.ndarray]
ENDINGS = {"png": ".png", "tiff": ".tif", "npy": ".npy"}
"""What files of each kind are called."""
NATIVE_ONLY = frozenset({".npy", ".dcm", ".nii"})
"""Endings of files that 8 bits say nothing about."""
NUMBERS = "uif"
"""Kinds of numbers that are read: without a sign, with one, and floating point."""
OF_SEVERAL_FILES = ("ome", "mmstack", "ndtiff")
"""Kinds of TIFF files that may name others, which would be read with them."""
COMPRESSED: Mapping[str, Any] = {"compression": "zlib", "metadata": None}


def read_native(path: Path, half: Half | None = None) -> np.ndarray:
    """The values of an image file, or of one half of it, [H, W, C].

    Raises:
        UserError: naming the file, if it is missing, damaged, of no known kind, too large, or holds no numbers or more
            than `MOST_BANDS` channels; or the library that reads it.
    """
    with _reading(path):
        values = _checked(READERS.get(path.suffix.lower(), _other)(path))
        return values if half is None else _half(values, half)


def native_size(path: Path, half: Half | None = None) -> tuple[int, int]:
    """Height and width of what `read_native` gives, of the kinds that PIL does not know from the header alone.

    Raises:
        UserError: naming the file, if it is missing, or its header cannot be read.
    """
    with _reading(path):
        height, width = SIZES[path.suffix.lower()](path)
        return height, width if half is None else width // 2


def check_bounded(path: Path) -> None:
    """UserError for a file whose header does not bound what it unpacks to: for those that come from anybody.

    It is asked ahead of all else, for the header itself of a DICOM file can be packed.
    """
    check = BOUNDS.get(path.suffix.lower())
    if check:
        with _reading(path):
            check(path)


def native_window(path: Path) -> tuple[float, float] | None:
    """What a file says is to be shown as black and as white; None where it says nothing; UserError as `read_native`."""
    with _reading(path):
        window = WINDOWS.get(path.suffix.lower())
        return window(path) if window else None


def pil_values(stored: Image.Image) -> np.ndarray:
    """The values of a PIL image, upright, [H, W] or [H, W, C]; those of a palette as RGB."""
    image = ImageOps.exif_transpose(stored)
    kept = image.mode in ("L", "LA", "RGB", "RGBA", "I", "F") or image.mode.startswith("I;16")
    return np.asarray(image if kept else image.convert("RGBA" if "transparency" in image.info else "RGB"))


def filled(values: np.ndarray, fill: float | None, path: Path) -> np.ndarray:
    """Values with `fill` for those that are not finite.

    Raises:
        UserError: counting them and naming the file, if there is nothing to fill in.
    """
    if values.dtype.kind != "f" or (finite := np.isfinite(values)).all():
        return values
    if fill is None:
        raise UserError(
            f"{path} holds {values.size - int(finite.sum()):,} of {values.size:,} values that are not finite "
            '(NaN or infinite):\nsay in i2i.json what is to stand for them, as by "fill": 0, or repair the file'
        )
    return np.where(finite, values, values.dtype.type(fill))


def write_native(path: Path, values: np.ndarray, source: Path | None = None) -> None:
    """Write values [H, W, C] as the file's ending says, complete or not at all; UserError without the library.

    `source` is the file that they were made from; a TIFF file lies where that lies, if both are as large.
    """
    with replacing(path, sync=False) as partial:
        WRITERS[path.suffix](partial, values, source)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A block that reads a file; every failure in two lines."""
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"there is no image {path}: check the path") from None
    except Exception as error:  # of libraries, which have no class in common
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path} cannot be read as an image ({reason}):\nrepair or remove it") from None


def _checked(values: np.ndarray) -> np.ndarray:
    """[H, W, C] of native byte order; ValueError for what is no image."""
    _check_type(values.dtype)
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3 or not values.size:
        raise ValueError(f"its shape {list(values.shape)} is neither [height, width] nor [height, width, channels]")
    if values.shape[2] > MOST_BANDS:
        raise ValueError(f"it has {values.shape[2]} channels, [height, width, channels], and the limit is {MOST_BANDS}")
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _check_header(shape: tuple[int, ...], dtype: Dtype) -> None:
    """ValueError for what must not be read into memory."""
    _check_type(dtype)
    if np.prod(shape, dtype=np.float64) > MAX_PIXELS:
        raise ValueError(f"its shape {list(shape)} is beyond the limit of {MAX_PIXELS:,} values")


def _check_type(dtype: Dtype) -> None:
    if dtype.kind not in NUMBERS or dtype.itemsize > 8:
        raise ValueError(f"its values are {dtype}, not numbers of up to 64 bits")


def _npy(path: Path) -> np.ndarray:
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(mapped, np.ndarray):
        raise ValueError("it holds several arrays")
    _check_header(mapped.shape, mapped.dtype)
    return np.array(mapped)


def _npy_size(path: Path) -> tuple[int, int]:
    height, width = np.load(path, mmap_mode="r", allow_pickle=False).shape[:2]
    return height, width


def _tiff_size(path: Path) -> tuple[int, int]:
    with _tiff_file(path) as file:
        sides = dict(zip(file.series[0].axes, file.series[0].shape, strict=True))
        return sides["Y"], sides["X"]


def _check_tiff(path: Path) -> None:
    with _tiff_file(path) as file:
        check_compression(file.series[0].keyframe.compression)


def _tiff_file(path: Path) -> Any:
    """The file, opened by tifffile, and no other that it may name."""
    tifffile = imported("tifffile", path)
    alone = {f"is_{kind}": False for kind in OF_SEVERAL_FILES if kind in tifffile.TIFF.FILE_FLAGS}
    return tifffile.TiffFile(path, **alone)


def _tiff(path: Path) -> np.ndarray:
    with _tiff_file(path) as file:
        series = file.series[0]
        if series.pages[0].photometric == 3:
            raise ValueError("its values are places in a palette")
        _check_header(series.shape, np.dtype(series.dtype))
        for page in series.pages:
            _check_header(page.chunks, page.dtype)
            parts = zip(page.dataoffsets, page.databytecounts, strict=True)
            check_tiff(file.filehandle, parts, page.compression, np.prod(page.chunks) * page.dtype.itemsize)
        values, axes = np.asarray(series.asarray()), series.axes
    if "Y" not in axes or "X" not in axes or values.ndim > 3:
        raise ValueError(f"its axes {axes} of {list(values.shape)} are not those of one image")
    return np.moveaxis(values, (axes.index("Y"), axes.index("X")), (0, 1))


def _png(path: Path) -> np.ndarray:
    """16 bits of several channels, which PIL would cut to 8, by another library."""
    with opened(path) as image:
        if png_depth(path) < 16 or image.mode.startswith("I"):
            return _other(path)
    width, height, rows, facts = imported("png", path).Reader(filename=str(path)).read()
    check_png(path, (height, width, facts["planes"]))
    return np.vstack([np.asarray(row, np.uint16) for row in rows]).reshape(height, width, facts["planes"])


def _other(path: Path) -> np.ndarray:
    """What PIL decodes without loss, upright."""
    with opened(path) as stored:
        return pil_values(stored)


def _half(values: np.ndarray, half: Half) -> np.ndarray:
    middle = values.shape[1] // 2
    if not middle:
        raise ValueError("it is too narrow to hold two images side by side")
    return values[:, :middle] if half == "left" else values[:, -middle:]


def _write_npy(path: Path, values: np.ndarray, _source: Path | None) -> None:
    with path.open("wb") as file:
        np.save(file, values, allow_pickle=False)


def _write_tiff(path: Path, values: np.ndarray, source: Path | None) -> None:
    photometric = "rgb" if values.shape[2] in (3, 4) and values.dtype.kind == "u" else "minisblack"
    flat = values[:, :, 0] if values.shape[2] == 1 else values
    tags = geometry_tags(source, values.shape[:2]) if source else []
    how = {**COMPRESSED, "photometric": photometric, "planarconfig": "contig", "extratags": tags}
    imported("tifffile", path).imwrite(path, flat, **how)


def _write_png(path: Path, values: np.ndarray, _source: Path | None) -> None:
    height, width, channels = values.shape
    if values.dtype == np.uint8 or channels == 1:
        Image.fromarray(values[:, :, 0] if channels == 1 else values).save(path, format="PNG", compress_level=1)
        return
    kind = {"greyscale": channels < 3, "alpha": channels in (2, 4), "bitdepth": 16}
    with path.open("wb") as file:
        imported("png", path).Writer(width, height, compression=1, **kind).write(file, values.reshape(height, -1))


READERS: Mapping[str, Reader] = {
    ".npy": _npy,
    ".tif": _tiff,
    ".tiff": _tiff,
    ".png": _png,
    ".dcm": read_dicom,
    ".nii": read_nifti,
    ".gz": read_nifti,
}
WRITERS: Mapping[str, Callable[[Path, np.ndarray, Path | None], None]] = {
    ".npy": _write_npy,
    ".tif": _write_tiff,
    ".png": _write_png,
}
WINDOWS: Mapping[str, Callable[[Path], tuple[float, float] | None]] = {".dcm": dicom_window}
"""What the file itself says is to be shown as black and as white."""
BOUNDS: Mapping[str, Callable[[Path], None]] = {".tif": _check_tiff, ".tiff": _check_tiff, ".dcm": check_dicom}
"""Kinds of files that can be packed in ways without a bound."""
SIZES: Mapping[str, Callable[[Path], tuple[int, int]]] = {
    ".npy": _npy_size,
    ".tif": _tiff_size,
    ".tiff": _tiff_size,
    ".dcm": dicom_size,
    ".nii": nifti_size,
}
