"""Shapes of drawn landscapes: how much of each pixel a disc, a polygon, a line or a ridge covers.

Positions are fractions of the image's width (x) and height (y, downwards). Only arithmetic and square roots are used,
no transcendental function, so that machines and NumPy versions agree.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Disc:
    """An ellipse: centre, half width and half height. The sun, the pond and the puffs of clouds and smoke."""

    x: float
    y: float
    width: float
    height: float


class Window(NamedTuple):
    """A rectangle of an image: its `rows` and `columns`, and the centres `x` [1, w], `y` [h, 1] of its pixels.

    The centres are fractions of the image. `width` and `height` are the whole image's, in pixels: what turns a
    distance into a coverage.
    """

    rows: slice
    columns: slice
    x: Array
    y: Array
    width: int
    height: int


def window_of(
    size: tuple[int, int], left: float = 0.0, top: float = 0.0, right: float = 1.0, bottom: float = 1.0
) -> Window:
    """The pixels that the given rectangle touches, with one to spare for the soft edge; none where it lies outside."""
    height, width = size
    rows = slice(_clipped(top * height - 1, height), _clipped(bottom * height + 2, height))
    columns = slice(_clipped(left * width - 1, width), _clipped(right * width + 2, width))
    return Window(rows, columns, _centers(width)[None, columns], _centers(height)[rows, None], width, height)


@lru_cache(maxsize=16)
def _centers(pixels: int) -> Array:
    centers = (np.arange(pixels) + 0.5) / pixels
    centers.setflags(write=False)
    return centers


def _clipped(position: float, limit: int) -> int:
    return int(min(max(position, 0.0), limit))


def around(size: tuple[int, int], disc: Disc) -> Window:
    return window_of(size, disc.x - disc.width, disc.y - disc.height, disc.x + disc.width, disc.y + disc.height)


def unit(value: Array | float) -> Array:
    """`value` limited to [0, 1]; faster than `np.clip` on small arrays."""
    limited: Array = np.minimum(np.maximum(value, 0.0), 1.0)
    return limited


def smooth(value: Array | float) -> Array:
    """`value` limited to [0, 1], its corners at 0 and 1 rounded off."""
    x = unit(value)
    return x * x * (3 - 2 * x)


def curve(knots: Array, x: Array) -> Array:
    """The Catmull-Rom spline through `knots` [n, ...] at `x` [m] in [0, 1]: [m, ...].

    The first and the last knot only steer it.
    """
    position = x * (len(knots) - 3)
    index = np.minimum(position.astype(int), len(knots) - 4)
    t = (position - index).reshape(-1, *[1] * (knots.ndim - 1))
    a, b, c, d = (knots[index + k] for k in range(4))
    curved: Array = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return curved


def spread(disc: Disc, x: Array | float, y: Array | float) -> Array:
    """The squared distance from the centre: 0 there, 1 at the ellipse's edge."""
    across, down = np.asarray(x - disc.x) / disc.width, np.asarray(y - disc.y) / disc.height
    squared: Array = across * across + down * down
    return squared


def ellipse(window: Window, disc: Disc) -> Array:
    """Coverage of an ellipse."""
    distance = np.sqrt(spread(disc, window.x, window.y))
    return unit((1 - distance) * min(disc.width * window.width, disc.height * window.height) + 0.5)


def puff(window: Window, disc: Disc) -> Array:
    """A soft spot: 1 at the centre, 0 at the ellipse's edge."""
    near: Array = np.maximum(1 - spread(disc, window.x, window.y), 0.0)
    return near * near


def below(window: Window, ridge: Array | float) -> Array:
    """Coverage of what lies below a ridge: one height, or [w] of them."""
    return unit((window.y - ridge) * window.height + 0.5)


def polygon(window: Window, corners: list[tuple[float, float]]) -> Array:
    """Coverage of a convex polygon."""
    x, y = window.x * window.width, window.y * window.height
    points = [(a * window.width, b * window.height) for a, b in corners]
    edges = list(zip(points, points[1:] + points[:1], strict=True))
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in edges)
    inside: Array = np.array(np.inf)
    for (ax, ay), (bx, by) in edges:
        dx, dy = bx - ax, by - ay
        length = np.sqrt(dx * dx + dy * dy) * (1 if area > 0 else -1)
        distance = (dx / length) * (y - ay) - (dy / length) * (x - ax)
        inside = np.minimum(inside, distance)
    return unit(inside + 0.5)


def line(window: Window, start: tuple[float, float], end: tuple[float, float], thickness: float) -> Array:
    """Coverage of a line with round ends; one thinner than a pixel is fainter instead.

    `thickness` is a fraction of the image's width.
    """
    x, y = (window.x - start[0]) * window.width, (window.y - start[1]) * window.height
    dx, dy = (end[0] - start[0]) * window.width, (end[1] - start[1]) * window.height
    along = unit((x * dx + y * dy) / (dx * dx + dy * dy))
    distance = np.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2)
    pixels = thickness * window.width
    return min(pixels, 1.0) * unit(0.5 * max(pixels, 1.0) + 0.5 - distance)


def overlap(centers: Array, low: float, high: float, pixels: int) -> Array:
    """How much of each pixel, of which `pixels` make the whole side, lies between `low` and `high`."""
    return unit((np.minimum(centers, high - 0.5 / pixels) - np.maximum(centers, low + 0.5 / pixels)) * pixels + 1)
