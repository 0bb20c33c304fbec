"""Similarity of a translation to the one right answer, image by image: PSNR, SSIM and L1.

Images are pixels, uint8 [B, 3, H, W], or beyond 8 bits values in floating point, [B, C, H, W], whose `data_range` has
to be given: floats alone do not say whether they end at 1, at 255 or elsewhere.

They say something only where aligned pairs exist. They are taken per image and never pooled over a
batch: the logarithm of a mean error is not the mean of logarithms, and a pooled PSNR would depend
on the batch size.
"""

import math
from functools import cache

import torch
from torch import Tensor

from i2i.metrics.features._inference import check_pixels

RANGE = 255.0  # of uint8 pixels
WINDOW = 11  # pixels, side of SSIM's window
SIGMA = 1.5  # pixels, std of the Gaussian in it
K1, K2 = 0.01, 0.03  # SSIM's constants


def psnr(fake_pixels: Tensor, real_pixels: Tensor, data_range: float | None = None) -> Tensor:
    """Peak signal-to-noise ratio, 10 log10(data_range^2 / mean squared error).

    Args:
        fake_pixels: uint8 [B, 3, H, W], or floating point [B, C, H, W].
        real_pixels: of the same type and shape.
        data_range: from the least to the largest value; None: 255, of uint8 pixels.

    Returns:
        float64 [B], decibels, one for each image; infinity where both are identical.

    Raises:
        ValueError: another type, shape or range, or unlike ones.
    """
    data_range = _checked_range(fake_pixels, real_pixels, data_range)
    error = (fake_pixels.double() - real_pixels.double()).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(data_range**2 / error)


def l1(fake_pixels: Tensor, real_pixels: Tensor, data_range: float | None = None) -> Tensor:
    """Mean absolute difference of channel values, as a share of their range.

    Args:
        fake_pixels: uint8 [B, 3, H, W], or floating point [B, C, H, W].
        real_pixels: of the same type and shape.
        data_range: from the least to the largest value; None: 255, of uint8 pixels.

    Returns:
        float64 [B], in [0, 1], one for each image; 0 where both are identical.

    Raises:
        ValueError: another type, shape or range, or unlike ones.
    """
    data_range = _checked_range(fake_pixels, real_pixels, data_range)
    return (fake_pixels.double() - real_pixels.double()).abs().mean(dim=(1, 2, 3)) / data_range


def ssim(fake_pixels: Tensor, real_pixels: Tensor, data_range: float | None = None) -> Tensor:
    """Structural similarity, mean over the windows and colour channels of an image.

    Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity", 2004, equation 13, with the paper's constants (11 x 11 Gaussian window
    of std 1.5, K1 = 0.01, K2 = 0.03). As in the authors' own code, only windows wholly inside
    the image count; theirs takes one channel, here the mean is over all.

    Args:
        fake_pixels: uint8 [B, 3, H, W], or floating point [B, C, H, W]; H and W at least 11.
        real_pixels: of the same type and shape.
        data_range: from the least to the largest value; None: 255, of uint8 pixels.

    Returns:
        float64 [B], in [-1, 1], one for each image; 1 where both are identical.

    Raises:
        ValueError: another type, shape or range, unlike ones, or images smaller than the window.
    """
    data_range = _checked_range(fake_pixels, real_pixels, data_range)
    if min(fake_pixels.shape[2:]) < WINDOW:
        raise ValueError(
            f"SSIM needs images of at least {WINDOW}x{WINDOW} pixels, but these are "
            f"{fake_pixels.shape[2]}x{fake_pixels.shape[3]}: leave it out of the metrics"
        )
    if not len(fake_pixels):
        return torch.empty(0, dtype=torch.float64)
    pairs = zip(fake_pixels, real_pixels, strict=True)
    return torch.stack([_ssim_map(*pair, data_range) for pair in pairs]).mean(dim=(1, 2, 3))


def _ssim_map(fake: Tensor, real: Tensor, data_range: float) -> Tensor:
    """The index of every window of one pair: [C, H, W] twice -> float64 [C, H - 10, W - 10]."""
    x, y = fake.double(), real.double()
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = _windowed(torch.stack((x, y, x * x, y * y, x * y)))
    variances = mean_xx - mean_x**2 + mean_yy - mean_y**2
    covariance = mean_xy - mean_x * mean_y
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    index: Tensor = luminance * (2 * covariance + c2) / (variances + c2)
    return index


def _windowed(maps: Tensor) -> Tensor:
    """Gaussian means over all windows inside maps [..., H, W], as two products with band matrices."""
    rows, columns = (_window_matrix(side).to(maps.device) for side in maps.shape[-2:])
    return rows @ maps @ columns.T


@cache
def _window_matrix(side: int) -> Tensor:
    """The Gaussian window at each of its places along a side: float64 [side - 10, side]."""
    offsets = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    window = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    matrix = torch.zeros(side - WINDOW + 1, side, dtype=torch.float64)
    for place in range(len(matrix)):
        matrix[place, place : place + WINDOW] = window / window.sum()
    return matrix


def _checked_range(fake_pixels: Tensor, real_pixels: Tensor, data_range: float | None) -> float:
    """The range of two batches of images; ValueError for what cannot be compared in it."""
    given = {"fake_pixels": fake_pixels, "real_pixels": real_pixels}
    floating = all(isinstance(images, Tensor) and images.is_floating_point() for images in given.values())
    for name, images in given.items():
        (_check_values if floating and data_range is not None else check_pixels)(images, name)
    if data_range is not None and not 0 < data_range < math.inf:
        raise ValueError(f"data_range is {data_range:g}: give the largest value less the least, above 0")
    if fake_pixels.shape != real_pixels.shape:
        raise ValueError(
            f"fake_pixels {list(fake_pixels.shape)} and real_pixels {list(real_pixels.shape)} "
            "differ in shape: pair every translation with its own target, at the same size"
        )
    return RANGE if data_range is None else data_range


def _check_values(values: Tensor, name: str) -> None:
    """ValueError for what are no values of images."""
    if values.ndim != 4 or 0 in values.shape[1:]:
        raise ValueError(f"{name} must be [B, C, H, W], not {list(values.shape)}")
