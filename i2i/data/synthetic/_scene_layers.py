"""Layers of drawn landscapes: what covers which pixels and how it is lit, back to front, without colours."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from i2i.data.synthetic._scene import House, Lamp, Path, Scene, Tree
from i2i.data.synthetic._scene_patterns import flakes, grid, hatch, stars
from i2i.data.synthetic._scene_shapes import (
    Array,
    Disc,
    Window,
    around,
    below,
    curve,
    ellipse,
    line,
    overlap,
    polygon,
    puff,
    smooth,
    spread,
    unit,
    window_of,
)

# Boughs of a bare crown and their twigs: from x, y to x, y and thickness, in units of the crown as its blobs are.
BOUGHS = (
    (0.00, 0.95, 0.00, 0.10, 0.10), (0.00, 0.10, 0.03, -0.86, 0.06),
    (0.00, 0.62, -0.80, 0.12, 0.07), (0.00, 0.58, 0.78, 0.08, 0.07),
    (0.00, 0.30, -0.58, -0.50, 0.06), (0.00, 0.26, 0.56, -0.52, 0.06),
    (-0.38, 0.38, -0.86, 0.40, 0.04), (0.38, 0.34, 0.86, 0.38, 0.04),
    (-0.44, 0.33, -0.72, -0.22, 0.04), (0.44, 0.30, 0.72, -0.24, 0.04),
    (-0.24, -0.02, -0.22, -0.70, 0.04), (0.24, -0.06, 0.26, -0.70, 0.04),
    (0.01, -0.20, -0.10, -0.78, 0.03), (0.01, -0.26, 0.14, -0.80, 0.03),
)  # fmt: skip
# Fallen leaves under a crown: x and y in half widths of the crown, from the tree's foot.
FALLEN = (
    (-0.92, 0.05), (-0.68, 0.16), (-0.55, -0.03), (-0.40, 0.22), (-0.25, 0.07), (-0.06, 0.24), (0.10, 0.12),
    (0.30, 0.20), (0.46, 0.02), (0.60, 0.17), (0.80, 0.09), (0.97, 0.01), (-0.80, -0.06), (0.70, -0.07),
)  # fmt: skip
CONIFER_TIERS = 4


class Layer(NamedTuple):
    """Where one thing covers the image.

    `cover` [h, w] and `shade` (a number or [h, w], 0 dark, 1 lit) are in [0, 1].
    """

    material: str
    window: Window
    cover: Array
    shade: Array | float = 1.0
    tint: float = 0.0


def layers(scene: Scene, size: tuple[int, int]) -> Iterator[Layer]:
    """The layers of a scene at `size` (height, width in pixels), back to front."""
    yield from _sky(scene, size)
    yield from _hills(scene, size)
    yield from _ground(scene, size)
    yield from _standing(scene, size)
    yield Layer("flake", window_of(size), flakes(size))
    yield Layer("hatch", window_of(size), hatch(size))
    yield Layer("grid", window_of(size), grid(size))


def _standing(scene: Scene, size: tuple[int, int]) -> Iterator[Layer]:
    """Trees, lamps and the house, the furthest first."""
    things = [
        (scene.house.base, _house(scene.house, scene.light, size)),
        *((tree.base, _tree(tree, scene.light, size)) for tree in scene.trees),
        *((lamp.base, _lamp(lamp, scene.light, size)) for lamp in scene.lamps),
    ]
    for _, parts in sorted(things, key=lambda thing: thing[0]):
        yield from parts


def _sky(scene: Scene, size: tuple[int, int]) -> Iterator[Layer]:
    window, sun = window_of(size, bottom=scene.horizon + 0.1), scene.sun
    everywhere = np.ones((window.y.size, window.x.size))
    yield Layer("sky", window, everywhere, smooth(window.y / (scene.horizon + 0.05)) * everywhere)
    yield Layer("star", window, stars(size)[window.rows])
    for reach in (7.0, 2.6):
        yield _spot("glow", Disc(sun.x, sun.y, reach * sun.width, reach * sun.height), size)
    spot = around(size, sun)
    disc = ellipse(spot, sun)
    yield Layer("sun", spot, disc, 1 - smooth(spread(sun, spot.x, spot.y)))
    for x, y, radius in ((-0.3, -0.2, 0.24), (0.35, 0.1, 0.2), (-0.1, 0.45, 0.16), (0.2, -0.5, 0.13)):
        crater = Disc(sun.x + x * sun.width, sun.y + y * sun.height, radius * sun.width, radius * sun.height)
        yield Layer("crater", spot, disc * ellipse(spot, crater))
    for puffs in scene.clouds:
        yield _puffs("cloud", puffs, size, flat=True)


def _spot(material: str, disc: Disc, size: tuple[int, int]) -> Layer:
    """Light that fades towards the ellipse's edge."""
    window = around(size, disc)
    return Layer(material, window, puff(window, disc))


