"""TIFF files of which PIL shows something else than they hold, and those whose values need a look at the tags."""

from dataclasses import dataclass
from enum import IntEnum

from PIL.TiffImagePlugin import TiffImageFile


class Tag(IntEnum):
    """Numbers of the tags that are looked at."""

    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    CHANNELS = 277
    PLANAR = 284
    INK_SET = 332
    FORMAT = 339


class Photometric(IntEnum):
    """What the values of a pixel mean, as far as it is read."""

    MIN_IS_WHITE = 0
    MIN_IS_BLACK = 1
    RGB = 2
    PALETTE = 3
    SEPARATED = 5
    YCBCR = 6


OTHERS = {8: "Lab", 9: "Lab", 10: "Lab", 32803: "raw sensor values", 34892: "raw sensor values"}
"""Names of some that are not read."""
UNSIGNED, FLOAT = 1, 3
UNCOMPRESSED, JPEG = 1, 7
SEPARATE_PLANES = 2
LEAST_FIRST = 2
CMYK = 1


@dataclass(frozen=True)
class TiffKind:
    """What the tags of a TIFF file say of its values.

    Attributes:
        photometric: what they mean.
        bits: of a value, by channel.
        format: of a number: 1 unsigned, 2 signed, 3 floating point.
        planar: whether each channel lies by itself.
        compression: 1: none.
        least_first: whether the bits of a byte are in reverse order.
        ink_set: 1: cyan, magenta, yellow and black.
    """

    photometric: int
    bits: tuple[int, ...]
    format: int
    planar: bool
    compression: int
    least_first: bool
    ink_set: int

    @classmethod
    def of(cls, image: TiffImageFile) -> "TiffKind":
        """Of a file whose header has been read."""
        tags = image.tag_v2
        channels = int(tags.get(Tag.CHANNELS, 1))
        bits = tuple(tags.get(Tag.BITS, (1,)))
        return cls(
            int(tags.get(Tag.PHOTOMETRIC, Photometric.MIN_IS_WHITE)),
            bits * channels if len(bits) == 1 else bits,
            int(tags.get(Tag.FORMAT, (UNSIGNED,))[0]),
            tags.get(Tag.PLANAR, 1) == SEPARATE_PLANES and channels > 1,
            int(tags.get(Tag.COMPRESSION, UNCOMPRESSED)),
            tags.get(Tag.FILL_ORDER, 1) == LEAST_FIRST,
            int(tags.get(Tag.INK_SET, CMYK)),
        )

    @property
    def inverted(self) -> bool:
        """Whether zero is white and PIL leaves it to the reader to know that; with up to 8 bits PIL knows."""
        return self.photometric == Photometric.MIN_IS_WHITE and max(self.bits) > 8

    def unreadable(self) -> str | None:
        """Why PIL would show something else, or None."""
        if self.photometric not in tuple(Photometric):
            return f"its colours are {OTHERS.get(self.photometric, self.photometric)}, not RGB, CMYK or grey"
        if len(set(self.bits)) > 1:
            return f"its channels have different numbers of bits, {', '.join(map(str, self.bits))}"
        if self.format not in (UNSIGNED, FLOAT) and max(self.bits) <= 8:
            return "its values are signed"
        if self.least_first and max(self.bits) > 8:
            return "the bits of its bytes lie in reverse order"
        if self.photometric == Photometric.SEPARATED and self.ink_set != CMYK:
            return "its inks are not cyan, magenta, yellow and black"
        if self.photometric == Photometric.YCBCR and self.compression != JPEG:
            return "it is YCbCr without JPEG compression"
        if self.planar and (len(self.bits) == 2 or (self.compression == UNCOMPRESSED and max(self.bits) > 8)):
            return "its channels lie one after the other in a way that PIL confuses; save it with interleaved channels"
        return None
