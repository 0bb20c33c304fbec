"""`seasons`: drawn landscapes, the same scene in summer, in autumn, in winter and at night.

Every translation between the four domains has an exact ground truth, because a scene is drawn in two steps:

1. `Scene.sample` draws the geometry (hills, trees, house, ...) and `layers` turns it into layers of coverage and shade. Neither
   knows the domain.
2. A `Palette` says what each material looks like in one domain, and `draw` paints the layers with it, back to front.

The mapping is a function of what can be seen. What only one domain shows lies at places fixed in the image plane (stars, snow flakes)
or fixed relative to something visible (twigs to their crown, light to its window). A colour that varies between the scenes (crowns,
walls) varies along one number, the tint, and every domain shows it.

Positions are fractions of the picture's width (x) and height (y, downwards). Only arithmetic and square roots are used, no
transcendental function, so that machines and NumPy versions agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple

import numpy as np

DOMAINS: tuple[str, ...] = ("summer", "autumn", "winter", "night")
SMALLEST_SIDE = 16
SUPERSAMPLE = 2
FIXED_DOTS_SEED = 20

# Blobs of a leafy crown, back to front: x, y and radius in units of the crown's half width and half height.
CROWN_BLOBS = np.array([
    (0.00, 0.10, 0.66), (-0.56, 0.28, 0.40), (0.56, 0.28, 0.40), (-0.62, -0.10, 0.34), (0.62, -0.12, 0.34),
    (-0.30, 0.48, 0.36), (0.32, 0.48, 0.36), (0.02, -0.58, 0.40), (-0.36, -0.38, 0.38), (0.38, -0.36, 0.38),
    (0.05, 0.18, 0.40), (-0.28, 0.06, 0.30), (0.30, 0.02, 0.30), (-0.02, -0.26, 0.32),
])  # fmt: skip
TWIG_TIPS = ((-0.62, 0.10), (0.60, 0.05), (-0.36, -0.45), (0.34, -0.48), (0.02, -0.72))
CONIFER_TIERS = 4


@dataclass(frozen=True)
class Tree:
    """A tree whose foot stands at (`x`, `base`). `tint` in [0, 1] is its shade of green.

    `blobs` are the crown's, as in `CROWN_BLOBS`; None makes it a conifer.
    """

    x: float
    base: float
    height: float
    width: float
    tint: float
    blobs: np.ndarray | None


@dataclass(frozen=True)
class House:
    """A house centred on `x`; `flip` is 1 with the gable at its left, -1 at its right. `tint` in [0, 1] leads from cream to red."""

    x: float
    base: float
    width: float
    height: float
    flip: int
    tint: float

    def across(self, fraction: float) -> float:
        """The x of a place given as a fraction of the house's width, counted from the gable's outer edge."""
        return self.x + self.flip * (fraction - 0.5) * self.width


@dataclass(frozen=True)
class Disc:
    """An ellipse: centre, half width and half height. The sun, the pond and the puffs of clouds and smoke."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Path:
    """A path from (`start`, `top`), the door, to `end` at the lower edge, swinging out by `bend`."""

    start: float
    end: float
    top: float
    bend: float

    def centre(self, y: np.ndarray) -> np.ndarray:
        along = self._along(y)
        return self.start + (self.end - self.start) * along + self.bend * along * (1 - along)

    def half_width(self, y: np.ndarray) -> np.ndarray:
        along = self._along(y)
        return 0.014 + 0.055 * along * np.sqrt(along)

    def _along(self, y: np.ndarray) -> np.ndarray:
        return _unit((y - self.top) / (1 - self.top))


@dataclass(frozen=True)
class Scene:
    """All that distinguishes one scene from another; the domain is no part of it.

    `far`, `middle`, `near` and `meadow` hold the heights of the ridges' knots, `woods` the height of the forest on the middle ridge,
    `mottle` [6, 8] the lights and shades of the meadow, `flowers` [n, 2] their x and y. The arrays are never written to.
    """

    horizon: float
    sun: Disc
    clouds: tuple[tuple[Disc, ...], ...]
    far: np.ndarray
    middle: np.ndarray
    near: np.ndarray
    meadow: np.ndarray
    woods: np.ndarray
    mottle: np.ndarray
    path: Path
    pond: Disc | None
    house: House
    trees: tuple[Tree, ...]
    flowers: np.ndarray

    @classmethod
    def sample(cls, scene: int, seed: int) -> "Scene":
        """The scene of that number; `seed` >= 0 chooses the series, `scene` >= 0 the scene in it."""
        draws = _Draws(np.random.default_rng([seed, scene]))
        horizon = draws.between(0.46, 0.58)
        meadow = horizon + 0.09 + draws.knots(6, 0.05)
        house = _sample_house(draws, horizon)
        path = _sample_path(draws, house)
        pond = _sample_pond(draws, path, house)
        return cls(
            horizon=horizon,
            sun=_sample_sun(draws, horizon),
            clouds=tuple(_sample_cloud(draws, horizon) for _ in range(draws.count(2, 4))),
            far=horizon - 0.10 + draws.knots(9, 0.20),
            middle=horizon - 0.02 + draws.knots(7, 0.15),
            near=horizon + 0.05 + draws.knots(6, 0.10),
            meadow=meadow,
            woods=draws.knots(9, 0.16),
            mottle=draws.knots((6, 8), 1.0),
            path=path,
            pond=pond,
            house=house,
            trees=_sample_trees(draws, house, path, pond, horizon),
            flowers=_sample_flowers(draws, path, pond, horizon),
        )

    @property
    def light(self) -> tuple[float, float]:
        """Unit vector (x, y) towards the sun, as seen by the things in the foreground."""
        x = 1.5 * (self.sun.x - 0.5)
        return x, -np.sqrt(1 - x * x)


