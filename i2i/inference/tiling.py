"""Translating images of any size: mirrored up to a size that the model takes, or in overlapping tiles.

Of the overlap of two tiles most is only context for the networks and is thrown away, three eighths at either end; in
the quarter between them one tile passes into the other linearly. So a network without norms gives the same in tiles as
at once, if no pixel of its output depends on input that is further away than three eighths of the overlap.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from i2i.errors import UserError

Translate = Callable[[Tensor], Tensor]
"""Images [1, C, H, W] to images of the same shape."""

AT_ONCE = 2 * 1024 * 1024
"""Pixels of the largest image that is translated without tiles, unless a side of tiles is given."""

SIDE = 1024
"""Side of tiles where none is given, pixels."""

OVERLAP = 4
"""Neighbouring tiles share at least one of so many parts of their side."""

CONTEXT = 3 / 8
"""Share of the overlap, at either end, that is thrown away of the tile which ends there."""


def in_full(image: Tensor, translate: Translate, multiple: int, smallest: tuple[int, int]) -> Tensor:
    """Translate [1, C, H, W] of any height and width in one piece.

    Right and below it is mirrored, as often as need be, up to multiples of `multiple` that are not below `smallest`,
    (height, width); the translation is cropped back.
    """
    height, width = image.shape[2:]
    padded = mirrored(image, *padded_size((height, width), multiple, smallest))
    return translate(padded)[:, :, :height, :width]


def in_tiles(image: Tensor, translate: Translate, multiple: int, smallest: tuple[int, int], side: int) -> Tensor:
    """Translate [1, C, H, W] of any height and width, at most `side` by `side` pixels at a time.

    Args:
        image: what to translate.
        translate: given each tile, [1, C, side, side], or less of an image that is not as high or wide.
        multiple: what sides must be multiples of; that of tiles is rounded up.
        smallest: height and width up to which a smaller image is mirrored.
        side: of a tile, pixels.

    Raises:
        UserError: for a side that is too small.
    """
    height, width = image.shape[2:]
    padded, rows, columns = _laid_out(image, multiple, smallest, side)
    whole = torch.empty_like(padded)
    for row in rows:
        strip = torch.empty_like(padded[:, :, row.start : row.stop])
        for column in columns:
            tile = translate(padded[:, :, row.start : row.stop, column.start : column.stop])
            _lay(strip, tile, column, dim=3)
        _lay(whole, strip, row, dim=2)
    return whole[:, :, :height, :width]


def tiles(
    image: Tensor, multiple: int, smallest: tuple[int, int], side: int
) -> Iterator[tuple[Tensor, Callable[[Tensor], Tensor]]]:
    """The tiles that `in_tiles` translates, each with a function that tells what it alone stands for.

    Of a tile's features [1, C, h, w], at whatever scale, the function keeps those up to the middle of its overlaps. So
    all tiles together give every place of the image once.
    """
    padded, rows, columns = _laid_out(image, multiple, smallest, side)
    for row, upright in zip(rows, _shares(rows), strict=True):
        for column, across in zip(columns, _shares(columns), strict=True):
            tile = padded[:, :, row.start : row.stop, column.start : column.stop]
            yield tile, partial(_share_of, upright, across)


def padded_size(size: tuple[int, int], multiple: int, smallest: tuple[int, int]) -> tuple[int, int]:
    """The next height and width that are multiples of `multiple` and not below `smallest`."""
    height, width = (_up(max(pair), multiple) for pair in zip(size, smallest, strict=True))
    return height, width


def tiling(multiple: int, smallest: tuple[int, int], side: int) -> tuple[int, int]:
    """Side and overlap of tiles as multiples of `multiple`.

    Raises:
        UserError: for a side below `smallest`, height and width, or so small that tiles are little but overlap.
    """
    rounded = _up(side, multiple)
    overlap = _up(-(-rounded // OVERLAP), multiple)
    least = max(2 * overlap, *smallest)
    if rounded < least:
        raise UserError(f"tiles of {side} px are too small for this model: use --tile {least} or more")
    return rounded, overlap


def starts(length: int, side: int, overlap: int, multiple: int) -> list[int]:
    """Where tiles begin, so that they cover `length` evenly and share at least `overlap` pixels.

    All arguments and results are multiples of `multiple`; `side` is at most `length`.
    """
    if length == side:
        return [0]
    gaps = -(-(length - side) // (side - overlap))
    return [number * (length - side) // multiple // gaps * multiple for number in range(gaps + 1)]


def ramp(overlap: int) -> Tensor:
    """Weights [overlap] of the later of two tiles: 0 in the first three eighths, 1 in the last, rising between."""
    places = torch.arange(overlap, dtype=torch.float64) + 0.5
    return ((places / overlap - CONTEXT) / (1 - 2 * CONTEXT)).clamp(0, 1).float()


def reduced(image: Tensor, side: int) -> Tensor:
    """[1, C, H, W] made smaller, in its proportions, to about `side` squared pixels; smaller ones stay as they are.

    Pixels are left out and not averaged, which would take away grain and contrast.
    """
    scale = side / math.sqrt(image.shape[2] * image.shape[3])
    if scale >= 1:
        return image
    return F.interpolate(image, [max(1, round(length * scale)) for length in image.shape[2:]], mode="nearest-exact")


def mirrored(images: Tensor, height: int, width: int) -> Tensor:
    """[B, C, H, W] continued to [B, C, height, width] by mirrors at its right and lower border pixels."""
    for dim, length in ((2, height), (3, width)):
        if images.shape[dim] != length:
            images = images.index_select(dim, _mirror(images.shape[dim], length).to(images.device))
    return images


def _mirror(length: int, total: int) -> Tensor:
    """Positions [total] that run to and fro below `length`: 0 1 2 1 0 1 for 3 and 6."""
    period = max(1, 2 * (length - 1))
    places = torch.arange(total) % period
    return torch.minimum(places, period - places)


@dataclass(frozen=True)
class _Share:
    """What one tile alone stands for along one side of it: `start` to `stop` of its `length` pixels."""

    start: int
    stop: int
    length: int

    def at(self, size: int) -> slice:
        """The same part of that side at another scale, where it is `size` long."""
        return slice(self.start * size // self.length, self.stop * size // self.length)


def _share_of(upright: _Share, across: _Share, features: Tensor) -> Tensor:
    return features[:, :, upright.at(features.shape[2]), across.at(features.shape[3])]


def _shares(spans: list["_Span"]) -> list[_Share]:
    middles = [(span.start + span.covered) // 2 for span in spans[1:]]
    ends = pairwise([0, *middles, spans[-1].stop])
    return [
        _Share(start - span.start, stop - span.start, span.stop - span.start)
        for span, (start, stop) in zip(spans, ends, strict=True)
    ]


@dataclass(frozen=True)
class _Span:
    """Where a tile lies along one side; up to `covered` the tile before it reaches."""

    start: int
    stop: int
    covered: int


def _laid_out(
    image: Tensor, multiple: int, smallest: tuple[int, int], side: int
) -> tuple[Tensor, list[_Span], list[_Span]]:
    """The image, mirrored as needed, and where tiles lie along its height and its width."""
    side, overlap = tiling(multiple, smallest, side)
    padded = mirrored(image, *padded_size((image.shape[2], image.shape[3]), multiple, smallest))
    rows, columns = (_spans(length, side, overlap, multiple) for length in padded.shape[2:])
    return padded, rows, columns


def _spans(length: int, side: int, overlap: int, multiple: int) -> list[_Span]:
    side = min(side, length)
    places = starts(length, side, overlap, multiple)
    covered = [0, *(place + side for place in places)]
    return [_Span(place, place + side, before) for place, before in zip(places, covered, strict=False)]


def _lay(whole: Tensor, piece: Tensor, span: _Span, dim: int) -> None:
    """Put a tile into `whole`, in place, blended with what is there already."""
    overlap = max(0, span.covered - span.start)
    if overlap:
        there = whole.narrow(dim, span.start, overlap)
        weights = ramp(overlap).to(piece).view((-1, 1) if dim == 2 else (-1,))
        there.lerp_(piece.narrow(dim, 0, overlap), weights)  # unlike a weighted sum exact where both are equal
    rest = span.stop - span.start - overlap
    whole.narrow(dim, span.start + overlap, rest).copy_(piece.narrow(dim, overlap, rest))


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
