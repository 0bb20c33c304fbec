"""Similarity of a translation to the one right answer, image by image: PSNR and SSIM.

Both say something only where aligned pairs exist. They are taken per image and never pooled over a
batch: the logarithm of a mean error is not the mean of logarithms, and a pooled PSNR would depend
on the batch size.
"""

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from i2i.metrics._inference import check_pixels

RANGE = 255.0  # of uint8 pixels
WINDOW = 11  # pixels, side of SSIM's window
SIGMA = 1.5  # pixels, deviation of the Gaussian in it


def psnr(fake_pixels: Tensor, real_pixels: Tensor) -> Tensor:
    """Peak signal-to-noise ratio, 10 log10(255^2 / mean squared error).

    Args:
        fake_pixels: uint8 [B, 3, H, W].
        real_pixels: uint8 [B, 3, H, W].

    Returns:
        float64 [B], decibels, one for each image; infinity where both are identical.

    Raises:
        ValueError: not uint8, not [B, 3, H, W], or unlike shapes.
    """
    _check(fake_pixels, real_pixels)
    error = (fake_pixels.double() - real_pixels.double()).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(RANGE**2 / error)


def ssim(fake_pixels: Tensor, real_pixels: Tensor) -> Tensor:
    """Structural similarity, mean over the windows and colour channels of an image.

    Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity", 2004, equation 13, with the paper's constants (11 x 11 Gaussian window
    of deviation 1.5, K1 = 0.01, K2 = 0.03). As in the authors' own code, only windows wholly inside
    the image count; theirs takes one channel, here the mean is over three.

    Args:
        fake_pixels: uint8 [B, 3, H, W], H and W at least 11.
        real_pixels: uint8 [B, 3, H, W].

    Returns:
        float64 [B], in [-1, 1], one for each image; 1 where both are identical.

    Raises:
        ValueError: not uint8, not [B, 3, H, W], unlike shapes, or smaller than the window.
    """
    _check(fake_pixels, real_pixels)
    if min(fake_pixels.shape[2:]) < WINDOW:
        raise ValueError(
            f"SSIM needs images of at least {WINDOW}x{WINDOW} pixels, but these are "
            f"{fake_pixels.shape[2]}x{fake_pixels.shape[3]}: leave it out of the metrics"
        )
    _, index = structural_similarity_index_measure(
        fake_pixels.double(),
        real_pixels.double(),
        sigma=SIGMA,  # torchmetrics makes the window 11 wide from this deviation
        data_range=RANGE,
        reduction="none",
        return_full_image=True,
    )
    # The map [B, 3, H, W] is as large as the image because torchmetrics mirrors it at the border.
    border = WINDOW // 2
    return index[..., border:-border, border:-border].mean(dim=(1, 2, 3))


def _check(fake_pixels: Tensor, real_pixels: Tensor) -> None:
    check_pixels(fake_pixels, "fake_pixels")
    check_pixels(real_pixels, "real_pixels")
    if fake_pixels.shape != real_pixels.shape:
        raise ValueError(
            f"fake_pixels {list(fake_pixels.shape)} and real_pixels {list(real_pixels.shape)} "
            "differ in shape: pair every translation with its own target, at the same size"
        )
