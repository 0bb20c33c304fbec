"""Measures of translations as the bench and `i2i score` both take them: of each image, or of two sets of features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from i2i.data.decoding.images import Preprocess
from i2i.data.decoding.load_pixels import load_pixels
from i2i.data.decoding.pixel_cache import PixelCache
from i2i.data.layouts import ImageFile
from i2i.metrics._arrays import Array
from i2i.metrics.features.inception import Extractor
from i2i.metrics.frechet import frechet_distance_between
from i2i.metrics.kernel import SUBSET_SIZE, KernelDistance, kernel_distance
from i2i.metrics.lpips import Lpips
from i2i.metrics.registry import Kind, kernel_name, metrics_of

BATCH = 64


@dataclass(frozen=True)
class Distances:
    """How far two sets of features are apart.

    Attributes:
        extractor: name of whose features they are.
        frechet: squared Frechet distance.
        kernel: Kernel Inception Distance, with its std over subsets.
    """

    extractor: str
    frechet: float
    kernel: KernelDistance

    def values(self) -> dict[str, float]:
        """Both under their names in tables."""
        return {self.extractor: self.frechet, kernel_name(self.extractor): self.kernel.value}


def read_pixels(images: Sequence[ImageFile], preprocess: Preprocess, cache: PixelCache | None = None) -> Tensor:
    """uint8 [N, 3, H, W]; one channel is repeated to grey RGB, which is what scorers take."""
    return as_rgb(load_pixels(images, preprocess, cache=cache))


def as_rgb(pixels: np.ndarray) -> Tensor:
    """uint8 [N, H, W, 1 or 3] as [N, 3, H, W]."""
    channels_first = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    return channels_first.expand(-1, 3, -1, -1).contiguous()


def features_of(extractor: Extractor, pixels: Tensor) -> np.ndarray:
    """Features [N, d] of pixels [N, 3, H, W], some at a time."""
    parts = [extractor(pixels[start : start + BATCH]).cpu() for start in range(0, len(pixels), BATCH)]
    return torch.cat(parts).numpy()


def distances(extractor: str, scored: np.ndarray, reference: np.ndarray) -> Distances:
    """Distances of features [N, d] and [M, d], two or more a side, of the extractor of that name.

    Subsets of the kernel distance hold half of the smaller side, or `SUBSET_SIZE` where that is less: a subset that is
    the whole has no std.
    """
    subset = min(SUBSET_SIZE, max(2, min(len(scored), len(reference)) // 2))
    kernel = kernel_distance(scored, reference, subset_size=subset)
    return Distances(extractor, frechet_distance_between(scored, reference), kernel)


def against_truth(fakes: Tensor, truth: Tensor, lpips: Lpips | None = None) -> dict[str, Array]:
    """Likeness of each pair of pixels uint8 [N, 3, H, W]: float64 [N]; none that needs larger images."""
    return {**_compared("paired", fakes, truth), **_lpips("", lpips, fakes, truth)}


def against_input(fakes: Tensor, inputs: Tensor, lpips: Lpips | None = None) -> dict[str, Array]:
    """How much of each input its translation keeps, pixels [N, 3, H, W] of both: float64 [N]."""
    return {**_compared("content", fakes, inputs), **_lpips("content-", lpips, fakes, inputs)}


def _compared(kind: Kind, fakes: Tensor, others: Tensor) -> dict[str, Array]:
    side = min(fakes.shape[2:])
    return {
        metric.name: metric.compare(fakes, others).numpy()
        for metric in metrics_of(kind)
        if metric.compare and side >= metric.smallest
    }


def _lpips(prefix: str, lpips: Lpips | None, fakes: Tensor, others: Tensor) -> dict[str, Array]:
    return {prefix + lpips.name: lpips(fakes, others).double().cpu().numpy()} if lpips else {}
