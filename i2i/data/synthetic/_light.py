"""The light of a scene: hour, weather and exposure, the same in each of its domains.

So colours tell a domain from another no better than the hour tells a place: a summer may be a grey noon, a night bright
moonlight. And light is seen: every domain shows the sky, from which a translator can read it.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from i2i.data.synthetic._palette import MATERIALS, Paint, Palette, rgb
from i2i.data.synthetic._scene_shapes import Array

LUMA = np.array([0.299, 0.587, 0.114])[:, None, None]
STREAM = b"light"
EXPOSURES = 0.86, 1.14
THICKEST_MIST = 0.3
HAZE = {"far_hill": 0.5, "middle_hill": 0.25, "forest": 0.25, "near_hill": 0.12, "cloud": 0.35, "water": 0.4}
"""How much of a material's colour is that of the sky near the horizon: distance, or a mirror."""


@dataclass(frozen=True)
class Light:
    """What a scene's light makes of colours: their saturation, then a gain of each channel; and the sky's own colours.

    Attributes:
        sky: [2, 3], the top of the sky and the horizon, in [0, 1].
        gain: [3].
        saturation: 0 leaves grey values.
        mist: the share of the horizon's colour in all that does not shine, in [0, 1].
    """

    sky: Array
    gain: Array
    saturation: float
    mist: float = 0.0

    @classmethod
    def sample(cls, scene: int, seed: int, series: str) -> "Light":
        """The light of a scene, by the numbers that choose its geometry; somewhere between two of `HOURS`."""
        generator = np.random.default_rng([seed, scene, *series.encode(), *STREAM])
        first, second, share, exposure, mist = generator.random(5).tolist()
        one, other = HOURS[int(first * len(HOURS))], HOURS[int(second * len(HOURS))]
        light = one.towards(other, share).exposed(EXPOSURES[0] + exposure * (EXPOSURES[1] - EXPOSURES[0]))
        return replace(light, mist=THICKEST_MIST * mist * mist)

    def towards(self, other: "Light", share: float) -> "Light":
        """This light with a share in [0, 1] of another."""
        values = ((1 - share) * getattr(self, f.name) + share * getattr(other, f.name) for f in fields(self))
        return Light(*values)

    def exposed(self, factor: float) -> "Light":
        """The same light, more or less of it."""
        return replace(self, sky=factor * self.sky, gain=factor * self.gain)

    def on(self, palette: Palette) -> Palette:
        """The palette in this light."""
        paints = {name: getattr(palette, name) for name in MATERIALS if name != "sky"}
        paints = {name: paint for name, paint in paints.items() if not paint.shines}
        colors = np.array([paint.colors for paint in paints.values()])
        haze = np.array([max(self.mist, HAZE.get(name, 0.0)) for name in paints]).reshape(-1, 1, 1, 1, 1)
        lit = (1 - haze) * self._on_colors(colors) + haze * self.sky[1][:, None, None]
        changed = {name: paint.recolored(own) for (name, paint), own in zip(paints.items(), lit, strict=True)}
        return replace(palette, sky=self._sky(palette.sky), **changed)

    def _on_colors(self, colors: Array) -> Array:
        """Colours [..., 3, 1, 1] without haze."""
        grey = (LUMA * colors).sum(axis=-3, keepdims=True)
        graded: Array = self.gain[:, None, None] * (grey + self.saturation * (colors - grey))
        return graded

    def _sky(self, veil: Paint) -> Paint:
        """The sky's own colours under a veil, which is a domain's paint of the sky and covers it in part."""
        top, bottom = (
            own[:, None, None] + veil.opacity * (color - own[:, None, None])
            for own, color in zip(self.sky, (veil.dark, veil.lit), strict=True)
        )
        return Paint(top, bottom, top, bottom, 1.0)


def _hour(top: str, horizon: str, gain: tuple[float, float, float], saturation: float) -> Light:
    return Light(np.array([rgb(top), rgb(horizon)]), np.array(gain), saturation)


HOURS = (
    _hour("438cd5", "c1e0ed", (1.02, 1.02, 0.99), 1.00),  # noon
    _hour("8694a6", "d4d7d9", (0.87, 0.89, 0.94), 0.59),  # overcast
    _hour("7889b6", "f8ce93", (1.11, 0.93, 0.75), 0.96),  # late sun
    _hour("46488e", "cf96b1", (0.71, 0.62, 0.85), 0.84),  # dusk
    _hour("889ed5", "f8cbc4", (1.06, 0.90, 0.94), 0.84),  # dawn
    _hour("496872", "b4c4ac", (0.78, 0.88, 0.75), 0.76),  # before a storm
    _hour("2d4e8c", "95b3da", (0.59, 0.71, 0.94), 0.84),  # blue hour
    _hour("aab6be", "e4e7e8", (1.10, 1.12, 1.16), 0.25),  # fog
    _hour("b4cfe6", "f4f4ec", (1.16, 1.16, 1.16), 0.50),  # glare
)
