"""Measures of translations as the bench and `i2i score` both take them, from pictures to one number each."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from i2i.data.images import Preprocess
from i2i.data.layouts import Picture
from i2i.data.pictures import load_pixels
from i2i.metrics.features import Extractor
from i2i.metrics.frechet import frechet_distance_between
from i2i.metrics.paired import psnr, ssim

BATCH = 64


def read_pixels(pictures: Sequence[Picture], image_size: tuple[int, int]) -> Tensor:
    """uint8 [N, 3, H, W]; greyscale pictures become grey RGB, which is what scorers take."""
    pixels = load_pixels(pictures, Preprocess(image_size))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def features_of(extractor: Extractor, pixels: Tensor) -> np.ndarray:
    """Features [N, d] of pixels [N, 3, H, W], some at a time."""
    parts = [extractor(pixels[start : start + BATCH]).cpu() for start in range(0, len(pixels), BATCH)]
    return torch.cat(parts).numpy()


def distance(extractor: Extractor, judged: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """The Frechet distance of features [N, d] and [M, d] under the extractor's name."""
    return {extractor.name: frechet_distance_between(judged, reference)}


def against_truth(fakes: Tensor, truth: Tensor) -> dict[str, float]:
    """Means of PSNR and SSIM over pairs of pixels [N, 3, H, W]."""
    return {"psnr": float(psnr(fakes, truth).mean()), "ssim": float(ssim(fakes, truth).mean())}