class _Draws:
    """Random numbers, all from `Generator.random`, the stream that NumPy has changed least."""

    def __init__(self, generator: np.random.Generator):
        self._generator = generator

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * float(self._generator.random())

    def count(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int((high - low + 1) * self._generator.random())

    def chance(self, probability: float) -> bool:
        return bool(self._generator.random() < probability)

    def knots(self, shape: int | tuple[int, int], range_: float) -> np.ndarray:
        """Numbers in +-`range_` / 2."""
        return range_ * (self._generator.random(shape) - 0.5)


def _sample_sun(draws: _Draws, horizon: float) -> Disc:
    radius = draws.between(0.05, 0.075)
    return Disc(draws.between(0.1, 0.9), draws.between(0.11, horizon - 0.27), radius, radius)


def _sample_cloud(draws: _Draws, horizon: float) -> tuple[Disc, ...]:
    x, y, length = draws.between(0.0, 1.0), draws.between(0.06, horizon - 0.2), draws.between(0.09, 0.2)
    puffs = []
    for step in (-0.9, -0.5, -0.1, 0.3, 0.65, 1.0):
        size = length * (0.62 - 0.36 * abs(step)) * draws.between(0.8, 1.25)
        puffs.append(Disc(x + step * length, y - 0.35 * size, 1.25 * size, 0.8 * size))
    return tuple(puffs)


def _sample_house(draws: _Draws, horizon: float) -> House:
    base = draws.between(horizon + 0.18, 0.82)
    width = (0.15 + 0.45 * (base - horizon - 0.1)) * draws.between(0.9, 1.25)
    return House(
        x=draws.between(0.2, 0.8),
        base=base,
        width=width,
        height=width * draws.between(0.66, 0.86),
        flip=1 if draws.chance(0.5) else -1,
        tint=float(_smooth(_smooth(draws.between(0.0, 1.0)))),
    )


def _sample_path(draws: _Draws, house: House) -> Path:
    return Path(house.across(0.21), draws.between(0.12, 0.88), house.base - 0.01, draws.between(-0.35, 0.35))


def _sample_pond(draws: _Draws, path: Path, house: House) -> Disc | None:
    """A pond beside the path, or none where there is no room for it."""
    if not draws.chance(0.75):
        return None
    width = draws.between(0.12, 0.21)
    beside, y = float(path.centre(np.float64(0.88))), draws.between(0.84, 0.94)
    x = draws.between(beside + 0.28, 0.95) if beside < 0.5 else draws.between(0.05, beside - 0.28)
    pond = Disc(x, y, width, width * draws.between(0.26, 0.34))
    rows = np.linspace(pond.y - pond.height, min(pond.y + pond.height, 1.0), 9)
    clear = np.abs(path.centre(rows) - pond.x).min() > pond.width + 0.08
    return pond if clear and pond.y - pond.height > house.base + 0.02 else None


def _sample_trees(draws: _Draws, house: House, path: Path, pond: Disc | None, horizon: float) -> tuple[Tree, ...]:
    """Trees on the meadow, the furthest first, none on the path, in the pond or before the house."""
    trees: list[Tree] = []
    wanted = draws.count(5, 10)
    for _ in range(6 * wanted):
        tree = _sample_tree(draws, horizon)
        if _has_room(tree, trees, house, path, pond):
            trees.append(tree)
        if len(trees) == wanted:
            break
    return tuple(sorted(trees, key=lambda tree: tree.base))


def _sample_tree(draws: _Draws, horizon: float) -> Tree:
    nearness = draws.between(0.0, 1.0)
    base = horizon + 0.15 + (0.82 - horizon) * nearness * nearness
    height = (0.17 + 0.30 * nearness * nearness) * draws.between(0.85, 1.2)
    conifer = draws.chance(0.42)
    return Tree(
        x=draws.between(0.02, 0.98),
        base=base,
        height=height,
        width=height * (draws.between(0.40, 0.52) if conifer else draws.between(0.60, 0.82)),
        tint=draws.between(0.0, 1.0),
        blobs=None if conifer else CROWN_BLOBS + draws.knots(CROWN_BLOBS.shape, 1.0) * (0.2, 0.2, 0.11),
    )


def _has_room(tree: Tree, others: list[Tree], house: House, path: Path, pond: Disc | None) -> bool:
    on_path = abs(float(path.centre(tree.base)) - tree.x) < float(path.half_width(tree.base)) + 0.04
    before_house = tree.base > house.base - 0.03 and abs(tree.x - house.x) < 0.6 * house.width + 0.45 * tree.width
    in_pond = pond is not None and _spread(pond, tree.x, tree.base) < 1.6
    crowded = any(abs(tree.x - other.x) < 0.4 * max(tree.width, other.width) for other in others)
    return not (on_path or before_house or crowded or in_pond)


def _sample_flowers(draws: _Draws, path: Path, pond: Disc | None, horizon: float) -> np.ndarray:
    """Places [n, 2] on the grass: those that fell on the path or into the pond are left out."""
    x, y = 0.5 + draws.knots((2, 26), 1.0)
    y = horizon + 0.2 + (0.8 - horizon) * y
    on_grass = np.abs(path.centre(y) - x) > path.half_width(y) + 0.01
    if pond is not None:
        on_grass &= _spread(pond, x, y) > 1.6
    return np.stack([x, y], axis=1)[on_grass]


class Window(NamedTuple):
    """A rectangle of a picture: its `rows` and `columns`, and the pixel centres `x` [1, w], `y` [h, 1] as fractions of the picture.

    `width` and `height` are the whole picture's, in pixels: what turns a distance into a coverage.
    """

    rows: slice
    columns: slice
    x: np.ndarray
    y: np.ndarray
    width: int
    height: int


class Layer(NamedTuple):
    """Where one thing covers the picture. `cover` [h, w] and `shade` (a number or [h, w], 0 dark, 1 lit) are in [0, 1]."""

    material: str
    window: Window
    cover: np.ndarray
    shade: np.ndarray | float = 1.0
    tint: float = 0.0


def _window(
    size: tuple[int, int], left: float = 0.0, top: float = 0.0, right: float = 1.0, bottom: float = 1.0
) -> Window:
    """The pixels that the given rectangle touches, with one to spare for the soft edge; none where it lies outside."""
    height, width = size
    rows = slice(_clipped(top * height - 1, height), _clipped(bottom * height + 2, height))
    columns = slice(_clipped(left * width - 1, width), _clipped(right * width + 2, width))
    return Window(rows, columns, _centres(width)[None, columns], _centres(height)[rows, None], width, height)


@lru_cache(maxsize=16)
def _centres(pixels: int) -> np.ndarray:
    centres = (np.arange(pixels) + 0.5) / pixels
    centres.setflags(write=False)
    return centres


def _clipped(position: float, limit: int) -> int:
    return int(min(max(position, 0.0), limit))


def _around(size: tuple[int, int], disc: Disc) -> Window:
    return _window(size, disc.x - disc.width, disc.y - disc.height, disc.x + disc.width, disc.y + disc.height)


def _unit(value: np.ndarray) -> np.ndarray:
    """`value` limited to [0, 1]; faster than `np.clip` on small arrays."""
    return np.minimum(np.maximum(value, 0.0), 1.0)


def _smooth(value: np.ndarray) -> np.ndarray:
    value = _unit(value)
    return value * value * (3 - 2 * value)


def _curve(knots: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The Catmull-Rom spline through `knots` [n, ...] (the first and the last only steer it) at `x` [m] in [0, 1]: [m, ...]."""
    position = x * (len(knots) - 3)
    index = np.minimum(position.astype(int), len(knots) - 4)
    t = (position - index).reshape(-1, *[1] * (knots.ndim - 1))
    a, b, c, d = (knots[index + k] for k in range(4))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def _spread(disc: Disc, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The squared distance from the centre: 0 there, 1 at the ellipse's edge."""
    across, down = (x - disc.x) / disc.width, (y - disc.y) / disc.height
    return across * across + down * down


def _ellipse(window: Window, disc: Disc) -> np.ndarray:
    """Coverage of an ellipse."""
    distance = np.sqrt(_spread(disc, window.x, window.y))
    return _unit((1 - distance) * min(disc.width * window.width, disc.height * window.height) + 0.5)


def _puff(window: Window, disc: Disc) -> np.ndarray:
    """A soft spot: 1 at the centre, 0 at the ellipse's edge."""
    near = np.maximum(1 - _spread(disc, window.x, window.y), 0.0)
    return near * near


def _below(window: Window, ridge: np.ndarray) -> np.ndarray:
    """Coverage of what lies below a ridge [1, w]."""
    return _unit((window.y - ridge) * window.height + 0.5)


def _polygon(window: Window, corners: list[tuple[float, float]]) -> np.ndarray:
    """Coverage of a convex polygon."""
    x, y = window.x * window.width, window.y * window.height
    points = [(a * window.width, b * window.height) for a, b in corners]
    edges = list(zip(points, points[1:] + points[:1], strict=True))
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in edges)
    inside = None
    for (ax, ay), (bx, by) in edges:
        dx, dy = bx - ax, by - ay
        length = np.sqrt(dx * dx + dy * dy) * (1 if area > 0 else -1)
        distance = (dx / length) * (y - ay) - (dy / length) * (x - ax)
        inside = distance if inside is None else np.minimum(inside, distance)
    return _unit(inside + 0.5)


def _line(window: Window, start: tuple[float, float], end: tuple[float, float], thickness: float) -> np.ndarray:
    """Coverage of a line of `thickness` (a fraction of the width) with round ends; a line thinner than a pixel is fainter instead."""
    x, y = (window.x - start[0]) * window.width, (window.y - start[1]) * window.height
    dx, dy = (end[0] - start[0]) * window.width, (end[1] - start[1]) * window.height
    along = _unit((x * dx + y * dy) / (dx * dx + dy * dy))
    distance = np.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2)
    pixels = thickness * window.width
    return min(pixels, 1.0) * _unit(0.5 * max(pixels, 1.0) + 0.5 - distance)


