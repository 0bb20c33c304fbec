"""Images of every kind that PIL decodes as images of 8 bits per channel, with transparency as a channel."""

from collections.abc import Callable
from typing import cast

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from i2i.data.image_files.tiff_kinds import TiffKind

BAND = 2**22
"""Pixels that are converted at once; what a conversion needs on the way is bounded by it."""
GRAY = ("1", "L")
Levels = Callable[[np.ndarray], np.ndarray]


def by_bands(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """What `convert`, which looks at each pixel by itself, makes of an image, without its memory for all at once."""
    width, height = image.size
    rows = max(1, BAND // max(1, width))
    if height <= rows:
        return convert(image)
    bands = ((top, convert(image.crop((0, top, width, min(top + rows, height))))) for top in range(0, height, rows))
    top, first = next(bands)
    whole = Image.new(first.mode, image.size)
    whole.paste(first, (0, top))
    for top, band in bands:
        whole.paste(band, (0, top))
    return whole


class EightBits:
    """How a file's values become 8 bits; made of its header, applied to what was decoded.

    Args:
        image: opened, not yet decoded.
        depth: bits of a value in a PNG file; None for other formats.
    """

    def __init__(self, image: Image.Image, depth: int | None) -> None:
        kind = TiffKind.of(image) if isinstance(image, TiffImageFile) else None
        self._bits = max(kind.bits) if kind else 16
        self._inverted = kind is not None and kind.inverted
        self._depth = depth

    def __call__(self, image: Image.Image) -> Image.Image:
        """The image with 8 bits per channel; ValueError for values whose meaning nobody can know."""
        transparent = image.info.get("transparency")
        if image.mode.startswith(("I", "F")):
            return self._shown(image, self._scaled(image), transparent)
        if image.mode in GRAY and isinstance(transparent, int):
            return self._shown(image, lambda values: values, self._decoded_level(transparent))
        if self._depth == 16 and transparent is not None:
            raise ValueError("its transparency is a colour of 16 bits per channel; save it with an alpha channel")
        return image

    def _decoded_level(self, transparent: int) -> int:
        """A grey level of the file as PIL decodes it: with less than 8 bits stretched to 0 to 255."""
        most = 255 if self._depth is None else 2**self._depth - 1
        return min(transparent, most) * 255 // most

    def _scaled(self, image: Image.Image) -> Levels:
        if image.mode == "F" or (image.mode == "I" and not _fits(image)):
            raise ValueError("it holds neither 8-bit nor 16-bit values")
        whole = 2**self._bits - 1 if self._bits in (10, 12, 14) else 65535
        sign, start = (-1, whole) if self._inverted else (1, 0)
        return lambda values: ((start + sign * values.astype(np.float64)) / (whole / 255) + 0.5).astype(np.uint8)

    @staticmethod
    def _shown(image: Image.Image, levels: Levels, transparent: int | None) -> Image.Image:
        def convert(band: Image.Image) -> Image.Image:
            values = np.asarray(band if band.mode != "1" else band.convert("L"))
            gray = levels(values)
            if transparent is None:
                return Image.fromarray(gray)
            alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
            return Image.fromarray(np.stack([gray, alpha], axis=2))

        return by_bands(image, convert)


def _fits(image: Image.Image) -> bool:
    """Whether 32-bit integers lie in the range of 16 bits."""
    least, most = cast(tuple[int, int], image.getextrema())
    return least >= 0 and most <= 65535
