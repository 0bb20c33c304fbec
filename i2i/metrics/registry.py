"""Every metric that a score file can name: an entry of `METRICS` holds all that tables and figures know of it.

A name in braces stands for all metrics of that form: a distance is named after the extractor of its features, LPIPS
after its network.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from torch import Tensor

from i2i.metrics.digits import fixed, places
from i2i.metrics.paired import WINDOW, l1, psnr, ssim

Kind = Literal[
    "classifier",
    "frechet",
    "kernel",
    "set",
    "paired",
    "segmentation",
    "content",
    "cycle",
    "diversity",
    "unlisted",
]
"""What a metric looks at: the answers of a classifier; two sets of images by their features, by a distance or by how
they overlap; a translation and its ground truth; the classes of a label map; a translation and its input; an input and
its translation there and back; translations of one input among each other; or not known."""


@dataclass(frozen=True)
class Metric:
    """What is known of a metric beside its values.

    Attributes:
        name: in score files, results.csv and settings.
        label: in tables and figures.
        unit: what its values are in: a unit, or the features of a distance that the label does not name.
        higher_is_better: else lower is.
        decimals: with which values are printed, if they are not larger than `digits.DIGITS` allows.
        kind: what it looks at.
        meaning: a sentence for readers of the table, where the label does not say it.
        bounds: the worst and the best value, where both are known ahead; colors of heat maps then run between them.
        compare: of metrics image by image: [N, C, H, W] of translations and of what they are compared with, and the
            width of their range, to values [N]; uint8 and 255, or beyond 8 bits floating point from 0 on.
        smallest: side of the smallest images that `compare` takes, in pixels.
    """

    name: str
    label: str
    unit: str = ""
    higher_is_better: bool = False
    decimals: int = 2
    kind: Kind = "unlisted"
    meaning: str = ""
    bounds: tuple[float, float] | None = None
    compare: Callable[[Tensor, Tensor, float], Tensor] | None = None
    smallest: int = 1

    @property
    def title(self) -> str:
        """Label and unit, as `PSNR, dB`."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    @property
    def arrow(self) -> str:
        """Points to the better values."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def heading(self) -> str:
        """What stands above its column, as `PSNR, dB ↑`."""
        return f"{self.title} {self.arrow}"

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Which values are better, in a word."""
        return "higher" if self.higher_is_better else "lower"

    def is_better(self, value: float, than: float) -> bool:
        """Whether a value is better than another; NaN is neither better nor worse."""
        return value > than if self.higher_is_better else value < than

    def text(self, value: float) -> str:
        """A value as it is printed by itself."""
        return fixed(value, places(self.decimals, value))