def layers(scene: Scene, size: tuple[int, int]) -> Iterator[Layer]:
    """The layers of a scene at `size` (height, width in pixels), back to front."""
    yield from _sky(scene, size)
    yield from _hills(scene, size)
    yield from _ground(scene, size)
    house_drawn = False
    for tree in scene.trees:
        if tree.base > scene.house.base and not house_drawn:
            yield from _house(scene.house, scene.light, size)
            house_drawn = True
        yield from _tree(tree, scene.light, size)
    if not house_drawn:
        yield from _house(scene.house, scene.light, size)
    yield Layer("flake", _window(size), _flakes(size))


def _sky(scene: Scene, size: tuple[int, int]) -> Iterator[Layer]:
    window, sun = _window(size, bottom=scene.horizon + 0.1), scene.sun
    everywhere = np.ones((window.y.size, window.x.size))
    yield Layer("sky", window, everywhere, _smooth(window.y / (scene.horizon + 0.05)) * everywhere)
    yield Layer("star", window, _stars(size)[window.rows])
    for reach in (7.0, 2.6):
        halo = Disc(sun.x, sun.y, reach * sun.width, reach * sun.height)
        spot = _around(size, halo)
        yield Layer("glow", spot, _puff(spot, halo))
    spot = _around(size, sun)
    disc = _ellipse(spot, sun)
    yield Layer("sun", spot, disc, 1 - _smooth(_spread(sun, spot.x, spot.y)))
    for x, y, radius in ((-0.3, -0.2, 0.24), (0.35, 0.1, 0.2), (-0.1, 0.45, 0.16), (0.2, -0.5, 0.13)):
        crater = Disc(sun.x + x * sun.width, sun.y + y * sun.height, radius * sun.width, radius * sun.height)
        yield Layer("crater", spot, disc * _ellipse(spot, crater))
    for puffs in scene.clouds:
        yield _puffs("cloud", puffs, size, flat=True)


