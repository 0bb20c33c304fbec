"""What metrics are called in tables, which way is better, and how many decimals say something.

A Frechet distance and the content distance in the same features are named after the extractor, LPIPS after its network.
"""

CONTENT = "content-"
"""What the metrics begin with that compare a translation with its input."""

TITLES = {
    "accuracy": "accuracy",
    "fid": "FID",
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "l1": "L1",
    "content-ssim": "SSIM to the input",
}
LPIPS = "lpips-"
RISING = {"accuracy", "psnr", "ssim", "content-ssim"}
DECIMALS = {"accuracy": 3, "ssim": 3, "l1": 4}


def is_better_high(metric: str) -> bool:
    """Whether higher values are better; lower ones are of distances."""
    return metric in RISING


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
    return DECIMALS.get(metric, 3 if metric.startswith((CONTENT, LPIPS)) else 2)


def number(metric: str, value: float) -> str:
    """A value with as many decimals as its metric is printed with."""
    return f"{value:.{decimals(metric)}f}"


def content_name(extractor: str) -> str:
    """The name of the content distance in the features of the extractor of that name."""
    return CONTENT + ("inception" if extractor == "fid" else extractor.removeprefix("FD-"))
