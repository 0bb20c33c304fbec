"""Scenes of drawn landscapes: where hills, trees, house, lamps and pond stand, drawn from a number.

Positions are fractions of the image's width (x) and height (y, downwards).
"""

from dataclasses import dataclass

import numpy as np

from i2i.data.synthetic._scene_shapes import Array, Disc, smooth, spread, unit

# Blobs of a leafy crown, back to front: x, y and radius in units of the crown's half width and half height.
CROWN_BLOBS = np.array([
    (0.00, 0.10, 0.66), (-0.56, 0.28, 0.40), (0.56, 0.28, 0.40), (-0.62, -0.10, 0.34), (0.62, -0.12, 0.34),
    (-0.30, 0.48, 0.36), (0.32, 0.48, 0.36), (0.02, -0.58, 0.40), (-0.36, -0.38, 0.38), (0.38, -0.36, 0.38),
    (0.05, 0.18, 0.40), (-0.28, 0.06, 0.30), (0.30, 0.02, 0.30), (-0.02, -0.26, 0.32),
])  # fmt: skip


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
    blobs: Array | None


@dataclass(frozen=True)
class House:
    """A house centred on `x`; `flip` is 1 with the gable at its left, -1 at its right.

    `tint` in [0, 1] leads from cream to red.
    """

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
class Path:
    """A path from (`start`, `top`), the door, to `end` at the lower edge, swinging out by `bend`."""

    start: float
    end: float
    top: float
    bend: float

    def center(self, y: Array | float) -> Array:
        """The x of its middle at height `y`."""
        along = self._along(y)
        return self.start + (self.end - self.start) * along + self.bend * along * (1 - along)

    def half_width(self, y: Array | float) -> Array:
        """Half of its width at height `y`, a fraction of the image's."""
        along = self._along(y)
        return 0.014 + 0.055 * along * np.sqrt(along)

    def _along(self, y: Array | float) -> Array:
        return unit((y - self.top) / (1 - self.top))


@dataclass(frozen=True)
class Lamp:
    """A street lamp whose post stands at (`x`, `base`)."""

    x: float
    base: float
    height: float


@dataclass(frozen=True)
class Scene:
    """All that distinguishes one scene from another; the domain is no part of it.

    `far`, `middle`, `near` and `meadow` hold the heights of the ridges' knots, `woods` the height of the forest on the
    middle ridge, `mottle` [6, 8] the lights and shades of the meadow, `flowers` [n, 2] their x and y. The arrays are
    never written to.
    """

    horizon: float
    sun: Disc
    clouds: tuple[tuple[Disc, ...], ...]
    far: Array
    middle: Array
    near: Array
    meadow: Array
    woods: Array
    mottle: Array
    path: Path
    pond: Disc | None
    house: House
    lamps: tuple[Lamp, ...]
    trees: tuple[Tree, ...]
    flowers: Array

    @classmethod
    def sample(cls, scene: int, seed: int, series: str = "") -> "Scene":
        """The scene of that number, >= 0, in the series that `series` and `seed` >= 0 choose."""
        draws = _Draws(np.random.default_rng([seed, scene, *series.encode()]))
        horizon = draws.between(0.46, 0.58)
        meadow = horizon + 0.09 + draws.knots(6, 0.05)
        house = _sample_house(draws, horizon)
        path = _sample_path(draws, house)
        lamps = _lamps(path, house)
        pond = _sample_pond(draws, path, house, lamps)
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
            lamps=lamps,
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

    def knots(self, shape: int | tuple[int, int], range_: float) -> Array:
        """Numbers in +-`range_` / 2."""
        return range_ * (self._generator.random(shape) - 0.5)


def _sample_sun(draws: _Draws, horizon: float) -> Disc:
    radius = draws.between(0.06, 0.085)
    return Disc(draws.between(0.1, 0.9), draws.between(0.12, horizon - 0.27), radius, radius)


def _sample_cloud(draws: _Draws, horizon: float) -> tuple[Disc, ...]:
    x, y, length = draws.between(0.0, 1.0), draws.between(0.06, horizon - 0.2), draws.between(0.09, 0.2)
    puffs = []
    for step in (-0.9, -0.5, -0.1, 0.3, 0.65, 1.0):
        size = length * (0.62 - 0.36 * abs(step)) * draws.between(0.8, 1.25)
        puffs.append(Disc(x + step * length, y - 0.35 * size, 1.25 * size, 0.8 * size))
    return tuple(puffs)


def _sample_house(draws: _Draws, horizon: float) -> House:
    base = draws.between(horizon + 0.18, 0.82)
    width = (0.22 + 0.45 * (base - horizon - 0.1)) * draws.between(0.9, 1.15)
    return House(
        x=draws.between(0.22, 0.78),
        base=base,
        width=width,
        height=width * draws.between(0.66, 0.86),
        flip=1 if draws.chance(0.5) else -1,
        tint=float(smooth(smooth(draws.between(0.0, 1.0)))),
    )


def _sample_path(draws: _Draws, house: House) -> Path:
    return Path(house.across(0.21), draws.between(0.12, 0.88), house.base - 0.01, draws.between(-0.35, 0.35))


def _lamps(path: Path, house: House) -> tuple[Lamp, ...]:
    """Two lamps beside the path, the nearer one taller: the far one past the gable, the other across the path."""
    lamps = []
    for along, aside in ((0.22, -0.11 * house.flip), (0.6, 0.12 * house.flip)):
        base = path.top + along * (1 - path.top)
        x = float(path.center(base)) + aside
        lamps.append(Lamp(x, base, 0.17 + 0.16 * along))
    return tuple(lamps)


def _sample_pond(draws: _Draws, path: Path, house: House, lamps: tuple[Lamp, ...]) -> Disc | None:
    """A pond beside the path and clear of its lamps, or none where there is no room for it."""
    if not draws.chance(0.75):
        return None
    width = draws.between(0.12, 0.21)
    beside, y = float(path.center(0.88)), draws.between(0.84, 0.94)
    x = draws.between(beside + 0.28, 0.95) if beside < 0.5 else draws.between(0.05, beside - 0.28)
    pond = Disc(x, y, width, width * draws.between(0.26, 0.34))
    rows = np.linspace(pond.y - pond.height, min(pond.y + pond.height, 1.0), 9)
    clear = np.abs(path.center(rows) - pond.x).min() > pond.width + 0.08
    dry = all(spread(pond, lamp.x, lamp.base) > 1.3 for lamp in lamps)
    return pond if clear and dry and pond.y - pond.height > house.base + 0.02 else None


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
    on_path = abs(float(path.center(tree.base)) - tree.x) < float(path.half_width(tree.base)) + 0.09
    before_house = tree.base > house.base - 0.03 and abs(tree.x - house.x) < 0.6 * house.width + 0.45 * tree.width
    in_pond = pond is not None and spread(pond, tree.x, tree.base) < 1.6
    crowded = any(abs(tree.x - other.x) < 0.4 * max(tree.width, other.width) for other in others)
    return not (on_path or before_house or crowded or in_pond)


def _sample_flowers(draws: _Draws, path: Path, pond: Disc | None, horizon: float) -> Array:
    """Places [n, 2] on the grass: those that fell on the path or into the pond are left out."""
    x, y = 0.5 + draws.knots((2, 22), 1.0)
    y = horizon + 0.2 + (0.8 - horizon) * y
    on_grass = np.abs(path.center(y) - x) > path.half_width(y) + 0.01
    if pond is not None:
        on_grass &= spread(pond, x, y) > 1.6
    places: Array = np.stack([x, y], axis=1)[on_grass]
    return places
