"""Patterns of drawn landscapes at fixed places of the image, whatever the scene: stars, flakes, strokes, squares."""

from functools import lru_cache

import numpy as np

from i2i.data.synthetic._scene_shapes import Array, Disc, around, ellipse, overlap, smooth, window_of

FIXED_DOTS_SEED = 20
HATCH_STROKES = 24
GRID_SQUARES = 12
GRID_LINE = 0.005


@lru_cache(maxsize=8)
def stars(size: tuple[int, int]) -> Array:
    """Coverage [height, width] of the stars."""
    return _dots(size, count=26, bottom=0.5, radii=(0.007, 0.014))


@lru_cache(maxsize=8)
def flakes(size: tuple[int, int]) -> Array:
    """Coverage [height, width] of snow in the air."""
    return _dots(size, count=44, bottom=1.0, radii=(0.007, 0.013))


@lru_cache(maxsize=8)
def hatch(size: tuple[int, int]) -> Array:
    """Coverage [height, width] of slanting strokes, side by side."""
    window = window_of(size)
    across = HATCH_STROKES * (window.x + 0.8 * window.y)
    cover = smooth(2 * np.abs(across % 1.0 - 0.5))
    cover.setflags(write=False)
    return cover


@lru_cache(maxsize=8)
def grid(size: tuple[int, int]) -> Array:
    """Coverage [height, width] of the lines of squared paper."""
    window = window_of(size)
    clear = np.ones(size)
    for place in np.arange(1, GRID_SQUARES) / GRID_SQUARES:
        low, high = place - 0.5 * GRID_LINE, place + 0.5 * GRID_LINE
        clear *= 1 - overlap(window.x, low, high, window.width)
        clear *= 1 - overlap(window.y, low, high, window.height)
    cover: Array = 1 - clear
    cover.setflags(write=False)
    return cover


def _dots(size: tuple[int, int], count: int, bottom: float, radii: tuple[float, float]) -> Array:
    """Coverage [height, width] of dots above `bottom`, most of them small; the same dots in every scene."""
    cover = np.zeros(size)
    for x, y, weight in np.random.default_rng(FIXED_DOTS_SEED).random((count, 3)):
        radius = radii[0] + (radii[1] - radii[0]) * weight**3
        dot = Disc(x, bottom * y, radius, radius)
        window = around(size, dot)
        spot = cover[window.rows, window.columns]
        # A dot smaller than a pixel becomes fainter, so that its light is the same at every size.
        soft = Disc(x, bottom * y, max(radius, 0.7 / size[1]), max(radius, 0.7 / size[0]))
        np.maximum(spot, min(1.0, 1.5 * radius * size[1]) * ellipse(window, soft), out=spot)
    cover.setflags(write=False)
    return cover
