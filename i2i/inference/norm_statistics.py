"""Norms that normalise tiles of an image alike: by statistics that are found once and then held.

Instance norm, and batch norm by the image's own statistics, normalise an image by its mean and variance. Each tile
has others, and so neighbouring tiles would get other colours.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = nn.InstanceNorm2d | nn.BatchNorm2d


@dataclass(frozen=True)
class Moments:
    """Mean and variance [C] of each channel over some pixels, and how many these are."""

    mean: Tensor
    variance: Tensor
    pixels: int

    @classmethod
    def of(cls, features: Tensor) -> "Moments":
        """Those of [1, C, H, W]."""
        pixels = features.shape[2] * features.shape[3]
        return cls(features.mean((0, 2, 3)), features.var((0, 2, 3), correction=0), pixels)

    @classmethod
    def together(cls, parts: Iterable["Moments"]) -> "Moments":
        """Those of all pixels of several parts."""
        known = list(parts)
        pixels = sum(part.pixels for part in known)
        shares = [part.pixels / pixels for part in known]
        mean = torch.stack([part.mean * share for part, share in zip(known, shares, strict=True)]).sum(0)
        spread = [part.variance + (part.mean - mean) ** 2 for part in known]
        variance = torch.stack([one * share for one, share in zip(spread, shares, strict=True)]).sum(0)
        return cls(mean, variance, pixels)


Statistics = dict[Norm, Moments]
"""Of what each norm was given."""


@dataclass(frozen=True)
class Correction:
    """What leads from the moments of a reduced image to those of the image, for each channel.

    Attributes:
        shift: of the mean, in standard deviations of the reduced image.
        ratio: of the variances.
    """

    shift: Tensor
    ratio: Tensor

    @classmethod
    def between(cls, reduced: Moments, image: Moments, eps: float) -> "Correction":
        """The one that makes `image` of `reduced`; `eps` is what the norm adds to variances."""
        variance = reduced.variance + eps
        return cls((image.mean - reduced.mean) / variance.sqrt(), (image.variance + eps) / variance)

    def applied(self, reduced: Moments, eps: float) -> Moments:
        """Moments of the image, as far as those of a reduced one tell."""
        variance = reduced.variance + eps
        corrected = (variance * self.ratio - eps).clamp(min=0)
        return Moments(reduced.mean + self.shift * variance.sqrt(), corrected, reduced.pixels)


def everything(features: Tensor) -> Tensor:
    """All features count."""
    return features


@contextmanager
def found_statistics(network: nn.Module, part: Callable[[Tensor], Tensor] = everything) -> Iterator[Statistics]:
    """Collect the statistics of what passes through `network` meanwhile, an image [1, C, H, W].

    Args:
        network: any; its norms are found among its modules.
        part: what counts of the features [1, C, H, W] that a norm is given; where that is no pixel, the norm is left
            out.
    """
    statistics: Statistics = {}

    def find(norm: nn.Module, inputs: tuple[Tensor]) -> None:
        counted = part(inputs[0])
        if isinstance(norm, Norm) and _looks_at_images(norm) and counted.numel():
            statistics[norm] = Moments.of(counted)

    hooks = [norm.register_forward_pre_hook(find) for norm in network.modules() if isinstance(norm, Norm)]
    try:
        yield statistics
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def held_statistics(statistics: Statistics) -> Iterator[None]:
    """Normalise by these statistics meanwhile, whatever passes through."""
    with _normalizing(statistics, statistics.__getitem__):
        yield


@contextmanager
def corrected_statistics(found: Statistics, corrections: Mapping[Norm, Correction]) -> Iterator[Statistics]:
    """Normalise by what is being `found` meanwhile, corrected; collect what that is."""
    corrected: Statistics = {}

    def correct(norm: Norm) -> Moments:
        corrected[norm] = corrections[norm].applied(found[norm], norm.eps)
        return corrected[norm]

    with _normalizing(corrections, correct):
        yield corrected


@contextmanager
def _normalizing(norms: Iterable[Norm], moments: Callable[[Norm], Moments]) -> Iterator[None]:
    """Put a function in place of each norm's own, whose result is not used."""

    def normalize(norm: Norm, features: Tensor) -> Tensor:
        by = moments(norm)
        return F.batch_norm(features, by.mean, by.variance, norm.weight, norm.bias, eps=norm.eps)

    replaced = list(norms)
    for norm in replaced:
        vars(norm)["forward"] = partial(normalize, norm)
    try:
        yield
    finally:
        for norm in replaced:
            del vars(norm)["forward"]


def _looks_at_images(norm: Norm) -> bool:
    """Whether it normalises by the image: batch norm may do so by running statistics, which tiles share anyway."""
    return not norm.track_running_stats