def _puffs(material: str, puffs: tuple[Disc, ...], size: tuple[int, int], flat: bool) -> Layer:
    """A cloud: soft spots laid over one another, lit from above; `flat` cuts its lower side."""
    left, right = min(p.x - p.width for p in puffs), max(p.x + p.width for p in puffs)
    top, bottom = min(p.y - p.height for p in puffs), max(p.y + p.height for p in puffs)
    window = _window(size, left, top, right, bottom)
    clear = np.ones((window.y.size, window.x.size))
    for puff in puffs:
        clear *= 1 - _puff(window, puff)
    depth = (window.y - top) / (bottom - top)
    cover = _smooth(1.5 * (1 - clear))
    if flat:
        cover = cover * _smooth(3.2 * (0.95 - depth))
    return Layer(material, window, cover, _unit(1.15 - 1.1 * depth) * np.ones_like(cover))


def _hills(scene: Scene, size: tuple[int, int]) -> Iterator[Layer]:
    window = _window(size, top=scene.horizon - 0.3, bottom=scene.horizon + 0.3)
    yield _hill("far_hill", window, _curve(scene.far, window.x[0]), 0.22, scene.light)
    middle = _curve(scene.middle, window.x[0])
    yield _forest(window, middle, _curve(scene.woods, window.x[0]))
    yield _hill("middle_hill", window, middle, 0.17, scene.light)
    yield _hill("near_hill", window, _curve(scene.near, window.x[0]), 0.13, scene.light)


def _hill(material: str, window: Window, ridge: np.ndarray, depth: float, light: tuple[float, float]) -> Layer:
    """A ridge [w], brightest on its sunny slopes and fading into the haze at `depth` below the crest."""
    slope = np.gradient(ridge) * window.width
    lit = _unit(0.75 - 0.6 * light[0] * slope)
    return Layer(material, window, _below(window, ridge), lit * _smooth(1 - (window.y - ridge) / depth))


def _forest(window: Window, ridge: np.ndarray, woods: np.ndarray) -> Layer:
    """Woods on the crest of the middle ridge: a saw of tree tops whose height follows `woods` [w], none where that is negative."""
    x = window.x[0]
    saw = np.abs((x * 37.0) % 1.0 - 0.5) + 0.6 * np.abs((x * 23.3) % 1.0 - 0.5)
    crest = ridge - _unit(16 * woods) * (0.022 + 0.03 * saw)
    return Layer("forest", window, _below(window, crest), _unit((window.y - crest) / 0.06))


def _ground(scene: Scene, size: tuple[int, int]) -> Iterator[Layer]:
    window = _window(size, top=scene.horizon + 0.02)
    ridge = _curve(scene.meadow, window.x[0])
    # The square root crowds the lights and shades together towards the horizon.
    depth = np.sqrt(_unit((window.y[:, 0] - scene.horizon) / (1 - scene.horizon)))
    mottle = _curve(_curve(scene.mottle, depth).T, window.x[0]).T
    shade = _unit(0.85 + 0.75 * mottle - 0.45 * depth[:, None])
    yield Layer("meadow", window, _below(window, ridge), shade)
    yield _path(scene.path, size)
    if scene.pond is not None:
        yield from _pond(scene.pond, size)
    for x, y in scene.flowers.tolist():
        radius = 0.002 + 0.009 * (y - scene.horizon)
        flower = Disc(x, y, radius, radius)
        spot = _around(size, flower)
        yield Layer("flower", spot, _ellipse(spot, flower))


def _path(path: Path, size: tuple[int, int]) -> Layer:
    window = _window(size, top=path.top)
    offset = np.abs(window.x - path.centre(window.y)) / path.half_width(window.y)
    cover = _unit((1 - offset) * path.half_width(window.y) * window.width + 0.5) * _below(window, np.float64(path.top))
    return Layer("path", window, cover, _smooth(1.1 - offset))


def _pond(pond: Disc, size: tuple[int, int]) -> Iterator[Layer]:
    shore = Disc(pond.x, pond.y - 0.004, pond.width + 0.016, pond.height + 0.013)
    window = _around(size, shore)
    yield Layer("shore", window, _ellipse(window, shore))
    cover = _ellipse(window, pond)
    yield Layer(
        "water", window, cover, _unit((window.y - pond.y + pond.height) / (2 * pond.height)) * np.ones_like(cover)
    )
    for x, y, length in ((-0.35, -0.3, 0.3), (0.3, 0.05, 0.34), (-0.15, 0.45, 0.24)):
        start, end = pond.x + (x - length) * pond.width, pond.x + (x + length) * pond.width
        row = pond.y + y * pond.height
        yield Layer("glint", window, _line(window, (start, row), (end, row), 0.006))


