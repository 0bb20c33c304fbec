"""Cheap signs that a translator has gone wrong, read from its translations.

No flag proves a fault, and none that is down proves health: each is one number with a threshold, set so that true
translations of the built-in datasets stay well clear of it. Distances between images are mean absolute differences of
channel values. All pixels are uint8 [N, 3, H, W]; `inputs` and `outputs` correspond one to one, `reals` are images of
the target domain, as many as there are, and correspond to nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from i2i.metrics.features._inference import check_pixels

IMAGES = 256  # of larger sets, evenly spaced ones are looked at
COMPARED = 32  # of these are compared each with each
FEWEST = 2  # images, to compare an image with another
SMALL = 32  # pixels, the side at which colours are correlated: texture does not count
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
PERIODS = (2, 4)  # pixels, of patterns that one and two doublings of the side leave behind
TURNED_ROUND = -0.1  # correlation of unpaired images, below which light and dark do not correspond
TINY = 1e-9


@dataclass(frozen=True)
class Flag:
    """One sign and what was measured.

    Attributes:
        name: of the fault.
        value: what was measured.
        threshold: where the flag goes up.
        above: whether it goes up above the threshold, else below.
        says: what a raised flag means.
    """

    name: str
    value: float
    threshold: float
    above: bool
    says: str

    @property
    def raised(self) -> bool:
        """Whether the value lies beyond the threshold."""
        return self.value > self.threshold if self.above else self.value < self.threshold


def flags(inputs: Tensor, outputs: Tensor, reals: Tensor, others: Sequence[Tensor] = ()) -> list[Flag]:
    """Every flag, raised or not, of translations.

    Args:
        inputs: what was translated.
        outputs: its translations, in the same order.
        reals: images of the target domain.
        others: translations of the same inputs to other targets; without any, `ignored_target` is not measured.

    Raises:
        ValueError: not uint8 [N, 3, H, W], fewer than two images, sides of one pixel, or shapes that do not fit.
    """
    _check(inputs, outputs, reals, others)
    some = _spaced(len(inputs))
    inputs, outputs, reals = inputs[some], outputs[some], reals[_spaced(len(reals))]
    found = [
        Flag("copied", _copied(inputs, outputs), 0.1, False, "the outputs are the inputs"),
        Flag("collapsed", _collapsed(outputs, reals), 0.2, False, "different inputs give nearly the same output"),
        Flag("inverted", _inverted(inputs, outputs, reals), -0.3, False, "light and dark have changed places"),
        Flag("checkerboard", _checkerboard(outputs, reals), 3.0, True, "patterns of the upsampling show"),
        Flag("saturated", _saturated(outputs, reals), 0.1, True, "many channel values are clipped"),
        Flag("constant", _contrast(outputs, reals), 0.05, False, "the outputs hardly vary from place to place"),
        Flag("noise", _roughness(outputs, reals), 0.4, True, "neighbouring pixels have little in common"),
    ]
    if others:
        value = _ignored_target([outputs, *(other[some] for other in others)])
        found.append(Flag("ignored target", value, 0.1, False, "all targets give nearly the same output"))
    return found


def diverged(share: float) -> Flag:
    """The flag of a network that gave values that are no numbers, which images cannot show.

    Args:
        share: of the translations that held NaN or infinity before they became pixels.

    Raises:
        ValueError: outside [0, 1].
    """
    if not isinstance(share, Real) or not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, but is {share!r}")
    return Flag("diverged", share, 0.0, True, "the network gave values that are not finite")


def _copied(inputs: Tensor, outputs: Tensor) -> float:
    """Distance of outputs from their inputs, relative to that of inputs from each other; 0 for copies."""
    return _distance(inputs, outputs) / max(_variety(inputs), TINY)


def _collapsed(outputs: Tensor, reals: Tensor) -> float:
    """Distance of outputs from each other, relative to that of real images; 0 if all outputs are one."""
    return _variety(outputs) / max(_variety(reals), TINY)


def _ignored_target(by_target: Sequence[Tensor]) -> float:
    """Distance between an input's translations, relative to that between inputs; 0 if targets do not matter.

    Args:
        by_target: for each of two or more targets, the translations of the same inputs in the same order.
    """
    between = [_distance(one, other) for place, one in enumerate(by_target) for other in by_target[:place]]
    within = [_variety(one) for one in by_target]
    return _mean(between) / max(_mean(within), TINY)


def _inverted(inputs: Tensor, outputs: Tensor, reals: Tensor) -> float:
    """Correlation of outputs with their inputs, less that of real images with any input; -2 at the worst.

    Channel values at 32 x 32 are correlated over places and channels. What target images and inputs have in common
    without belonging together, such as a bright sky above, is taken off. Where that is negative, the target itself
    turns light and dark round and nothing can be told: 0.
    """
    before, after, target = (_patterns(pixels) for pixels in (inputs, outputs, reals))
    own = (before * after).sum(dim=1).mean()
    expected = before.mean(dim=0) @ target.mean(dim=0)  # the mean over all pairs
    return float(own - expected) if expected > TURNED_ROUND else 0.0


def _checkerboard(outputs: Tensor, reals: Tensor) -> float:
    """Share of fine detail that repeats every two or four pixels, relative to that of real images.

    Odena, Dumoulin and Olah, 2016, "Deconvolution and Checkerboard Artifacts",
    https://distill.pub/2016/deconv-checkerboard, tell where such patterns come from. Detail is the energy of luminance
    at periods below eight pixels, under a Hann window. Sides below 16 pixels have no room for that and give 1.
    """
    if min(outputs.shape[2:]) < 4 * max(PERIODS):
        return 1.0
    return _periodic_share(outputs) / max(_periodic_share(reals), TINY)


def _saturated(outputs: Tensor, reals: Tensor) -> float:
    """Share of channel values at either end (0, 1, 254, 255), less that of real images; in [-1, 1]."""
    shares = [float(((pixels < 2) | (pixels > 253)).double().mean()) for pixels in (outputs, reals)]
    return shares[0] - shares[1]


def _contrast(outputs: Tensor, reals: Tensor) -> float:
    """Deviation of channel values within an image, relative to that of real images; 0 for constant ones."""
    stds = [float(pixels.float().std(dim=(2, 3)).mean()) for pixels in (outputs, reals)]
    return stds[0] / max(stds[1], TINY)


def _roughness(outputs: Tensor, reals: Tensor) -> float:
    """Correlation of neighbouring pixels in real images, less that in outputs; near 1 for pure noise."""
    return _smoothness(reals) - _smoothness(outputs)


def _distance(left: Tensor, right: Tensor) -> float:
    return float((left.float() - right.float()).abs().mean())


def _variety(pixels: Tensor) -> float:
    """Mean distance between two images of up to 32."""
    some = pixels[_spaced(len(pixels), COMPARED)]
    return _mean([_distance(some, some.roll(shift, dims=0)) for shift in range(1, len(some) // 2 + 1)])


def _patterns(pixels: Tensor) -> Tensor:
    """Each image's channel values at 32 x 32 as a vector of mean 0 and length 1, [N, 3 * 32 * 32]."""
    small = torch.nn.functional.adaptive_avg_pool2d(pixels.float(), SMALL).flatten(1)
    centered = small - small.mean(dim=1, keepdim=True)
    return torch.nn.functional.normalize(centered, dim=1)


