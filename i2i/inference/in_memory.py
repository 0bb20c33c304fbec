"""Translating images of a program: paths, PIL images and arrays in, PIL images or arrays out."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.readers_and_writers import NUMBERS, pil_values
from i2i.errors import UserError
from i2i.inference.translate_files import Translation, full_resolution, resized, sides

CONVERTED = {
    **dict.fromkeys(("CMYK", "YCbCr", "HSV", "LAB", "RGBX"), "RGB"),
    "RGBa": "RGBA",
    "La": "LA",
    "PA": "RGBA",
}
"""Modes of PIL that no PNG file has, and what they are written as."""

Given = str | Path | Image.Image | np.ndarray
"""An image: a file; a PIL image; uint8 [H, W], [H, W, 1] or [H, W, 3], or for a model beyond 8 bits its values."""


def translate_images(
    translate: Translation, preprocess: Preprocess, given: Sequence[Given], full: bool = False
) -> list[Image.Image]:
    """Translations of images, as `i2i translate` makes them of files.

    Noise follows the names of files; what has none is called `image0`, `image1`, ... by its place. Of a model of data
    beyond 8-bit RGB they are renderings of 8 bits, as grids show them: `bands` within `window`.

    Args:
        translate: who translates, and how.
        preprocess: how images are prepared for it.
        given: the images.
        full: at their own size, large ones in tiles, and not at that of the training.

    Raises:
        UserError: for a file that cannot be read, or what is no image.
    """
    _, after = sides(translate, preprocess)
    return [as_pil(after.shown(values)) for values in translate_arrays(translate, preprocess, given, full)]


def translate_arrays(
    translate: Translation, preprocess: Preprocess, given: Sequence[Given], full: bool = False
) -> list[np.ndarray]:
    """The same as arrays [H, W, C] as files hold them: uint8, or values of the target's type, in its range.

    A model of data beyond 8-bit RGB takes arrays [H, W] or [H, W, C] with the values that files of the source hold.

    Raises:
        UserError: for a file that cannot be read, or what is no image.
    """
    convert = full_resolution(translate, preprocess) if full else resized(translate, preprocess)
    with as_files(given, native=bool(preprocess.formats)) as paths:
        return [pixels for path in paths for pixels in convert([path])]


def check_array(values: object, path: Path, preprocess: Preprocess) -> None:
    """UserError for what is no array [H, W, C] of a domain's values, or a file of another kind than the domain's."""
    dtype, channels, suffix = preprocess.written, preprocess.channels, preprocess.suffix
    array = values if isinstance(values, np.ndarray) and values.size else None
    if array is None or array.dtype != dtype or array.shape[2:] != (channels,):
        seen = type(values).__name__ if array is None else f"{array.dtype} {list(array.shape)}"
        raise UserError(f"values are {seen}: give one array {dtype} [H, W, {channels}], as translate_arrays makes it")
    if path.suffix != suffix:
        raise UserError(f"{path} ends with {path.suffix!r} and files of the target with {suffix!r}: name it so")


def refuse_formats(preprocess: Preprocess, what: str) -> None:
    """UserError for a model of data beyond 8-bit RGB, where images are of 8 bits."""
    if preprocess.formats:
        raise UserError(
            f"this model takes data beyond 8-bit RGB ({', '.join(preprocess.formats)}), and {what} are of 8 bits:\n"
            "translate files with i2i translate RUN FILES, which writes files of the target's kind"
        )


def as_pil(pixels: np.ndarray) -> Image.Image:
    """uint8 [H, W, C] as an image, grey with one channel."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


@contextmanager
def as_files(given: Sequence[Given], native: bool = False) -> Iterator[list[Path]]:
    """The images as files, which for those in memory are there for a block: one way of decoding serves all.

    `native` images are those that are taken as they are, and not as 8 bits.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UserError(f"images are {type(given).__name__}: give a path, a PIL image or an array, or a list of these")
    with TemporaryDirectory(prefix="i2i-") as folder:
        yield [_file(one, Path(folder) / f"image{place}.png", native) for place, one in enumerate(given)]


def _file(given: object, path: Path, native: bool) -> Path:
    if isinstance(given, str | Path):
        return Path(given)
    if native:
        return _values_file(given, path.with_suffix(".npy"))
    image = given if isinstance(given, Image.Image) else _of_array(given)
    _writable(image).save(path, compress_level=1)
    return path


def _writable(image: Image.Image) -> Image.Image:
    """A PIL image as a PNG file can hold it; UserError for one that has no pixels."""
    if not (image.width and image.height):
        raise UserError(f"an image has {image.width}x{image.height} pixels: give one that has some")
    try:
        image.load()
    except ValueError:
        raise UserError("an image is closed: give one that is open, or its path") from None
    if image.mode == "F":
        raise UserError("an image is of PIL's mode F, whose range is not known: give it as uint8, or in mode L or RGB")
    return image.convert(CONVERTED[image.mode]) if image.mode in CONVERTED else image


def _values_file(given: object, path: Path) -> Path:
    values = pil_values(given) if isinstance(given, Image.Image) else np.asarray(given)
    if values.dtype.kind not in NUMBERS or values.ndim not in (2, 3) or not values.size:
        raise UserError(
            f"an image is {type(given).__name__} {values.dtype} {list(values.shape)}: give a path, or an array [H, W] "
            "or [H, W, C] of the values that files of the source hold"
        )
    np.save(path, values)
    return path


def _of_array(given: object) -> Image.Image:
    if not isinstance(given, np.ndarray):
        raise UserError(f"an image is given as {type(given).__name__}: give a path, a PIL image or an array")
    fits = given.ndim == 2 or (given.ndim == 3 and given.shape[2] in (1, 3))
    if given.dtype != np.uint8 or not fits or not given.size:
        raise UserError(
            f"an image is an array {given.dtype} {list(given.shape)}: give uint8 [H, W], [H, W, 1] or [H, W, 3]"
        )
    return as_pil(given if given.ndim == 3 else given[:, :, None])