def _tree(tree: Tree, light: tuple[float, float], size: tuple[int, int]) -> Iterator[Layer]:
    yield _shadow(tree.x, tree.base, 0.42 * tree.width, light, size)
    half, top = 0.05 * tree.width + 0.003, tree.base - 0.55 * tree.height
    window = _window(size, tree.x - 2 * half, top, tree.x + 2 * half, tree.base)
    corners = [
        (tree.x - 1.5 * half, tree.base),
        (tree.x - half, top),
        (tree.x + half, top),
        (tree.x + 1.5 * half, tree.base),
    ]
    yield Layer("trunk", window, _polygon(window, corners), _side_light(window, tree.x, half, light))
    yield from _leafy(tree, light, size) if tree.blobs is not None else _conifer(tree, light, size)


def _side_light(window: Window, x: float, half_width: float, light: tuple[float, float]) -> np.ndarray:
    lit = _unit(0.5 + 0.6 * light[0] * (window.x - x) / half_width)
    return lit * np.ones_like(window.y)


def _shadow(x: float, base: float, half_width: float, light: tuple[float, float], size: tuple[int, int]) -> Layer:
    """The soft shadow at the foot of a thing, shifted away from the sun."""
    disc = Disc(x - 0.7 * half_width * light[0], base, 1.45 * half_width, 0.3 * half_width)
    window = _around(size, disc)
    return Layer("shadow", window, _smooth(1.6 * _puff(window, disc)))


def _leafy(tree: Tree, light: tuple[float, float], size: tuple[int, int]) -> Iterator[Layer]:
    """A crown of overlapping blobs, each lit like a ball, the lower ones darker; and the twigs that show when it is bare."""
    half_width, half_height = 0.5 * tree.width, 0.39 * tree.height
    x, y = tree.x, tree.base - tree.height + half_height
    window = _window(size, x - 1.2 * half_width, y - 1.2 * half_height, x + 1.2 * half_width, y + 1.2 * half_height)
    across, down = (window.x - x) / half_width, (window.y - y) / half_height
    pixels = min(half_width * window.width, half_height * window.height)
    cover, shade = np.zeros((2, window.y.size, window.x.size))
    for blob_x, blob_y, radius in tree.blobs.tolist():
        dx, dy = across - blob_x, down - blob_y
        blob = _unit((radius - np.sqrt(dx * dx + dy * dy)) * pixels + 0.5)
        ball = (0.5 - 0.22 * blob_y + 0.12 * blob_x * light[0]) + (0.42 / radius) * (light[0] * dx + light[1] * dy)
        shade += blob * (ball - shade)
        np.maximum(cover, blob, out=cover)
    yield Layer("leafy", window, cover, _unit(shade), tree.tint)
    foot = (x, y + 0.9 * half_height)
    tips = [(x + tip_x * half_width, y + tip_y * half_height) for tip_x, tip_y in TWIG_TIPS]
    twigs = [_line(window, foot, tip, 0.035 * tree.width) for tip in tips]
    yield Layer("twig", window, cover * np.maximum.reduce(twigs))


def _conifer(tree: Tree, light: tuple[float, float], size: tuple[int, int]) -> Iterator[Layer]:
    """Tiers of boughs from the lowest up: dark under the tier above, lit (or laden with snow) towards their tips."""
    skirt = tree.base - 0.1 * tree.height
    for tier in range(CONIFER_TIERS):
        low = skirt - tier * 0.19 * tree.height
        high = low - (0.44 - 0.035 * tier) * tree.height
        half = 0.5 * tree.width * (1 - 0.2 * tier)
        window = _window(size, tree.x - half, high, tree.x + half, low + 0.04 * tree.height)
        across = (window.x - tree.x) / half
        down = (window.y - high) / (low - high)
        # The lower edge hangs towards the tips and is cut into three boughs.
        hem = 1 + 0.10 * across * across - 0.11 * np.abs((1.5 * across) % 1.0 - 0.5)
        sides = _unit((down * (0.55 + 0.45 * down) - np.abs(across)) * 0.7 * half * window.width + 0.5)
        cover = sides * _unit((hem - down) * (low - high) * window.height + 0.5)
        shade = _smooth(1.75 * down - 0.85 + 0.35 * light[0] * across)
        yield Layer("conifer", window, cover, shade, tree.tint)


def _house(house: House, light: tuple[float, float], size: tuple[int, int]) -> Iterator[Layer]:
    """A gable with the door, a side with two windows, roof and chimney."""
    yield _shadow(house.x, house.base, 0.62 * house.width, light, size)
    yield from _smoke(house, size)
    gable_lit = 0.75 - 0.35 * light[0] * house.flip
    wall = 0.56
    part = _HousePart(house, size)
    yield part("chimney", 0.60, 0.69, 0.7, 1.13)
    yield part("cap", 0.585, 0.705, 1.13, 1.175)
    yield part("wall", 0.40, 1.0, 0.0, wall + 0.02, shade=1.3 - gable_lit)
    yield part.polygon("wall", [(0.0, 0.0), (0.42, 0.0), (0.42, wall), (0.21, 1.0), (0.0, wall)], shade=gable_lit)
    yield part.polygon("eave", [(0.43, 0.50), (1.03, 0.50), (1.03, 0.56), (0.43, 0.56)])
    yield part.polygon("roof", [(0.20, 1.04), (0.81, 1.04), (1.045, 0.53), (0.445, 0.53)], shade=1.25 - gable_lit)
    yield part.polygon("eave", [(-0.045, 0.47), (0.21, 0.99), (0.21, 1.05), (-0.045, 0.53)])
    yield part.polygon("roof", [(-0.05, 0.51), (0.21, 1.02), (0.21, 1.07), (-0.05, 0.56)], shade=gable_lit)
    yield part.polygon("eave", [(0.445, 0.50), (0.21, 0.97), (0.21, 1.04), (0.445, 0.56)])
    yield part("door", 0.14, 0.28, 0.0, 0.34)
    for left, right, low, high in ((0.15, 0.27, 0.52, 0.70), (0.51, 0.66, 0.16, 0.40), (0.77, 0.92, 0.16, 0.40)):
        yield from _house_window(part, left, right, low, high)