def _puffs(material: str, puffs: tuple[Disc, ...], size: tuple[int, int], flat: bool) -> Layer:
    """A cloud: soft spots laid over one another, lit from above; `flat` cuts its lower side."""
    left, right = min(p.x - p.width for p in puffs), max(p.x + p.width for p in puffs)
    top, bottom = min(p.y - p.height for p in puffs), max(p.y + p.height for p in puffs)
    window = window_of(size, left, top, right, bottom)
    clear = np.ones((window.y.size, window.x.size))
    for disc in puffs:
        clear *= 1 - puff(window, disc)
    depth = (window.y - top) / (bottom - top)
    cover = smooth(1.5 * (1 - clear))
    if flat:
        cover = cover * smooth(3.2 * (0.95 - depth))
    return Layer(material, window, cover, unit(1.15 - 1.1 * depth) * np.ones_like(cover))


def _hills(scene: Scene, size: tuple[int, int]) -> Iterator[Layer]:
    window = window_of(size, top=scene.horizon - 0.3, bottom=scene.horizon + 0.3)
    yield _hill("far_hill", window, curve(scene.far, window.x[0]), 0.22, scene.light)
    middle = curve(scene.middle, window.x[0])
    yield _forest(window, middle, curve(scene.woods, window.x[0]))
    yield _hill("middle_hill", window, middle, 0.17, scene.light)
    yield _hill("near_hill", window, curve(scene.near, window.x[0]), 0.13, scene.light)


def _hill(material: str, window: Window, ridge: Array, depth: float, light: tuple[float, float]) -> Layer:
    """A ridge [w], brightest on its sunny slopes and fading into the haze at `depth` below the crest."""
    slope = np.gradient(ridge) * window.width
    lit = unit(0.75 - 0.6 * light[0] * slope)
    return Layer(material, window, below(window, ridge), lit * smooth(1 - (window.y - ridge) / depth))


def _forest(window: Window, ridge: Array, woods: Array) -> Layer:
    """Woods on the crest of the middle ridge: tree tops as high as `woods` [w], none where that is negative."""
    x = window.x[0]
    saw = np.abs((x * 37.0) % 1.0 - 0.5) + 0.6 * np.abs((x * 23.3) % 1.0 - 0.5)
    crest = ridge - unit(16 * woods) * (0.022 + 0.03 * saw)
    return Layer("forest", window, below(window, crest), unit((window.y - crest) / 0.06))


def _ground(scene: Scene, size: tuple[int, int]) -> Iterator[Layer]:
    window = window_of(size, top=scene.horizon + 0.02)
    ridge = curve(scene.meadow, window.x[0])
    # The square root crowds the lights and shades together towards the horizon.
    depth = np.sqrt(unit((window.y[:, 0] - scene.horizon) / (1 - scene.horizon)))
    mottle = curve(curve(scene.mottle, depth).T, window.x[0]).T
    shade = unit(0.85 + 0.75 * mottle - 0.45 * depth[:, None])
    yield Layer("meadow", window, below(window, ridge), shade)
    yield _path(scene.path, size)
    if scene.pond is not None:
        yield from _pond(scene.pond, size)
    for x, y in scene.flowers.tolist():
        radius = 0.004 + 0.024 * (y - scene.horizon)
        flower = Disc(x, y, radius, radius)
        spot = around(size, flower)
        yield Layer("flower", spot, ellipse(spot, flower))


def _path(path: Path, size: tuple[int, int]) -> Layer:
    window = window_of(size, top=path.top)
    offset = np.abs(window.x - path.center(window.y)) / path.half_width(window.y)
    cover = unit((1 - offset) * path.half_width(window.y) * window.width + 0.5) * below(window, path.top)
    return Layer("path", window, cover, smooth(1.1 - offset))