FID = "fid"
"""The distance in the published Inception features, and the name of their extractor."""
OF_CLASSIFIER = "FD-domain-classifier"
"""The distance in the features of a bench's own classifier, and the name of their extractor."""
SHARE = (0.0, 1.0)
OF_PAIRS = (
    "`diversity` is the mean distance of all pairs of translations of an image{}; the more the less alike they are."
)
OVERLAPS = (
    ("precision", "`precision` is the share of translations that lie among the real images, by their features.", SHARE),
    ("recall", "`recall` is the share of real images that lie among the translations, by their features.", SHARE),
    ("density", "`density` counts the real images around a translation; 1 on average for equal sets.", None),
    ("coverage", "`coverage` is the share of real images that have a translation near them.", SHARE),
)
MIND_IS = "`MIND` is the squared Wasserstein distance of features along random lines; 0 for equal images."
SEGMENTATION = {"pixel-accuracy": "pixel accuracy", "class-accuracy": "class accuracy", "mean-iou": "mean IoU"}
"""Labels of the scores of label maps by their names, which `i2i/metrics/segmentation/scores.py` defines."""
OF_LABEL_MAPS = (
    (
        "{}",
        "",
        "Pixel accuracy, class accuracy and mean IoU compare the nearest colors of the palette, of translations to the "
        "label map, with the truth's.",
    ),
    (
        "segmented-{}",
        "segmented",
        "Segmented are those of a segmenter's answer to translations from the label map; the row `real` has the "
        "ceiling.",
    ),
)
METRICS = (
    Metric("accuracy", "accuracy", "", True, 3, "classifier", bounds=SHARE),
    Metric(FID, "FID", "", False, 2, "frechet"),
    Metric("FD-{extractor}", "FD-{extractor}", "", False, 2, "frechet"),
    Metric("kid", "KID", "", False, 4, "kernel"),
    Metric("KID-{extractor}", "KID-{extractor}", "", False, 4, "kernel"),
    *(
        Metric(f"{name}{of}", name, of.removeprefix("-"), True, 3, "set", meaning, bounds)
        for name, meaning, bounds in OVERLAPS
        for of in ("", "-{extractor}")
    ),
    Metric("mind", "MIND", "", False, 2, "set", MIND_IS),
    Metric("MIND-{extractor}", "MIND-{extractor}", "", False, 2, "set", MIND_IS),
    Metric(
        "cmmd", "CMMD", "", False, 3, "set", "`CMMD` is the kernel distance of CLIP's embeddings; 0 for equal images."
    ),
    Metric("fwd", "FWD", "", False, 3, "set", "`FWD` is the Frechet distance of wavelet packets, without a network."),
    Metric("psnr", "PSNR", "dB", True, 2, "paired", compare=psnr),
    Metric("ssim", "SSIM", "", True, 3, "paired", bounds=SHARE, compare=ssim, smallest=WINDOW),
    Metric(
        "l1",
        "L1",
        "",
        False,
        4,
        "paired",
        "`L1` is the mean absolute difference from the ground truth, of channel values in [0, 1].",
        compare=l1,
    ),
    Metric("lpips-{network}", "LPIPS ({network})", "", False, 3, "paired"),
    Metric(
        "perceptual-{extractor}",
        "distance to the truth",
        "{extractor}",
        False,
        3,
        "paired",
        "`distance to the truth` is 1 - cosine of the features of a translation and its ground truth, where LPIPS is "
        "not measured.",
    ),
    *(
        Metric(form.format(name), label, of, True, 3, "segmentation", meaning, SHARE)
        for form, of, meaning in OF_LABEL_MAPS
        for name, label in SEGMENTATION.items()
    ),
    Metric("content-ssim", "SSIM to the input", "", True, 3, "content", bounds=SHARE, compare=ssim, smallest=WINDOW),
    Metric("content-lpips-{network}", "LPIPS ({network}) to the input", "", False, 3, "content"),
    Metric("content-{extractor}", "distance to the input", "{extractor}", False, 3, "content"),
    Metric(
        "cycle",
        "cycle L1",
        "",
        False,
        4,
        "cycle",
        "`cycle L1` is that between an input and its translation there and back.",
    ),
    Metric(
        "diversity-lpips-{network}",
        "diversity, LPIPS ({network})",
        "",
        True,
        3,
        "diversity",
        OF_PAIRS.format(", by LPIPS"),
    ),
    Metric(
        "diversity-{extractor}",
        "diversity",
        "{extractor}",
        True,
        4,
        "diversity",
        OF_PAIRS.format(", 1 - cosine of their features"),
    ),
    Metric(
        "gan-train",
        "GAN-train",
        "",
        True,
        3,
        "classifier",
        "`GAN-train` is the accuracy on real test images of a classifier that learnt from translations.",
        SHARE,
    ),
)


@cache
def metric_named(name: str) -> Metric:
    """The metric of that name; of one that is not listed, as of another version, its name and nothing better known."""
    fitting = (found for listed in METRICS if (found := _filled(listed, name)))
    return next(fitting, Metric(name, name))


def _filled(listed: Metric, name: str) -> Metric | None:
    """An entry as the metric of a name, if it is the name's: in place of the braces stands what the name has there."""
    start = listed.name.partition("{")[0]
    if start == listed.name:
        return listed if name == start else None
    if not name.startswith(start):
        return None
    form, own = listed.name.removeprefix(start), name.removeprefix(start)
    return replace(listed, name=name, label=listed.label.replace(form, own), unit=listed.unit.replace(form, own))


def kind_of(name: str) -> Kind:
    """What the metric of that name looks at."""
    return metric_named(name).kind


def is_distance(name: str) -> bool:
    """Whether the metric of that name is a distance of two sets, and so ranks methods as others of them should."""
    metric = metric_named(name)
    return metric.kind in ("frechet", "set") and not metric.higher_is_better


def metrics_of(kind: Kind) -> list[Metric]:
    """The entries of a kind, in the order of the table."""
    return [metric for metric in METRICS if metric.kind == kind]


def content_name(extractor: str) -> str:
    """The name of the content distance in the features of the extractor of that name."""
    return "content-" + _features_of(extractor)


def perceptual_name(extractor: str) -> str:
    """The name of the distance to the ground truth in the features of the extractor of that name."""
    return "perceptual-" + _features_of(extractor)


def diversity_name(extractor: str) -> str:
    """The name of the diversity in the features of the extractor of that name."""
    return "diversity-" + _features_of(extractor)


def _features_of(extractor: str) -> str:
    return "inception" if extractor == FID else extractor.removeprefix("FD-")


def set_name(name: str, extractor: str) -> str:
    """The name of precision, recall, density or coverage in the features of the extractor of that name."""
    return name if extractor == FID else f"{name}-{extractor.removeprefix('FD-')}"


def segmented_name(name: str) -> str:
    """The name of a score of label maps where a segmenter looks at photos."""
    return f"segmented-{name}"


def sliced_name(extractor: str) -> str:
    """The name of the distance along lines in the features of the extractor of that name."""
    return "mind" if extractor == FID else "MIND-" + extractor.removeprefix("FD-")


def kernel_name(extractor: str) -> str:
    """The name of the kernel distance in the features of the extractor of that name."""
    return "kid" if extractor == FID else "KID-" + extractor.removeprefix("FD-")