class _HousePart:
    """Makes layers from places on a house: fractions of its width from the gable's outer edge, of its height from the ground."""

    def __init__(self, house: House, size: tuple[int, int]):
        self._house, self._size = house, size

    def point(self, across: float, up: float) -> tuple[float, float]:
        return self._house.across(across), self._house.base - up * self._house.height

    def polygon(self, material: str, places: list[tuple[float, float]], shade: float = 1.0) -> Layer:
        corners = [self.point(*place) for place in places]
        xs, ys = zip(*corners, strict=True)
        window = _window(self._size, min(xs), min(ys), max(xs), max(ys))
        return Layer(material, window, _polygon(window, corners), min(max(shade, 0.0), 1.0), self._house.tint)

    def __call__(self, material: str, left: float, right: float, low: float, high: float, shade: float = 1.0) -> Layer:
        (x, bottom), (end, top) = self.point(left, low), self.point(right, high)
        x, end = min(x, end), max(x, end)
        window = _window(self._size, x, top, end, bottom)
        cover = _overlap(window.x, x, end, window.width) * _overlap(window.y, top, bottom, window.height)
        return Layer(material, window, cover, min(max(shade, 0.0), 1.0), self._house.tint)

    def halo(self, left: float, right: float, low: float, high: float) -> Layer:
        x, y = self.point((left + right) / 2, (low + high) / 2)
        disc = Disc(x, y, 0.2 * self._house.width, 0.22 * self._house.height)
        window = _around(self._size, disc)
        return Layer("halo", window, _puff(window, disc))


def _overlap(centres: np.ndarray, low: float, high: float, pixels: int) -> np.ndarray:
    """How much of each pixel, of which `pixels` make the whole side, lies between `low` and `high`."""
    return _unit((np.minimum(centres, high - 0.5 / pixels) - np.maximum(centres, low + 0.5 / pixels)) * pixels + 1)


def _house_window(part: _HousePart, left: float, right: float, low: float, high: float) -> Iterator[Layer]:
    yield part("frame", left - 0.014, right + 0.014, low - 0.02, high + 0.02)
    yield part("pane", left, right, low, high)
    middle = (left + right) / 2
    yield part("frame", middle - 0.007, middle + 0.007, low, high)
    yield part("frame", left, right, (low + high) / 2 - 0.01, (low + high) / 2 + 0.01)
    yield part.halo(left, right, low, high)


def _smoke(house: House, size: tuple[int, int]) -> Iterator[Layer]:
    x, y, unit = house.across(0.645), house.base - 1.2 * house.height, 0.16 * house.width
    puffs = tuple(
        Disc(x + rise * rise * 0.5 * unit, y - rise * unit, (0.3 + 0.28 * rise) * unit, (0.4 + 0.28 * rise) * unit)
        for rise in (0.1, 0.55, 1.05, 1.6, 2.2, 2.9)
    )
    yield _puffs("smoke", puffs, size, flat=False)


@lru_cache(maxsize=8)
def _stars(size: tuple[int, int]) -> np.ndarray:
    return _dots(size, count=70, bottom=0.62, radii=(0.0028, 0.0075))


@lru_cache(maxsize=8)
def _flakes(size: tuple[int, int]) -> np.ndarray:
    return _dots(size, count=60, bottom=1.0, radii=(0.004, 0.011))


def _dots(size: tuple[int, int], count: int, bottom: float, radii: tuple[float, float]) -> np.ndarray:
    """Coverage [height, width] of dots above `bottom`, most of them small; the same dots in every scene."""
    cover = np.zeros(size)
    for x, y, weight in np.random.default_rng(FIXED_DOTS_SEED).random((count, 3)):
        radius = radii[0] + (radii[1] - radii[0]) * weight**3
        dot = Disc(x, bottom * y, radius, radius)
        window = _around(size, dot)
        spot = cover[window.rows, window.columns]
        # A dot smaller than a pixel becomes fainter, so that its light is the same at every size.
        soft = Disc(x, bottom * y, max(radius, 0.7 / size[1]), max(radius, 0.7 / size[0]))
        np.maximum(spot, min(1.0, 1.5 * radius * size[1]) * _ellipse(window, soft), out=spot)
    cover.setflags(write=False)
    return cover


@dataclass(frozen=True)
class Paint:
    """A material's colours, [3, 1, 1] in [0, 1]: from `dark` to `lit` along the shade, and towards the tinted pair along the tint."""

    dark: np.ndarray
    lit: np.ndarray
    tinted_dark: np.ndarray
    tinted_lit: np.ndarray
    opacity: float

    def colour(self, shade: np.ndarray | float, tint: float) -> np.ndarray:
        dark = self.dark + tint * (self.tinted_dark - self.dark)
        lit = self.lit + tint * (self.tinted_lit - self.lit)
        return dark + shade * (lit - dark)


def _paint(*colours: str, opacity: float = 1.0) -> Paint:
    """One colour, a dark and a lit one, or these two and the same two tinted; each RRGGBB."""
    names = {1: colours * 4, 2: colours * 2, 4: colours}[len(colours)]
    return Paint(*(np.array(list(bytes.fromhex(name)))[:, None, None] / 255 for name in names), opacity)


_HIDDEN = _paint("000000", opacity=0.0)


