"""Intervals for the Frechet distance, over images.

The distance of two samples is too large on average: each sample strays from its distribution, and straying adds to
a distance. A resample strays from the sample in turn, so resamples lie higher still, and the interval between their
quantiles misses the true distance nearly always. So two questions are kept apart, and answered by an interval each:

- What would other images, equally many, give? The distance as reported estimates that without bias.
- What would infinitely many give? The jackknife (Quenouille 1956) takes the bias out: it shrinks as 1/n, so
  leaving out a part of 1/g of either side shows how large it is.

Both intervals are normal, with the standard deviation of the resamples. docs/statistics.md compares the coverage of
this and of the other ways.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from i2i.metrics._arrays import Array, Features, checked, require_same_width, require_whole
from i2i.metrics.bootstrap import LEVEL, RESAMPLES, Interval, require_level
from i2i.metrics.frechet import frechet_distance_between

Indices: TypeAlias = NDArray[np.integer]
Reals: TypeAlias = Literal["drawn", "paired", "fixed"]

GROUPS = 20  # of the jackknife
FEW = 8  # images a side, of which the same resamples come again and again
ENOUGH = 2  # images a side for each dimension, below which the bias is no longer proportional to 1/n


class ResampledFrechet:
    """Squared Frechet distance between rows of `x` [n, d] and rows of `y` [m, d], for any choice of rows.

    All that the distance asks of the features is a product of two rows: the means are weighted sums of rows, and
    the hard trace is the nuclear norm of the centred x y^T (see `frechet_distance_low_rank`). So the Gram matrices
    x x^T, y y^T and x y^T are formed once; a resample costs the singular values of a matrix with a row or a column
    for each different image drawn, whatever d is. Where d is small beside n and m, the moments of the rows are
    cheaper and are taken instead.

    Raises:
        ValueError: not two-dimensional, unlike widths, or not finite.
    """

    def __init__(self, x: Features, y: Features) -> None:
        x, y = checked(x), checked(y)
        require_same_width(x.shape[1], y.shape[1])
        center = x.mean(axis=0)  # a large common mean would cost the products their digits
        self.x: Array = x - center
        self.y: Array = y - center
        self._by_moments = len(x) * len(y) * min(len(x), len(y)) > x.shape[1] ** 3
        if not self._by_moments:
            self._xx, self._yy, self._xy = self.x @ self.x.T, self.y @ self.y.T, self.x @ self.y.T
        self._sizes = len(x), len(y)
        self._known: dict[tuple[bytes, bytes], float] = {}

    def __call__(self, rows_x: Indices, rows_y: Indices) -> float:
        """The distance between x[rows_x] and y[rows_y]; a row given twice counts twice."""
        if self._by_moments:
            return frechet_distance_between(self.x[rows_x], self.y[rows_y])
        n, m = self._sizes
        counts_x, counts_y = np.bincount(rows_x, minlength=n), np.bincount(rows_y, minlength=m)
        if max(n, m) > FEW:
            return self._weighted(counts_x, counts_y)
        key = counts_x.tobytes(), counts_y.tobytes()
        if key not in self._known:
            self._known[key] = self._weighted(counts_x, counts_y)
        return self._known[key]

    def _weighted(self, counts_x: Indices, counts_y: Indices) -> float:
        """The distance where each row is there so many times."""
        i, a, unbias_x = _weights(counts_x)
        j, b, unbias_y = _weights(counts_y)
        xx, yy, xy = self._xx[np.ix_(i, i)], self._yy[np.ix_(j, j)], self._xy[np.ix_(i, j)]
        norm_x, norm_y, product = a @ xx @ a, b @ yy @ b, a @ xy @ b  # of the means
        centered = xy - a @ xy - (xy @ b)[:, None] + product
        trace_x, trace_y = unbias_x * (a @ np.diag(xx) - norm_x), unbias_y * (b @ np.diag(yy) - norm_y)
        singular = np.linalg.svd(np.sqrt(np.outer(a, b)) * centered, compute_uv=False)
        trace_root = np.sqrt(unbias_x * unbias_y) * singular.sum()
        return max(float(norm_x + norm_y - 2 * product + trace_x + trace_y - 2 * trace_root), 0.0)


@dataclass(frozen=True)
class FrechetIntervals:
    """Two intervals for one distance.

    Attributes:
        at_this_size: for the mean distance of as many other images; its estimate is the distance as reported.
        in_the_limit: for the distance of infinitely many, bias taken out; None where the images are too few for that,
            fewer than `ENOUGH` for each dimension on a side that is drawn.
    """

    at_this_size: Interval
    in_the_limit: Interval | None


def frechet_intervals(
    fake: Features,
    real: Features,
    *,
    reals: Reals = "drawn",
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> FrechetIntervals:
    """Intervals for the squared Frechet distance between features of fakes [n, d] and of reals [m, d].

    Measured at a nominal 0.95 on normal and on exponential features of 16 to 64 dimensions, at 2 to 12 images for each:
    `in_the_limit` covered the true distance in 0.90 to 1.00 of the simulations, `at_this_size` the mean distance in
    0.93 to 1.00 (docs/statistics.md). The intervals that cover too often are those of dimensions that vary alike.

    Args:
        fake: float [n, d].
        real: float [m, d].
        reals: what the real images are: `drawn` like the fakes, and apart from them; `paired`, the i-th fake and the
            i-th real are of one scene and are drawn together; `fixed`, a reference that stays, such as a published
            split, so that only the fakes vary.
        level: nominal coverage, between 0 and 1.
        resamples: of the images, at least 2.
        seed: decides the resamples and the groups of the jackknife.

    Raises:
        ValueError: not two-dimensional, unlike widths, fewer than three rows, not finite, a level outside (0, 1), pairs
            of unlike number, or another word for the reals.
    """
    require_level(level)
    require_whole("seed", seed, 0)
    if reals not in get_args(Reals):
        raise ValueError(f"reals is {' or '.join(map(repr, get_args(Reals)))}, not {reals!r}")
    distance_of = ResampledFrechet(fake, real)
    n, m = len(distance_of.x), len(distance_of.y)
    _require_enough(n, m, reals, resamples)
    random = np.random.default_rng(seed)
    distance = distance_of(np.arange(n), np.arange(m))
    drawn = [distance_of(*_resampled(n, m, reals, random)) for _ in range(resamples)]
    margin = float(stats.norm.ppf((1 + level) / 2) * np.std(drawn, ddof=1))
    at_this_size = _around(distance, margin, level)
    if min(n, m if reals != "fixed" else n) < ENOUGH * distance_of.x.shape[1]:
        return FrechetIntervals(at_this_size, None)
    parts = [distance_of(*kept) for kept in _all_but_one_group(n, m, reals, random)]
    bias = (len(parts) - 1) * (float(np.mean(parts)) - distance)
    return FrechetIntervals(at_this_size, _around(distance - bias, margin, level))


def _require_enough(n: int, m: int, reals: Reals, resamples: int) -> None:
    if min(n, m) < 3:
        raise ValueError(f"an interval for a Frechet distance needs at least 3 images a side, but one has {min(n, m)}")
    if reals == "paired" and n != m:
        raise ValueError(f"{n} fakes and {m} reals are no pairs")
    require_whole("resamples", resamples, 2)  # for a std


def _resampled(n: int, m: int, reals: Reals, random: np.random.Generator) -> tuple[Indices, Indices]:
    fakes = random.integers(0, n, n)
    match reals:
        case "drawn":
            return fakes, random.integers(0, m, m)
        case "paired":
            return fakes, fakes
        case "fixed":
            return fakes, np.arange(m)


def _all_but_one_group(n: int, m: int, reals: Reals, random: np.random.Generator) -> list[tuple[Indices, Indices]]:
    """The images of both sides without the g-th group of either, for each g; fixed reals stay whole."""
    groups = min(GROUPS, n, m)
    fakes = random.permutation(n)
    others = fakes if reals == "paired" else random.permutation(m)
    return [
        (np.delete(fakes, np.s_[g::groups]), others if reals == "fixed" else np.delete(others, np.s_[g::groups]))
        for g in range(groups)
    ]


def _weights(counts: Indices) -> tuple[Indices, Array, float]:
    """The different rows, the share of each, and what makes their scatter an unbiased covariance."""
    different, total = np.flatnonzero(counts), int(counts.sum())
    return different, counts[different] / total, total / (total - 1)


def _around(estimate: float, margin: float, level: float) -> Interval:
    """An interval cut off at 0, which no distance is below; an estimate free of bias can be."""
    return Interval(estimate, max(estimate - margin, 0.0), max(estimate + margin, 0.0), level)
