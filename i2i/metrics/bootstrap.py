"""Intervals for means over images: how far the score of a test set lies from that of all such images.

Each function covers the true mean about as often as it says; docs/statistics.md has the measurements by which it
was chosen over others. Images are taken as drawn independently. Frames of one film, or crops of one image, are
not, and intervals over them come out too short.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from i2i.metrics._arrays import Array, floats, require_whole

LEVEL = 0.95
RESAMPLES = 1000
FEW = 10  # scores, of which too many resamples would be one value again and again
AT_ONCE = 2**20  # scores of resamples


@dataclass(frozen=True)
class Interval:
    """A number and the interval that covers what it estimates.

    Attributes:
        estimate: the number.
        low: lower end.
        high: upper end.
        level: how often such intervals cover the truth, over many test sets.
    """

    estimate: float
    low: float
    high: float
    level: float


def mean_interval(scores: ArrayLike, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Interval for the mean of per-image scores such as PSNR, by the studentised bootstrap.

    The resamples tell how (mean - truth) / error is distributed, skewed scores included: Efron and Tibshirani, "An
    Introduction to the Bootstrap", 1993, section 12.5. Below ten scores it is Student's interval. For shares of images
    take `share_interval`.

    Args:
        scores: [n], one per image, finite, at least 2.
        level: nominal coverage, between 0 and 1.
        resamples: of the images.
        seed: decides the resamples.

    Returns:
        The interval. It has no length where all scores are equal.

    Raises:
        ValueError: not one-dimensional, fewer than two scores, not finite, a level outside (0, 1), or no resamples.
    """
    values = checked_scores(scores)
    require_level(level)
    require_whole("resamples", resamples, 1)
    require_whole("seed", seed, 0)
    mean, error = float(values.mean()), float(_errors(values))
    if len(values) < FEW:
        margin = float(stats.t.ppf((1 + level) / 2, len(values) - 1)) * error
        return Interval(mean, mean - margin, mean + margin, level)
    random = np.random.default_rng(seed)
    pairs = np.concatenate(
        [np.stack([some.mean(axis=1) - mean, _errors(some)], axis=1) for some in _resampled(values, resamples, random)]
    )
    usable = pairs[pairs[:, 1] > 0]  # a resample of one value says nothing of the error
    if len(usable) == 0:
        return Interval(mean, mean, mean, level)
    far, near = np.quantile(usable[:, 0] / usable[:, 1], [(1 + level) / 2, (1 - level) / 2])
    return Interval(mean, float(mean - far * error), float(mean - near * error), level)


def share_interval(hits: int, n: int, *, level: float = LEVEL) -> Interval:
    """Interval for the share of images of which something is true, such as accuracy.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927. Unlike a resampled one, it
    keeps its length where all images are right: 60 of 60 says at least 94 %, not 100 %.

    Args:
        hits: images of which it is true, 0 to n.
        n: images, at least 1.
        level: nominal coverage, between 0 and 1.

    Raises:
        ValueError: hits outside 0..n, no images, or a level outside (0, 1).
    """
    require_level(level)
    require_whole("hits", hits, 0)
    require_whole("n", n, 1)
    if hits > n:
        raise ValueError(f"{hits} of {n} images is no share")
    found = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    return Interval(hits / n, float(found.low), float(found.high), level)


def checked_scores(scores: ArrayLike) -> Array:
    """The scores as a float64 array [n].

    Raises:
        ValueError: no real numbers, not one-dimensional, fewer than two, or not finite.
    """
    values = floats(scores, "scores")
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"scores must have shape [n] with n of at least 2, but have {list(values.shape)}")
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise ValueError(
            f"{bad} of {len(values)} scores are NaN or infinite (PSNR is, where a translation equals its target): "
            "leave that metric or these images out"
        )
    return values


def require_level(level: float) -> None:
    """Raise a ValueError unless the level lies between 0 and 1."""
    if not isinstance(level, Real) or not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, but is {level!r}")


def _resampled(values: Array, count: int, random: np.random.Generator) -> Iterator[Array]:
    """So many resamples of scores [n], in blocks [k, n] that do not grow with n."""
    n = len(values)
    at_once = max(1, AT_ONCE // n)
    for start in range(0, count, at_once):
        yield values[random.integers(0, n, (min(at_once, count - start), n))]


def _errors(values: Array) -> Array:
    """Standard errors of the means of [..., n]."""
    errors: Array = values.std(ddof=1, axis=-1) / np.sqrt(values.shape[-1])
    return errors
