"""The one place where PIL opens a file: known formats, a bound on the size, and every failure in one line."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from i2i.data.image_files.png_notes import without_long_notes
from i2i.data.image_files.tiff_kinds import TiffKind
from i2i.errors import UserError

Half = Literal["left", "right"]
"""Which of two aligned images in one file."""
MAX_PIXELS = 178_956_970
"""The largest image that is decoded, 2 GiB as 32-bit floats of three channels: a small file can claim any size."""
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "PPM", "GIF")
"""Known by contents. Others PIL knows are left out: their decoders call other programs, or are seldom tried."""
TIFF_STARTS = (b"II*\0", b"MM\0*")
WIDE_TIFF = (
    "it is a TIFF file, but of no kind that images of 8 bits have; if it is whole, "
    '"pixel_formats": {} in i2i.json has its values taken as they are'
)

# PIL's warnings name no file. What matters of them becomes an error that does; the rest would help nobody.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """An image of which only the header has been read; what fails in the block because of the file is told.

    Raises:
        UserError: naming the file, if it is missing, empty, not decodable, of more than `MAX_PIXELS`, or of a kind
            that PIL would show as something else.
    """
    try:
        # Of a name PIL would map some TIFF files into memory, and confuse those that are turned (Pillow 11 to 13).
        with path.open("rb") as file, Image.open(without_long_notes(file), formats=FORMATS) as image:
            _refuse(image)
            yield image
    except FileNotFoundError:
        raise UserError(f"there is no image {path}: check the path") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder and no image: name an image in it") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = _reason(path, error)
        raise UserError(f"{path} cannot be read as an image ({reason}):\nrepair or remove it") from None


def _refuse(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width}x{height} are {width * height:,} pixels and the limit is {MAX_PIXELS:,}")
    if isinstance(image, TiffImageFile) and (unreadable := TiffKind.of(image).unreadable()):
        raise ValueError(unreadable)


def _reason(path: Path, error: Exception) -> str:
    if path.stat().st_size == 0:
        return "it is empty"
    if not isinstance(error, UnidentifiedImageError):
        return str(error)
    with path.open("rb") as file:
        return WIDE_TIFF if file.read(4) in TIFF_STARTS else "it is of no known format"