@dataclass(frozen=True)
class Palette:
    """One domain: the paint of every material. A field left out is an error, so no domain forgets one."""

    sky: Paint
    star: Paint
    glow: Paint
    sun: Paint
    crater: Paint
    cloud: Paint
    far_hill: Paint
    forest: Paint
    middle_hill: Paint
    near_hill: Paint
    meadow: Paint
    path: Paint
    shore: Paint
    water: Paint
    glint: Paint
    flower: Paint
    shadow: Paint
    trunk: Paint
    leafy: Paint
    twig: Paint
    conifer: Paint
    wall: Paint
    roof: Paint
    eave: Paint
    chimney: Paint
    cap: Paint
    door: Paint
    frame: Paint
    pane: Paint
    halo: Paint
    smoke: Paint
    flake: Paint


MATERIALS: tuple[str, ...] = tuple(field.name for field in fields(Palette))

PALETTES = {
    "summer": Palette(
        sky=_paint("2f7fd6", "b5e2f5"),
        star=_HIDDEN,
        glow=_paint("fffbe6", opacity=0.4),
        sun=_paint("ffd84a", "fff6c0"),
        crater=_HIDDEN,
        cloud=_paint("c3dcee", "ffffff", opacity=0.92),
        far_hill=_paint("a9d3dc", "6fa6bf"),
        forest=_paint("2f6b52", "4f8f6a"),
        middle_hill=_paint("9cc9a0", "5f9f6b"),
        near_hill=_paint("8fc272", "4f9648"),
        meadow=_paint("3f8a2c", "93cc4b"),
        path=_paint("b08a56", "dcc08a"),
        shore=_paint("5f7f35"),
        water=_paint("2b7fb8", "7cc7e8"),
        glint=_paint("e6f8ff", opacity=0.6),
        flower=_paint("fff6d8", opacity=0.95),
        shadow=_paint("16401c", opacity=0.45),
        trunk=_paint("4a3220", "8a6440"),
        leafy=_paint("3d7a1e", "a8d84e", "0f5230", "4ea048"),
        twig=_HIDDEN,
        conifer=_paint("0e3d2c", "3c8a4e", "123a38", "2f7d68"),
        wall=_paint("c9b891", "fdf3d6", "7a2a20", "b5473a"),
        roof=_paint("8f3a28", "c9573a", "353c4c", "596579"),
        eave=_paint("5a2a1e", "6d3325", "242a36", "2f3644"),
        chimney=_paint("8a4a3a"),
        cap=_paint("5b3a32"),
        door=_paint("2f5d50", "2f5d50", "f0e4c8", "f0e4c8"),
        frame=_paint("fffaf0"),
        pane=_paint("39566e"),
        halo=_HIDDEN,
        smoke=_paint("cfdbe4", "f4f8fb", opacity=0.7),
        flake=_HIDDEN,
    ),
    "autumn": Palette(
        sky=_paint("e08550", "ffe9b8"),
        star=_HIDDEN,
        glow=_paint("ffd27a", opacity=0.55),
        sun=_paint("ff9a3c", "ffe08a"),
        crater=_HIDDEN,
        cloud=_paint("e3a184", "fff0dc", opacity=0.9),
        far_hill=_paint("f0c79c", "b98a86"),
        forest=_paint("7a3a24", "b05a2e"),
        middle_hill=_paint("e6b274", "b5713f"),
        near_hill=_paint("e0a850", "a8682c"),
        meadow=_paint("a8702a", "e8bb57"),
        path=_paint("7d5638", "b58a60"),
        shore=_paint("7d5a2a"),
        water=_paint("b8705a", "ffd59a"),
        glint=_paint("fff0d0", opacity=0.6),
        flower=_paint("c8401c", opacity=0.95),
        shadow=_paint("4a2210", opacity=0.45),
        trunk=_paint("3a2418", "7a5236"),
        leafy=_paint("c87a10", "ffd84a", "7d1a18", "e2502c"),
        twig=_HIDDEN,
        conifer=_paint("233a20", "6a7a34", "26362c", "5a7250"),
        wall=_paint("b89a70", "fbe6bd", "742418", "b84a30"),
        roof=_paint("7d3020", "b84c2c", "3a3a42", "665f66"),
        eave=_paint("4f2418", "602c1e", "26262c", "322f36"),
        chimney=_paint("7d4030"),
        cap=_paint("4f3028"),
        door=_paint("3a5648", "3a5648", "ecd8b4", "ecd8b4"),
        frame=_paint("fff0d8"),
        pane=_paint("5a4c4a"),
        halo=_HIDDEN,
        smoke=_paint("dcb8a0", "fff0e0", opacity=0.7),
        flake=_HIDDEN,
    ),
    "winter": Palette(
        sky=_paint("9fb6cf", "eceff2"),
        star=_HIDDEN,
        glow=_paint("fff4e2", opacity=0.5),
        sun=_paint("fdeec4", "fffdf2"),
        crater=_HIDDEN,
        cloud=_paint("b9c6d6", "f6f8fb", opacity=0.85),
        far_hill=_paint("e3e9f0", "b4c4d8"),
        forest=_paint("6f8496", "a8b9c8"),
        middle_hill=_paint("e4ebf3", "b4c6dc"),
        near_hill=_paint("dde7f2", "b0c5de"),
        meadow=_paint("a2bbdc", "f6faff"),
        path=_paint("a9a9b0", "cfcdce"),
        shore=_paint("93a4b8"),
        water=_paint("9fc0d8", "d3e6f0"),
        glint=_paint("ffffff", opacity=0.7),
        flower=_paint("a89a7c", opacity=0.8),
        shadow=_paint("6a86b4", opacity=0.5),
        trunk=_paint("3a302c", "75665c"),
        leafy=_paint("a39a94", "fffaf2", "76849f", "dfeaf8"),
        twig=_paint("57483f", opacity=0.75),
        conifer=_paint("1f4a42", "f2f7fb", "1d3f50", "e4eefa"),
        wall=_paint("b7b0a2", "f3ecdc", "6d2a26", "a84840"),
        roof=_paint("b4c8e2", "ffffff"),
        eave=_paint("5a3028", "6d3a30", "2a303c", "363e4c"),
        chimney=_paint("7a463c"),
        cap=_paint("ffffff"),
        door=_paint("2f5550", "2f5550", "e8e0d0", "e8e0d0"),
        frame=_paint("fdfdfd"),
        pane=_paint("46586c"),
        halo=_HIDDEN,
        smoke=_paint("a9b4c4", "e4e8ee", opacity=0.7),
        flake=_paint("ffffff", opacity=0.85),
    ),
    "night": Palette(
        sky=_paint("0b1440", "3f5a94"),
        star=_paint("fff8dc", opacity=0.95),
        glow=_paint("8fa8e0", opacity=0.4),
        sun=_paint("e4e6ee", "fdfbee"),
        crater=_paint("b9c0d0", opacity=0.75),
        cloud=_paint("27386e", "6076b0", opacity=0.75),
        far_hill=_paint("38518a", "26396e"),
        forest=_paint("0c2036", "183450"),
        middle_hill=_paint("26456e", "183052"),
        near_hill=_paint("1c3f58", "122c42"),
        meadow=_paint("0c2a34", "245a58"),
        path=_paint("3a4658", "64708a"),
        shore=_paint("0c2430"),
        water=_paint("14285c", "4a6ab0"),
        glint=_paint("dfe8ff", opacity=0.6),
        flower=_paint("8fb0c0", opacity=0.85),
        shadow=_paint("04101c", opacity=0.55),
        trunk=_paint("140f18", "38303e"),
        leafy=_paint("12343a", "417a66", "081c34", "205468"),
        twig=_HIDDEN,
        conifer=_paint("061826", "1c4a4e", "081730", "1a3f5c"),
        wall=_paint("3c425c", "7a80a0", "2a1626", "5a2c40"),
        roof=_paint("2e1a2c", "562f40", "141c34", "2e3c5e"),
        eave=_paint("180e1c", "1e1222", "0c1020", "10162a"),
        chimney=_paint("32222f"),
        cap=_paint("1c1420"),
        door=_paint("14282e", "14282e", "5c5c78", "5c5c78"),
        frame=_paint("b08a50"),
        pane=_paint("ffd468"),
        halo=_paint("ffb648", opacity=0.5),
        smoke=_paint("3a4a78", "6c80b0", opacity=0.6),
        flake=_HIDDEN,
    ),
}


