"""Paints of the embedded set `seasons`: the colours of every material in every domain."""

from dataclasses import dataclass, fields

import numpy as np

from i2i.data._seasons_shapes import Array


@dataclass(frozen=True)
class Paint:
    """A material's colours, [3, 1, 1] in [0, 1].

    They lead from `dark` to `lit` along the shade, and towards the tinted pair along the tint.
    """

    dark: Array
    lit: Array
    tinted_dark: Array
    tinted_lit: Array
    opacity: float

    def colour(self, shade: Array | float, tint: float) -> Array:
        """Colours [3, h, w], or [3, 1, 1] for one shade, in [0, 1]; `shade` and `tint` are in [0, 1]."""
        dark = self.dark + tint * (self.tinted_dark - self.dark)
        lit = self.lit + tint * (self.tinted_lit - self.lit)
        return dark + shade * (lit - dark)


def _paint(*colours: str, opacity: float = 1.0) -> Paint:
    """One colour, a dark and a lit one, or these two and the same two tinted; each RRGGBB."""
    names = {1: colours * 4, 2: colours * 2, 4: colours}[len(colours)]
    dark, lit, tinted_dark, tinted_lit = (np.array(list(bytes.fromhex(name)))[:, None, None] / 255 for name in names)
    return Paint(dark, lit, tinted_dark, tinted_lit, opacity)


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
