"""Measures of translations as the bench and `i2i score` both take them: of each image, or of two sets of features."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.load_pixels import load_pixels
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.layouts import ImageFile
from i2i.metrics._arrays import Array
from i2i.metrics.features.inception import Extractor
from i2i.metrics.frechet import frechet_distance_between
from i2i.metrics.kernel import SUBSET_SIZE, KernelDistance, kernel_distance
from i2i.metrics.lpips import Lpips
from i2i.metrics.paired import RANGE
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


@dataclass(frozen=True)
class ImageValues:
    """Images as they are scored.

    Attributes:
        pixels: uint8 [N, 3, H, W], what networks and people see of them.
        values: what PSNR, SSIM and L1 compare, [N, C, H, W]; of images of 8 bits the pixels.
        data_range: from the least to the largest value.
    """

    pixels: Tensor
    values: Tensor
    data_range: float = RANGE

    @classmethod
    def of(cls, arrays: np.ndarray, preprocess: Preprocess) -> Self:
        """Of arrays [N, H, W, C] of one domain, whose `preprocess` it is."""
        pixels, measured = as_rgb(preprocess.shown(arrays)), preprocess.measured(arrays)
        values = pixels if measured is arrays else torch.from_numpy(measured).permute(0, 3, 1, 2)
        return cls(pixels, values, preprocess.data_range)

    def at(self, places: Sequence[int]) -> Self:
        """Those at some places."""
        pixels = self.pixels[places]
        values = pixels if self.values is self.pixels else self.values[places]
        return replace(self, pixels=pixels, values=values)


def read_values(images: Sequence[ImageFile], preprocess: Preprocess, cache: PixelCache | None = None) -> ImageValues:
    """Images of one domain, whose `preprocess` it is."""
    return ImageValues.of(load_pixels(images, preprocess, cache=cache), preprocess)


def read_pixels(images: Sequence[ImageFile], preprocess: Preprocess, cache: PixelCache | None = None) -> Tensor:
    """uint8 [N, 3, H, W]; one channel is repeated to grey RGB, which is what scorers take."""
    return as_rgb(preprocess.shown(load_pixels(images, preprocess, cache=cache)))


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


def against_truth(fakes: ImageValues, truth: ImageValues, lpips: Lpips | None = None) -> dict[str, Array]:
    """Likeness of each pair of images: float64 [N]; none that needs larger images."""
    compared = _compared("paired", fakes.values, truth.values, truth.data_range)
    return {**compared, **_lpips("", lpips, fakes.pixels, truth.pixels)}


def against_input(fakes: Tensor, inputs: Tensor, lpips: Lpips | None = None) -> dict[str, Array]:
    """How much of each input its translation keeps, pixels [N, 3, H, W] of both: float64 [N]."""
    return {**_compared("content", fakes, inputs, RANGE), **_lpips("content-", lpips, fakes, inputs)}


def _compared(kind: Kind, fakes: Tensor, others: Tensor, data_range: float) -> dict[str, Array]:
    side = min(fakes.shape[2:])
    return {
        metric.name: metric.compare(fakes, others, data_range).numpy()
        for metric in metrics_of(kind)
        if metric.compare and side >= metric.smallest
    }


def _lpips(prefix: str, lpips: Lpips | None, fakes: Tensor, others: Tensor) -> dict[str, Array]:
    return {prefix + lpips.name: lpips(fakes, others).double().cpu().numpy()} if lpips else {}