def draw(scene: int, domain: str, size: tuple[int, int] = (64, 64), seed: int = 0) -> np.ndarray:
    """One picture: uint8 [height, width, 3], RGB.

    A function of (`seed`, `scene`, `domain`, `size`) alone. The geometry of a scene is the same in every domain and, in units of the
    picture's height and width, at every size.

    Args:
        scene: number of the scene, >= 0.
        domain: one of `DOMAINS`.
        size: height and width in pixels, each at least 16.
        seed: number of the series of scenes, >= 0.

    Raises:
        ValueError: for an unknown domain, or a side below 16 pixels.
    """
    if domain not in PALETTES:
        raise ValueError(f"unknown domain {domain!r} of seasons; there are {', '.join(DOMAINS)}")
    _check_size(size)
    palette = PALETTES[domain]
    fine = (SUPERSAMPLE * size[0], SUPERSAMPLE * size[1])
    canvas = np.zeros((3, *fine))
    for layer in _layers(scene, seed, fine):
        _composite(canvas, layer, getattr(palette, layer.material))
    mean = canvas.reshape(3, size[0], SUPERSAMPLE, size[1], SUPERSAMPLE).mean(axis=(2, 4))
    return np.ascontiguousarray((255 * _unit(mean) + 0.5).astype(np.uint8).transpose(1, 2, 0))


def label_map(scene: int, size: tuple[int, int] = (64, 64), seed: int = 0) -> np.ndarray:
    """What each pixel shows: uint8 [height, width], indices into `MATERIALS`, of the topmost material that covers its centre.

    Materials that some domain does not show (stars, twigs, flakes, ...) are left out.

    Raises:
        ValueError: for a side below 16 pixels.
    """
    _check_size(size)
    labels = np.zeros(size, np.uint8)
    for layer in _layers(scene, seed, tuple(size)):
        if all(getattr(palette, layer.material).opacity > 0 for palette in PALETTES.values()):
            labels[layer.window.rows, layer.window.columns][layer.cover > 0.5] = MATERIALS.index(layer.material)
    return labels


# Kept for the last scenes only: it pays for drawing one scene in several domains, one after the other.
@lru_cache(maxsize=2)
def _layers(scene: int, seed: int, size: tuple[int, int]) -> tuple[Layer, ...]:
    return tuple(layers(Scene.sample(scene, seed), size))


def _check_size(size: tuple[int, int]) -> None:
    if min(size) < SMALLEST_SIDE:
        raise ValueError(f"size {tuple(size)} is too small; height and width must be at least {SMALLEST_SIDE} pixels")


def _composite(canvas: np.ndarray, layer: Layer, paint: Paint) -> None:
    """Lay a layer over `canvas` [3, height, width], in place."""
    if paint.opacity == 0.0 or layer.cover.size == 0:
        return
    below = canvas[:, layer.window.rows, layer.window.columns]
    below += (paint.opacity * layer.cover) * (paint.colour(layer.shade, layer.tint) - below)
