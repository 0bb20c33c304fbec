"""Drawn landscapes: the same scene in several domains, each pixel of which has an exact counterpart in the others.

Every translation between the domains of a set has a ground truth, because a scene is drawn in two steps:

1. `Scene.sample` draws the geometry (hills, trees, house, ...) and `layers` turns it into layers of coverage and
   shade. Neither knows the domain.
2. A `Palette` says what each material looks like in one domain, and `Landscapes.draw` paints the layers with it, back
   to front.

The mapping is a function of what can be seen, and a set keeps it so by its palettes. What only one domain shows lies at
places fixed in the image plane (stars, pencil strokes) or fixed relative to something visible (twigs to their crown,
light to its window or lamp). A colour that varies between the scenes (crowns, walls) varies along one number, the tint,
and every domain shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2i.data.synthetic._light import Light
from i2i.data.synthetic._palette import MATERIALS, Paint, Palette
from i2i.data.synthetic._scene import Scene
from i2i.data.synthetic._scene_layers import Layer, layers
from i2i.data.synthetic._scene_shapes import unit

SMALLEST_SIDE = 16
SUPERSAMPLE = 2


@dataclass(frozen=True)
class Landscapes:
    """A set of landscapes: the palette of each of its domains.

    `series` is the name of its scenes. Two sets that share it have the same geometry at equal numbers and seeds. With
    `lights` every scene has a light of its own, the same in all domains; without, colours are those of the palette.
    """

    name: str
    palettes: Mapping[str, Palette]
    series: str
    lights: bool = False

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains' names, in the order of the palettes."""
        return tuple(self.palettes)

    def draw(self, scene: int, domain: str, size: tuple[int, int] = (64, 64), seed: int = 0) -> np.ndarray:
        """One image: uint8 [height, width, 3], RGB.

        A function of the set and (`seed`, `scene`, `domain`, `size`) alone. The geometry of a scene is the same in
        every domain and, in units of the image's height and width, at every size.

        Args:
            scene: number of the scene, >= 0.
            domain: one of `domains`.
            size: height and width in pixels, each at least 16.
            seed: of the scenes, >= 0.

        Raises:
            ValueError: for an unknown domain, or a side below 16 pixels.
        """
        if domain not in self.palettes:
            raise ValueError(f"unknown domain {domain!r} of {self.name}; there are {', '.join(self.domains)}")
        _check_size(size)
        palette = self.palettes[domain]
        if self.lights:
            palette = Light.sample(scene, seed, self.series).on(palette)
        fine = (SUPERSAMPLE * size[0], SUPERSAMPLE * size[1])
        canvas = np.zeros((3, *fine))
        for layer in _layers(scene, seed, self.series, fine):
            _composite(canvas, layer, getattr(palette, layer.material))
        return np.ascontiguousarray((255 * unit(_block_means(canvas)) + 0.5).astype(np.uint8).transpose(1, 2, 0))

    def label_map(self, scene: int, size: tuple[int, int] = (64, 64), seed: int = 0) -> np.ndarray:
        """What each pixel shows: uint8 [height, width], indices into `MATERIALS`.

        A pixel shows the topmost material that covers its centre. Materials that some domain does not show (stars,
        twigs, flakes, ...) are left out.

        Raises:
            ValueError: for a side below 16 pixels.
        """
        _check_size(size)
        labels = np.zeros(size, np.uint8)
        for layer in _layers(scene, seed, self.series, tuple(size)):
            if all(getattr(palette, layer.material).opacity > 0 for palette in self.palettes.values()):
                labels[layer.window.rows, layer.window.columns][layer.cover > 0.5] = MATERIALS.index(layer.material)
        return labels


# Kept for the last scenes only: it pays for drawing one scene in several domains, one after the other.
@lru_cache(maxsize=2)
def _layers(scene: int, seed: int, series: str, size: tuple[int, int]) -> tuple[Layer, ...]:
    return tuple(layers(Scene.sample(scene, seed, series), size))


def _check_size(size: tuple[int, int]) -> None:
    if min(size) < SMALLEST_SIDE:
        raise ValueError(f"size {tuple(size)} is too small; height and width must be at least {SMALLEST_SIDE} pixels")


def _block_means(canvas: np.ndarray) -> np.ndarray:
    """Means of blocks of `SUPERSAMPLE` x `SUPERSAMPLE` pixels: a dozen times as fast as `np.mean` over two axes."""
    block = range(SUPERSAMPLE)
    rows = [sum(canvas[:, row::SUPERSAMPLE, column::SUPERSAMPLE] for column in block) for row in block]
    return np.asarray(sum(rows)) / SUPERSAMPLE**2


def _composite(canvas: np.ndarray, layer: Layer, paint: Paint) -> None:
    """Lay a layer over `canvas` [3, height, width], in place."""
    if paint.opacity == 0.0 or layer.cover.size == 0:
        return
    below = canvas[:, layer.window.rows, layer.window.columns]
    below += (paint.opacity * layer.cover) * (paint.color(layer.shade, layer.tint) - below)
