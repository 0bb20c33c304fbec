"""What the page takes as an upload."""

from pathlib import Path

from PIL import Image

from i2i.errors import UserError

MOST_PIXELS = 40_000_000
"""Of an upload: about a camera's image."""

MOST_SIDE = 16_384
MOST_BYTES = 25_000_000


def check_upload(path: Path) -> None:
    """UserError for a file that is too large, no image, or an image of too many pixels; it is not decoded for that."""
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"the file has {path.stat().st_size / 1e6:.0f} MB: at most {MOST_BYTES / 1e6:.0f} MB are taken")
    try:
        with Image.open(path) as opened:
            width, height = opened.size
    except Image.DecompressionBombError:
        raise UserError(f"the image has too many pixels: at most {MOST_PIXELS:,} are taken") from None
    except Exception:  # what decoders raise at broken files is of every kind
        raise UserError("the file is no image that can be read: take PNG, JPEG, WebP or TIFF") from None
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        limits = f"{MOST_PIXELS:,} pixels and {MOST_SIDE:,} a side"
        raise UserError(f"the image has {width}x{height} pixels: at most {limits} are taken")