def _periodic_share(pixels: Tensor) -> float:
    """Share of the energy at periods below eight pixels that lies where both periods are 2, 4 or endless."""
    multiple = max(PERIODS)
    height, width = (side // multiple * multiple for side in pixels.shape[2:])
    luminance = _luminance(pixels[:, :, :height, :width])
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    centered = luminance - luminance.mean(dim=(1, 2), keepdim=True)
    energy = torch.fft.fft2(centered * window).abs().square().mean(dim=0)
    rows, columns = torch.fft.fftfreq(height).abs()[:, None], torch.fft.fftfreq(width).abs()
    fine = torch.maximum(rows, columns) > 1 / 8
    near = _near_lattice(height)[:, None] & _near_lattice(width) & fine
    return float(energy[near].sum() / energy[fine].sum().clamp_min(TINY))


def _near_lattice(side: int) -> Tensor:
    """Frequencies of periods 2, 4 and endless, with the neighbours that the window spreads them over: bool [side]."""
    near = torch.zeros(side, dtype=torch.bool)
    for center in range(0, side, side // max(PERIODS)):
        near[[(center + offset) % side for offset in (-1, 0, 1)]] = True
    return near


def _smoothness(pixels: Tensor) -> float:
    """Mean over images of the correlation of luminance with that of the next pixel, down and to the right."""
    luminance = _luminance(pixels)
    centered = luminance - luminance.mean(dim=(1, 2), keepdim=True)
    variance = centered.square().mean(dim=(1, 2)).clamp_min(TINY)
    down = (centered[:, 1:] * centered[:, :-1]).mean(dim=(1, 2))
    right = (centered[:, :, 1:] * centered[:, :, :-1]).mean(dim=(1, 2))
    return float(((down + right) / (2 * variance)).mean())


def _luminance(pixels: Tensor) -> Tensor:
    return torch.einsum("nchw,c->nhw", pixels.float(), torch.tensor(LUMA))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _spaced(count: int, most: int = IMAGES) -> Tensor:
    """Up to `most` positions below `count`, evenly spaced: int64."""
    return torch.linspace(0, count - 1, min(count, most)).round().long()


def _check(inputs: Tensor, outputs: Tensor, reals: Tensor, others: Sequence[Tensor]) -> None:
    named = {"inputs": inputs, "outputs": outputs, "reals": reals, **{f"others[{i}]": o for i, o in enumerate(others)}}
    for name, pixels in named.items():
        check_pixels(pixels, name)
        if len(pixels) < FEWEST:
            raise ValueError(f"{name} must hold {FEWEST} or more images, not {len(pixels)}")
        if min(pixels.shape[2:]) < 2:  # of a single pixel nothing varies
            raise ValueError(f"{name} must have sides of 2 or more pixels, not {list(pixels.shape)}")
        if pixels.shape[1:] != outputs.shape[1:] or (name != "reals" and len(pixels) != len(outputs)):
            raise ValueError(f"{name} {list(pixels.shape)} do not fit outputs {list(outputs.shape)}")