def _pond(pond: Disc, size: tuple[int, int]) -> Iterator[Layer]:
    shore = Disc(pond.x, pond.y - 0.004, pond.width + 0.016, pond.height + 0.013)
    window = around(size, shore)
    yield Layer("shore", window, ellipse(window, shore))
    cover = ellipse(window, pond)
    yield Layer(
        "water", window, cover, unit((window.y - pond.y + pond.height) / (2 * pond.height)) * np.ones_like(cover)
    )
    for x, y, length in ((-0.35, -0.3, 0.3), (0.3, 0.05, 0.34), (-0.15, 0.45, 0.24)):
        start, end = pond.x + (x - length) * pond.width, pond.x + (x + length) * pond.width
        row = pond.y + y * pond.height
        yield Layer("glint", window, line(window, (start, row), (end, row), 0.006))


def _tree(tree: Tree, light: tuple[float, float], size: tuple[int, int]) -> Iterator[Layer]:
    yield _shadow(tree.x, tree.base, 0.42 * tree.width, light, size)
    if tree.blobs is not None:
        yield from _litter(tree, size)
    half, top = 0.05 * tree.width + 0.003, tree.base - 0.55 * tree.height
    window = window_of(size, tree.x - 2 * half, top, tree.x + 2 * half, tree.base)
    corners = [
        (tree.x - 1.5 * half, tree.base),
        (tree.x - half, top),
        (tree.x + half, top),
        (tree.x + 1.5 * half, tree.base),
    ]
    yield Layer("trunk", window, polygon(window, corners), _side_light(window, tree.x, half, light))
    if tree.blobs is None:
        yield from _conifer(tree, light, size)
    else:
        yield from _leafy(tree, tree.blobs, light, size)


def _side_light(window: Window, x: float, half_width: float, light: tuple[float, float]) -> Array:
    lit = unit(0.5 + 0.6 * light[0] * (window.x - x) / half_width)
    return lit * np.ones_like(window.y)


def _shadow(x: float, base: float, half_width: float, light: tuple[float, float], size: tuple[int, int]) -> Layer:
    """The soft shadow at the foot of a thing, shifted away from the sun."""
    disc = Disc(x - 0.7 * half_width * light[0], base, 1.45 * half_width, 0.3 * half_width)
    window = around(size, disc)
    return Layer("shadow", window, smooth(1.6 * puff(window, disc)))


def _leafy(tree: Tree, blobs: Array, light: tuple[float, float], size: tuple[int, int]) -> Iterator[Layer]:
    """A crown of overlapping blobs, each lit like a ball, the lower ones darker; and the twigs of a bare one."""
    half_width, half_height = 0.5 * tree.width, 0.39 * tree.height
    x, y = tree.x, tree.base - tree.height + half_height
    window = window_of(size, x - 1.2 * half_width, y - 1.2 * half_height, x + 1.2 * half_width, y + 1.2 * half_height)
    across, down = (window.x - x) / half_width, (window.y - y) / half_height
    pixels = min(half_width * window.width, half_height * window.height)
    cover, shade = np.zeros((2, window.y.size, window.x.size))
    for blob_x, blob_y, radius in blobs.tolist():
        dx, dy = across - blob_x, down - blob_y
        blob = unit((radius - np.sqrt(dx * dx + dy * dy)) * pixels + 0.5)
        ball = (0.5 - 0.22 * blob_y + 0.12 * blob_x * light[0]) + (0.42 / radius) * (light[0] * dx + light[1] * dy)
        shade += blob * (ball - shade)
        np.maximum(cover, blob, out=cover)
    yield Layer("leafy", window, cover, unit(shade), tree.tint)
    twigs = [
        line(
            window,
            (x + start_x * half_width, y + start_y * half_height),
            (x + end_x * half_width, y + end_y * half_height),
            thickness * half_width,
        )
        for start_x, start_y, end_x, end_y, thickness in BOUGHS
    ]
    yield Layer("twig", window, cover * np.maximum.reduce(twigs), 0.5, tree.tint)


def _litter(tree: Tree, size: tuple[int, int]) -> Iterator[Layer]:
    """Fallen leaves around the foot of a leafy tree."""
    half = 0.5 * tree.width
    radius = 0.13 * half
    for number, (x, y) in enumerate(FALLEN):
        leaf = Disc(tree.x + x * half, tree.base + y * half, radius, 0.6 * radius)
        window = around(size, leaf)
        yield Layer("litter", window, ellipse(window, leaf), (number % 3) / 2, tree.tint)


