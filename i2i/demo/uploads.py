"""What the page takes as an upload."""

from pathlib import Path

from PIL import Image

from i2i.data.image_files.images import read_size
from i2i.data.image_files.readers_and_writers import check_bounded
from i2i.errors import UserError

MOST_PIXELS = 40_000_000
"""Of an upload: about a camera's image."""

MOST_SIDE = 16_384
MOST_BYTES = 25_000_000
VALUES = (".npy", ".tif", ".tiff", ".dcm", ".nii", ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".pgm", ".ppm")
"""Endings of files that are taken beyond 8-bit RGB."""


def check_upload(path: Path, native: bool = False) -> None:
    """UserError for a file that is too large, no image, or an image of too many pixels; it is not decoded for that.

    `native` files are those whose values are taken as they are.
    """
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"the file has {path.stat().st_size / 1e6:.0f} MB: at most {MOST_BYTES / 1e6:.0f} MB are taken")
    width, height = _values_size(path) if native else _size(path)
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        limits = f"{MOST_PIXELS:,} pixels and {MOST_SIDE:,} a side"
        raise UserError(f"the image has {width}x{height} pixels: at most {limits} are taken")


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as opened:
            return opened.size
    except Image.DecompressionBombError:
        raise UserError(f"the image has too many pixels: at most {MOST_PIXELS:,} are taken") from None
    except Exception:  # what decoders raise at broken files is of every kind
        raise UserError("the file is no image that can be read: take PNG, JPEG, WebP or TIFF") from None


def _values_size(path: Path) -> tuple[int, int]:
    if path.suffix.lower() not in VALUES:
        raise UserError(f"files of this kind are not taken here: take one of {', '.join(VALUES)}")
    try:
        check_bounded(path)
        height, width = read_size(path, native=True)
    except UserError as error:
        raise UserError(str(error).replace(str(path), "the file")) from None
    return width, height
