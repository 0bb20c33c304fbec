"""What metrics are called in tables, which way is better, and how many decimals say something.

A Frechet distance, and the kernel and the content distance in the same features, are named after the extractor, LPIPS
after its network.
"""

import math

CONTENT = "content-"
"""What the metrics begin with that compare a translation with its input."""

KERNEL = "KID-"
"""What the kernel distances begin with in features that are not Inception's."""

TITLES = {
    "accuracy": "accuracy",
    "fid": "FID",
    "kid": "KID",
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "l1": "L1",
    "content-ssim": "SSIM to the input",
    "cycle": "cycle L1",
    "gan-train": "GAN-train",
}
LPIPS = "lpips-"
RISING = {"accuracy", "psnr", "ssim", "content-ssim", "gan-train"}
DIGITS = 5
"""Significant digits of a value, at most: no score of a bench is known better."""
DECIMALS = {"accuracy": 3, "ssim": 3, "l1": 4, "cycle": 4, "gan-train": 3, "kid": 4}


def is_better_high(metric: str) -> bool:
    """Whether higher values are better; lower ones are of distances."""
    return metric in RISING


def is_frechet(metric: str) -> bool:
    """Whether it is a Frechet distance, in whatever features."""
    return metric == "fid" or metric.startswith("FD-")


def is_kernel(metric: str) -> bool:
    """Whether it is a kernel distance, in whatever features."""
    return metric == "kid" or metric.startswith(KERNEL)


def title(metric: str) -> str:
    """A metric's heading; its arrow points to the better values."""
    bare = metric.removeprefix(CONTENT)
    if bare.startswith(LPIPS):
        own = f"LPIPS ({bare.removeprefix(LPIPS)})" + (" to the input" if bare != metric else "")
    else:
        own = f"distance to the input, {bare}" if bare != metric else metric
    return f"{TITLES.get(metric, own)} {'↑' if is_better_high(metric) else '↓'}"


def decimals(metric: str) -> int:
    """With how many decimals a metric is printed."""
    by_kind = 3 if metric.startswith((CONTENT, LPIPS)) else 4 if metric.startswith(KERNEL) else 2
    return DECIMALS.get(metric, by_kind)


def places(precision: int, *values: float) -> int:
    """The decimals of values that are printed together: `precision`, fewer where they would have over `DIGITS` digits.

    Below 0 digits before the point are rounded too.
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return min(precision, DIGITS - 1 - math.floor(math.log10(largest))) if largest else precision


def fixed(value: float, decimals: int) -> str:
    """A value with so many decimals, 0 without a sign; with fewer than 0 as a multiple of a power of ten.

    >>> fixed(26.1234, 2), fixed(4276688.03, -2), fixed(-0.004, 2)
    ('26.12', '4.2767e6', '0.00')
    """
    if decimals >= 0 or not math.isfinite(value):
        return f"{value:z.{max(0, decimals)}f}"
    power = DIGITS - 1 - decimals
    return f"{value / 10**power:z.{power + decimals}f}e{power}"


def number(metric: str, value: float) -> str:
    """A value with as many decimals as its metric is printed with, and no more than `DIGITS` significant digits."""
    return fixed(value, places(decimals(metric), value))


def content_name(extractor: str) -> str:
    """The name of the content distance in the features of the extractor of that name."""
    return CONTENT + ("inception" if extractor == "fid" else extractor.removeprefix("FD-"))


def kernel_name(extractor: str) -> str:
    """The name of the kernel distance in the features of the extractor of that name."""
    return "kid" if extractor == "fid" else KERNEL + extractor.removeprefix("FD-")