def _conifer(tree: Tree, light: tuple[float, float], size: tuple[int, int]) -> Iterator[Layer]:
    """Tiers of boughs from the lowest up: dark under the tier above, lit (or laden with snow) towards their tips."""
    skirt = tree.base - 0.1 * tree.height
    for tier in range(CONIFER_TIERS):
        low = skirt - tier * 0.19 * tree.height
        high = low - (0.44 - 0.035 * tier) * tree.height
        half = 0.5 * tree.width * (1 - 0.2 * tier)
        window = window_of(size, tree.x - half, high, tree.x + half, low + 0.04 * tree.height)
        across = (window.x - tree.x) / half
        down = (window.y - high) / (low - high)
        # The lower edge hangs towards the tips and is cut into three boughs.
        hem = 1 + 0.10 * across * across - 0.11 * np.abs((1.5 * across) % 1.0 - 0.5)
        sides = unit((down * (0.55 + 0.45 * down) - np.abs(across)) * 0.7 * half * window.width + 0.5)
        cover = sides * unit((hem - down) * (low - high) * window.height + 0.5)
        shade = smooth(1.75 * down - 0.85 + 0.35 * light[0] * across)
        yield Layer("conifer", window, cover, shade, tree.tint)


def _lamp(lamp: Lamp, light: tuple[float, float], size: tuple[int, int]) -> Iterator[Layer]:
    """A post with a lantern, and the lantern's light around it and on the ground."""
    x, top, half = lamp.x, lamp.base - lamp.height, 0.1 * lamp.height
    low = top + 2.2 * half
    yield _shadow(x, lamp.base, 1.6 * half, light, size)
    yield _spot("halo", Disc(x, lamp.base, 11 * half, 3.5 * half), size)
    window = window_of(size, x - 1.3 * half, top - half, x + 1.3 * half, lamp.base)
    yield Layer("eave", window, line(window, (x, lamp.base), (x, low), 0.45 * half))
    glass = [(x - half, top), (x + half, top), (x + 0.7 * half, low), (x - 0.7 * half, low)]
    yield Layer("pane", window, polygon(window, glass))
    roof = [(x - 1.3 * half, top), (x, top - 0.9 * half), (x + 1.3 * half, top)]
    yield Layer("cap", window, polygon(window, roof))
    yield _spot("halo", Disc(x, top + half, 9 * half, 9 * half), size)


def _house(house: House, light: tuple[float, float], size: tuple[int, int]) -> Iterator[Layer]:
    """A gable with the door, a side with two windows, roof and chimney; and the light of the windows on the ground."""
    yield _shadow(house.x, house.base, 0.62 * house.width, light, size)
    lit = Disc(house.across(0.68), house.base + 0.02, 0.75 * house.width, 0.35 * house.height)
    yield _spot("halo", lit, size)
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
    for left, right, low, high in ((0.12, 0.30, 0.50, 0.73), (0.48, 0.67, 0.13, 0.42), (0.75, 0.94, 0.13, 0.42)):
        yield from _house_window(part, left, right, low, high)


class _HousePart:
    """Makes layers from places on a house.

    Places are fractions of its width from the gable's outer edge and of its height from the ground.
    """

    def __init__(self, house: House, size: tuple[int, int]):
        self._house, self._size = house, size

    def point(self, across: float, up: float) -> tuple[float, float]:
        return self._house.across(across), self._house.base - up * self._house.height

    def polygon(self, material: str, places: list[tuple[float, float]], shade: float = 1.0) -> Layer:
        corners = [self.point(*place) for place in places]
        xs, ys = zip(*corners, strict=True)
        window = window_of(self._size, min(xs), min(ys), max(xs), max(ys))
        return Layer(material, window, polygon(window, corners), min(max(shade, 0.0), 1.0), self._house.tint)

    def __call__(self, material: str, left: float, right: float, low: float, high: float, shade: float = 1.0) -> Layer:
        (x, bottom), (end, top) = self.point(left, low), self.point(right, high)
        x, end = min(x, end), max(x, end)
        window = window_of(self._size, x, top, end, bottom)
        cover = overlap(window.x, x, end, window.width) * overlap(window.y, top, bottom, window.height)
        return Layer(material, window, cover, min(max(shade, 0.0), 1.0), self._house.tint)

    def halo(self, left: float, right: float, low: float, high: float) -> Layer:
        x, y = self.point((left + right) / 2, (low + high) / 2)
        return _spot(
            "halo",
            Disc(x, y + 0.06 * self._house.height, 0.42 * self._house.width, 0.4 * self._house.height),
            self._size,
        )


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
