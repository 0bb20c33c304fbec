"""PSNR and SSIM equal their closed forms, image by image."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from i2i.metrics.paired import l1, psnr, ssim

Metric = Callable[[Tensor, Tensor], Tensor]


def noise(count: int, *, seed: int, size: int = 24, low: int = 0, high: int = 256) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (count, 3, size, size + 6)
    return torch.randint(low, high, shape, generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("offset", [1, 5, 100])
def test_psnr_of_a_constant_offset_is_exact(offset: int) -> None:
    real = noise(2, seed=0, high=256 - offset)
    expected = 20 * math.log10(255 / offset)
    assert psnr(real + offset, real).tolist() == pytest.approx([expected] * 2, rel=1e-14)
    assert psnr(real, real + offset).tolist() == pytest.approx([expected] * 2, rel=1e-14)


def test_black_against_white_is_zero_decibels() -> None:
    black = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    assert psnr(black, torch.full_like(black, 255)).item() == 0.0


def test_identical_images_have_infinite_psnr_and_an_ssim_of_one() -> None:
    real = noise(3, seed=1)
    assert psnr(real, real).tolist() == [math.inf] * 3
    assert ssim(real, real).tolist() == pytest.approx([1.0] * 3, abs=1e-12)


def test_ssim_of_two_flat_images_is_the_luminance_term() -> None:
    """Without structure, equation 13 leaves (2 a b + C1) / (a^2 + b^2 + C1)."""
    dark = torch.full((1, 3, 16, 16), 50, dtype=torch.uint8)
    light = torch.full((1, 3, 16, 16), 200, dtype=torch.uint8)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 50 * 200 + c1) / (50**2 + 200**2 + c1)
    assert ssim(dark, light).item() == pytest.approx(expected, rel=1e-9)


def test_ssim_equals_the_paper_s_equation_inside_the_image() -> None:
    """The same equation on SciPy's Gaussian, whose truncation at 3.5 deviations makes 11 x 11."""
    fake, real = noise(2, seed=2), noise(2, seed=3)
    expected = [
        np.mean([_equation_13(x, y) for x, y in zip(a, b, strict=True)])
        for a, b in zip(fake.double().numpy(), real.double().numpy(), strict=True)
    ]
    assert ssim(fake, real).tolist() == pytest.approx(expected, rel=1e-9)


def _equation_13(x: np.ndarray, y: np.ndarray) -> float:
    def blur(z: np.ndarray) -> np.ndarray:
        blurred: np.ndarray = gaussian_filter(z, 1.5, truncate=3.5)
        return blurred

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = blur(x), blur(y)
    variances = blur(x * x) - mean_x**2 + blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    index = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    index /= (mean_x**2 + mean_y**2 + c1) * (variances + c2)
    return float(index[5:-5, 5:-5].mean())


@pytest.mark.parametrize("metric", [psnr, ssim, l1])
def test_every_image_is_scored_alone(metric: Metric) -> None:
    fake, real = noise(5, seed=4), noise(5, seed=5)
    fake[2] = real[2] // 2  # one much better image must not lift the others
    together = metric(fake, real)
    alone = torch.cat([metric(fake[i : i + 1], real[i : i + 1]) for i in range(5)])
    assert together.shape == (5,)
    assert together.dtype == torch.float64
    assert together.tolist() == pytest.approx(alone.tolist(), rel=1e-12)
    backwards = metric(fake.flip(0), real.flip(0)).flip(0)
    assert backwards.tolist() == pytest.approx(alone.tolist(), rel=1e-12)


@pytest.mark.parametrize("metric", [psnr, ssim, l1])
def test_symmetric_and_worse_with_more_noise(metric: Metric) -> None:
    real = noise(1, seed=6, low=60, high=200)
    scores = []
    for strength in (2, 20, 60):
        fake = real + noise(1, seed=7, high=strength)
        assert metric(fake, real).item() == pytest.approx(metric(real, fake).item(), rel=1e-12)
        scores.append(metric(fake, real).item())
    assert scores == sorted(scores, reverse=metric is not l1)


@pytest.mark.parametrize("metric", [psnr, ssim, l1])
def test_inputs_are_left_alone(metric: Metric) -> None:
    fake, real = noise(2, seed=8), noise(2, seed=9)
    copies = fake.clone(), real.clone()
    metric(fake, real)
    assert torch.equal(fake, copies[0])
    assert torch.equal(real, copies[1])


@pytest.mark.parametrize("metric", [psnr, ssim, l1])
def test_wrong_inputs_are_refused(metric: Metric) -> None:
    real = noise(2, seed=10)
    with pytest.raises(ValueError, match=r"fake_pixels must be uint8 .* not torch.float32"):
        metric(real.float(), real)
    with pytest.raises(ValueError, match=r"real_pixels must be uint8 \[B, 3, H, W\]"):
        metric(real, real[0])
    with pytest.raises(ValueError, match="real_pixels must be uint8"):
        metric(real, real[:, :1])
    with pytest.raises(ValueError, match="differ in shape"):
        metric(real, real[:1])
    with pytest.raises(ValueError, match="differ in shape"):
        metric(real, real[..., :-1])


def test_ssim_refuses_images_smaller_than_its_window() -> None:
    small = torch.zeros(1, 3, 10, 32, dtype=torch.uint8)
    with pytest.raises(ValueError, match="at least 11x11 pixels, but these are 10x32"):
        ssim(small, small)


def test_ssim_is_that_of_torchmetrics_inside_the_image() -> None:
    from torchmetrics.functional.image import structural_similarity_index_measure

    generator = torch.Generator().manual_seed(7)
    real = torch.randint(0, 256, (2, 3, 24, 40), generator=generator, dtype=torch.uint8)
    fake = (real.double() * 0.7 + 20 * torch.rand(real.shape, generator=generator)).to(torch.uint8)
    _, full = structural_similarity_index_measure(
        fake.double(), real.double(), sigma=1.5, data_range=255.0, reduction="none", return_full_image=True
    )
    assert torch.allclose(ssim(fake, real), full[..., 5:-5, 5:-5].mean(dim=(1, 2, 3)), rtol=1e-12)


def test_l1_is_the_mean_difference_as_a_share_of_the_range() -> None:
    fake = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    real = fake.clone()
    real[0, :, :2] = 255  # half of the first image
    real[1] = 51
    assert l1(fake, real).tolist() == pytest.approx([0.5, 0.2])
