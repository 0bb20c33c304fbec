"""Images of every kind that PIL decodes as images of 8 bits per channel, with transparency as a channel."""

from collections.abc import Callable
from typing import cast

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from i2i.data.decoding.tiff_kinds import TiffKind

BAND = 2**22
"""Pixels that are converted at once; what a conversion needs on the way is bounded by it."""
GREY = ("1", "L")
Levels = Callable[[np.ndarray], np.ndarray]


def by_bands(picture: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """What `convert`, which looks at each pixel by itself, makes of an image, without its memory for all at once."""
    width, height = picture.size
    rows = max(1, BAND // max(1, width))
    if height <= rows:
        return convert(picture)
    bands = ((top, convert(picture.crop((0, top, width, min(top + rows, height))))) for top in range(0, height, rows))
    top, first = next(bands)
    whole = Image.new(first.mode, picture.size)
    whole.paste(first, (0, top))
    for top, band in bands:
        whole.paste(band, (0, top))
    return whole


class EightBits:
    """How a file's values become 8 bits; made of its header, applied to what was decoded.

    Args:
        picture: opened, not yet decoded.
        depth: bits of a value in a PNG file; None for other formats.
    """

    def __init__(self, picture: Image.Image, depth: int | None) -> None:
        kind = TiffKind.of(picture) if isinstance(picture, TiffImageFile) else None
        self._bits = max(kind.bits) if kind else 16
        self._inverted = kind is not None and kind.inverted
        self._depth = depth

    def __call__(self, picture: Image.Image) -> Image.Image:
        """The image with 8 bits per channel; ValueError for values whose meaning nobody can know."""
        transparent = picture.info.get("transparency")
        if picture.mode.startswith(("I", "F")):
            return self._shown(picture, self._scaled(picture), transparent)
        if picture.mode in GREY and isinstance(transparent, int):
            return self._shown(picture, lambda values: values, self._decoded_level(transparent))
        if self._depth == 16 and transparent is not None:
            raise ValueError("its transparency is a colour of 16 bits per channel; save it with an alpha channel")
        return picture

    def _decoded_level(self, transparent: int) -> int:
        """A grey level of the file as PIL decodes it: with less than 8 bits stretched to 0 to 255."""
        most = 255 if self._depth is None else 2**self._depth - 1
        return min(transparent, most) * 255 // most

    def _scaled(self, picture: Image.Image) -> Levels:
        if picture.mode == "F" or (picture.mode == "I" and not _fits(picture)):
            raise ValueError("it holds neither 8-bit nor 16-bit values")
        whole = 2**self._bits - 1 if self._bits in (10, 12, 14) else 65535
        sign, start = (-1, whole) if self._inverted else (1, 0)
        return lambda values: ((start + sign * values.astype(np.float64)) / (whole / 255) + 0.5).astype(np.uint8)

    @staticmethod
    def _shown(picture: Image.Image, levels: Levels, transparent: int | None) -> Image.Image:
        def convert(band: Image.Image) -> Image.Image:
            values = np.asarray(band if band.mode != "1" else band.convert("L"))
            grey = levels(values)
            if transparent is None:
                return Image.fromarray(grey)
            alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
            return Image.fromarray(np.stack([grey, alpha], axis=2))

        return by_bands(picture, convert)


def _fits(picture: Image.Image) -> bool:
    """Whether 32-bit integers lie in the range of 16 bits."""
    least, most = cast(tuple[int, int], picture.getextrema())
    return least >= 0 and most <= 65535
