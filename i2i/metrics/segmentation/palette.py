"""The colors of a label map: given, or learnt from label maps; and which class each pixel shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
import torch
from scipy.ndimage import maximum_filter, minimum_filter
from torch import Tensor

from i2i.errors import UserError
from i2i.metrics.features._inference import check_pixels

Color: TypeAlias = tuple[int, int, int]

MOST = 64  # colors of a label map
APART = 30  # of two learnt colors, in RGB; JPEG moves the colors of a flat area by less
FLAT = 24  # of the channels around a pixel that is inside an area: their largest difference
RAREST = 1e-4  # share of the pixels inside areas that a learnt color must have
VOID = "void"


@dataclass(frozen=True)
class Palette:
    """The classes of a label map.

    Attributes:
        names: of the classes; what is called `void` is not scored.
        colors: red, green and blue of each, 0 to 255.
    """

    names: tuple[str, ...]
    colors: tuple[Color, ...]

    @classmethod
    def given(cls, colors: Mapping[str, Sequence[int]]) -> "Palette":
        """The palette with these colors by name.

        Raises:
            UserError: fewer than two classes or too many, what is no color, or two equal ones.
        """
        if not 2 <= len(colors) <= MOST:
            raise UserError(f"a palette has 2 to {MOST} colors, not {len(colors)}: name those of the label map")
        for name, color in colors.items():
            if len(color) != 3 or not all(0 <= channel <= 255 for channel in color):
                raise UserError(f"palette: {name} is {list(color)}: write red, green and blue, each 0 to 255")
        for one, other in combinations(colors, 2):
            if tuple(colors[one]) == tuple(colors[other]):
                raise UserError(
                    f"palette: {one} and {other} are both {list(colors[one])}\n"
                    "give each class a color of its own, or leave one of the two out"
                )
        return cls(tuple(colors), tuple((red, green, blue) for red, green, blue in colors.values()))

    @classmethod
    def learnt(cls, label_maps: Sequence[np.ndarray]) -> "Palette":
        """The colors of the areas of label maps uint8 [H, W, 3], also after JPEG: the most frequent ones first.

        Raises:
            UserError: fewer than two colors or too many to be label maps.
        """
        counts: Counter[int] = Counter()
        for pixels in label_maps:
            found, times = np.unique(_codes(_inside(pixels)), return_counts=True)
            counts.update(dict(zip(found.tolist(), times.tolist(), strict=True)))
        colors = _clusters(counts)
        if not 2 <= len(colors) <= MOST:
            raise UserError(
                f"label maps have 2 to {MOST} colors, but {len(colors)} were found\n"
                "name the domain that is a label map with --label-maps, or its colors as scoring.palette"
            )
        return cls(tuple("#{:02x}{:02x}{:02x}".format(*color) for color in colors), colors)

    def classes(self, pixels: Tensor) -> Tensor:
        """The number of the nearest color at each pixel: uint8 [N, H, W] of uint8 [N, 3, H, W]."""
        check_pixels(pixels)
        best = torch.full((len(pixels), *pixels.shape[2:]), torch.inf, device=pixels.device)
        nearest = torch.zeros(best.shape, dtype=torch.uint8, device=pixels.device)
        for number, color in enumerate(self.colors):
            channels = torch.tensor(color, device=pixels.device)[:, None, None]
            distance = (pixels.int() - channels).square().sum(dim=1).float()
            closer = distance < best
            best[closer], nearest[closer] = distance[closer], number
        return nearest

    @property
    def scored(self) -> Tensor:
        """Which classes are scored: bool [K]."""
        return torch.tensor([name != VOID for name in self.names])

    def settings(self) -> dict[str, list[int]]:
        """What `given` reads."""
        return {name: list(color) for name, color in zip(self.names, self.colors, strict=True)}


def exact_colors(images: Sequence[np.ndarray]) -> int | None:
    """How many colors images uint8 [H, W, 3] have together, if they are few enough for label maps; else None."""
    found: set[int] = set()
    for pixels in images:
        found.update(np.unique(_codes(pixels))[: MOST + 1].tolist())
        if len(found) > MOST:
            return None
    return len(found)


def _codes(pixels: np.ndarray) -> np.ndarray:
    """A number for each color: int64 [...] of uint8 [..., 3]."""
    codes: np.ndarray = pixels.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    return codes


def _color(row: np.ndarray) -> Color:
    red, green, blue = map(int, row)
    return red, green, blue


def _inside(pixels: np.ndarray) -> np.ndarray:
    """The pixels [n, 3] that look like all around them: transitions between areas have colors of their own."""
    most, least = (some(pixels, size=(3, 3, 1)) for some in (maximum_filter, minimum_filter))
    inner: np.ndarray = pixels[(most - least).max(axis=2) <= FLAT]
    return inner


def _clusters(counts: Counter[int]) -> tuple[Color, ...]:
    """The means of colors around the most frequent ones, each farther than `APART` from those before it."""
    if not counts:
        return ()
    codes, weights = np.array(list(counts)), np.array(list(counts.values()), dtype=float)
    colors = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(float)
    left, found = np.ones(len(colors), dtype=bool), list[Color]()
    while left.any() and len(found) <= MOST:
        first = colors[np.argmax(np.where(left, weights, -1.0))]
        near = left & (np.linalg.norm(colors - first, axis=1) <= APART)
        left &= ~near
        if weights[near].sum() >= RAREST * weights.sum():
            found.append(_color(np.rint(np.average(colors[near], axis=0, weights=weights[near]))))
    return tuple(found)
