"""What a domain of drawn landscapes is made of: the colours of every material."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from i2i.data.synthetic._scene_shapes import Array


@dataclass(frozen=True)
class Paint:
    """A material's colours, [3, 1, 1] in [0, 1].

    They lead from `dark` to `lit` along the shade, and towards the tinted pair along the tint. What `shines` has its
    colours in any light.
    """

    dark: Array
    lit: Array
    tinted_dark: Array
    tinted_lit: Array
    opacity: float
    shines: bool = False

    @property
    def colors(self) -> tuple[Array, Array, Array, Array]:
        """All four, in the order in which they are given."""
        return self.dark, self.lit, self.tinted_dark, self.tinted_lit

    def recolored(self, colors: Iterable[Array]) -> "Paint":
        """The paint with other `colors`."""
        dark, lit, tinted_dark, tinted_lit = colors
        return Paint(dark, lit, tinted_dark, tinted_lit, self.opacity, self.shines)

    def color(self, shade: Array | float, tint: float) -> Array:
        """Colours [3, h, w], or [3, 1, 1] for one shade, in [0, 1]; `shade` and `tint` are in [0, 1]."""
        dark, lit = self.dark, self.lit
        if tint:
            dark, lit = dark + tint * (self.tinted_dark - dark), lit + tint * (self.tinted_lit - lit)
        return dark + shade * (lit - dark)


def rgb(color: str) -> Array:
    """RRGGBB as [3] in [0, 1]."""
    return np.array(list(bytes.fromhex(color))) / 255


def paint(*colors: str, opacity: float = 1.0, shines: bool = False) -> Paint:
    """One colour, a dark and a lit one, or these two and the same two tinted; each RRGGBB."""
    names = {1: colors * 4, 2: colors * 2, 4: colors}[len(colors)]
    dark, lit, tinted_dark, tinted_lit = (rgb(name)[:, None, None] for name in names)
    return Paint(dark, lit, tinted_dark, tinted_lit, opacity, shines)


HIDDEN = paint("000000", opacity=0.0)


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
    hatch: Paint
    grid: Paint
    litter: Paint


MATERIALS: tuple[str, ...] = tuple(field.name for field in fields(Palette))
