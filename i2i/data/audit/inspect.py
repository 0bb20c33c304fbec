"""What one decoding of every image file shows: is it readable, how large, of what kind, and what does it show."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from i2i.data.audit.near_duplicates import Fingerprint
from i2i.data.image_files.images import decode_once, decoded, exif_orientation
from i2i.data.image_files.open_image import opened
from i2i.data.image_files.readers_and_writers import read_native
from i2i.data.image_files.value_range import stretched
from i2i.errors import UserError
from i2i.utils.fingerprint import blake2b
from i2i.utils.progress import Progress
from i2i.utils.text import joined_lines

KINDS = {
    "1": "black and white",
    "L": "greyscale",
    "LA": "greyscale with transparency (laid on the background)",
    "P": "with a palette (converted to RGB)",
    "CMYK": "CMYK (converted to RGB)",
    "RGBA": "with transparency (laid on the background)",
    "16-bit": 'with more than 8 bits per channel (cut to 8 without "pixel_formats" in i2i.json)',
    "EXIF": "turned upright by EXIF",
    "animated": "animated (the first frame is taken)",
}
"""Kinds of files worth knowing, and what becomes of them. Names of one or two letters are PIL's modes."""


@dataclass(frozen=True)
class Values:
    """What a file holds.

    Attributes:
        kind: channels and type, as `2 x uint16`.
        not_finite: how many values are not.
        limits: the least and largest finite value of each channel; none of a channel without any.
    """

    kind: str
    not_finite: int
    limits: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, values: np.ndarray) -> "Values":
        """Of values [H, W, C]."""
        finite = np.isfinite(values)
        channels = [values[..., channel][finite[..., channel]] for channel in range(values.shape[2])]
        limits = tuple((float(own.min()), float(own.max())) for own in channels if own.size)
        return cls(f"{values.shape[2]} x {values.dtype.name}", values.size - int(finite.sum()), limits)


@dataclass(frozen=True)
class FileInspection:
    """What one decoding of a file shows.

    Attributes:
        path: the file.
        fault: why it cannot be used; None: it can, and the rest is known.
        size: width and height of the upright image.
        kinds: those of `KINDS` that it is of.
        digest: BLAKE2b of the file's contents.
        fingerprint: what it shows; None for an image of a single colour.
        brightest: the highest level in any channel, 0 to 255.
        values: of an image that is taken as its file holds it, what they are; None: it is taken as 8 bits.
    """

    path: Path
    fault: str | None = None
    size: tuple[int, int] = (0, 0)
    kinds: tuple[str, ...] = ()
    digest: bytes = b""
    fingerprint: Fingerprint | None = None
    brightest: int = 255
    values: Values | None = None


def inspect_file(path: Path) -> FileInspection:
    """Read and decode a file once; a fault is part of the answer."""
    try:
        kinds, digest = _kinds(path), blake2b(path, 16)
        with decoded(path) as image:
            return FileInspection(path, None, image.size, kinds, digest, Fingerprint.of(image), brightest(image))
    except (UserError, OSError) as error:
        return FileInspection(path, joined_lines(str(error)))


def inspect_native_file(path: Path) -> FileInspection:
    """The same of a file whose values are taken as it holds them."""
    try:
        held, digest = read_native(path), blake2b(path, 16)
    except (UserError, OSError) as error:
        return FileInspection(path, joined_lines(str(error)))
    height, width = held.shape[:2]
    shown = stretched(held)
    image = Image.fromarray(shown[:, :, 0] if shown.shape[2] == 1 else shown)
    return FileInspection(path, None, (width, height), (), digest, Fingerprint.of(image), values=Values.of(held))


def brightest(image: Image.Image) -> int:
    """The highest level in any channel of a decoded image, 0 to 255; 255 where levels are not brightness."""
    if image.mode in ("P", "1", "CMYK"):
        return 255
    colors = [band for band in image.getbands() if band.upper() != "A"]
    return max(cast(tuple[int, int], image.getchannel(band).getextrema())[1] for band in colors)


def is_deep(path: Path) -> bool:
    """Whether a readable file has more than 8 bits per channel."""
    try:
        with opened(path) as image:
            return _is_deep(image)
    except (UserError, OSError):
        return False


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith(("I", "F")) or any(";16" in str(tile) for tile in getattr(image, "tile", ()))


def inspect_files(
    paths: Sequence[Path], progress: Progress | None = None, native: bool = False
) -> Iterator[FileInspection]:
    """Inspect files in parallel, in their order; `progress` is called with those done and the total.

    `native` files are taken as they are, and not as 8 bits.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, one in enumerate(pool.map(inspect_native_file if native else inspect_file, paths), 1):
            yield one
            if progress:
                progress(done, len(paths))


def faults(paths: Sequence[Path], progress: Progress | None = None, native: bool = False) -> dict[Path, str]:
    """The files that cannot be decoded, and why; `native` ones as they are, and not as 8 bits."""
    found: dict[Path, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        reasons = pool.map(lambda path: _fault(path, native), paths)
        for done, (path, reason) in enumerate(zip(paths, reasons, strict=True), 1):
            if reason is not None:
                found[path] = reason
            if progress:
                progress(done, len(paths))
    return found


def _fault(path: Path, native: bool) -> str | None:
    try:
        decode_once(path, None, native)
    except UserError as error:
        return joined_lines(str(error))
    return None


def _kinds(path: Path) -> tuple[str, ...]:
    """From the header alone."""
    with opened(path) as image:
        modes = {"1": "1", "L": "L", "LA": "LA", "P": "P", "CMYK": "CMYK", "RGBA": "RGBA"}
        found = [modes[image.mode]] if image.mode in modes else []
        if image.mode != "LA" and image.mode != "RGBA" and "transparency" in image.info:
            found.append("RGBA")
        if _is_deep(image):
            found.append("16-bit")
        if getattr(image, "n_frames", 1) > 1:
            found.append("animated")
        if exif_orientation(image) not in (0, 1):
            found.append("EXIF")
    return tuple(found)
