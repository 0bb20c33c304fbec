"""Comparing methods over several data sets by their ranks.

Scores of unlike data sets have unlike scales; ranks have not. Demšar, "Statistical Comparisons of Classifiers over
Multiple Data Sets", JMLR 7, 2006. docs/statistics.md has how often the tests err with few data sets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from i2i.metrics.significance import LEVEL

Array = NDArray[np.floating]
FEWEST_SETS = 5
FEWEST_METHODS = 3


@dataclass(frozen=True)
class RankTest:
    """Whether ranks differ by more than chance, and by how much two must differ.

    Attributes:
        chi_square: Friedman's statistic.
        f: Iman and Davenport's, which does not err on the safe side.
        p: of f; 1 where all are equal.
        critical_difference: of mean ranks, after Nemenyi, at `LEVEL`.
    """

    chi_square: float
    f: float
    p: float
    critical_difference: float


def ranks(scores: ArrayLike, higher_is_better: bool) -> Array:
    """Ranks [sets, methods] within each data set, 1 for the best; equal scores share the mean of theirs."""
    values = np.asarray(scores, dtype=float)
    found: Array = stats.rankdata(-values if higher_is_better else values, axis=1)
    return found


def rank_test(ranked: Array) -> RankTest:
    """Friedman's test, in Iman and Davenport's form, and Nemenyi's critical difference.

    Args:
        ranked: [sets, methods], as `ranks` gives them.

    Raises:
        ValueError: fewer data sets or methods than it takes.
    """
    sets, methods = ranked.shape
    if why := too_few(sets, methods):
        raise ValueError(why)
    low = methods - 1
    spread = ((ranked - (methods + 1) / 2) ** 2).sum()  # smaller where scores are equal
    chi = sets * low * (sets * (ranked.mean(0) - (methods + 1) / 2) ** 2).sum() / spread if spread else 0.0
    rest = sets * low - chi
    f = (sets - 1) * chi / rest if rest > 1e-9 else np.inf
    quantile = stats.studentized_range.ppf(1 - LEVEL, methods, np.inf) / np.sqrt(2)
    difference = quantile * np.sqrt(methods * (methods + 1) / (6 * sets))
    p = stats.f.sf(f, low, low * (sets - 1)) if np.isfinite(f) else 0.0
    return RankTest(float(chi), float(f), float(p), float(difference))


def too_few(sets: int, methods: int) -> str | None:
    """Why a number of data sets and methods is too small for a test of ranks; None if it is not."""
    if methods < FEWEST_METHODS:
        return f"a test of ranks takes {FEWEST_METHODS} methods that all data sets have, and here are {methods}"
    if sets < FEWEST_SETS:
        return f"a test of ranks takes {FEWEST_SETS} data sets, and here are {sets}"
    return None


def alike(mean_ranks: Sequence[float], critical_difference: float) -> list[tuple[int, int]]:
    """Groups of methods that are not told apart, as first and last place in the order of `mean_ranks`, ascending.

    Groups within others are left out, and those of one method.
    """
    found: list[tuple[int, int]] = []
    for first, low in enumerate(mean_ranks):
        last = max(place for place, rank in enumerate(mean_ranks) if rank - low < critical_difference)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


Seeds = Mapping[int, float]


def win_rates(scores: Sequence[Mapping[str, Seeds]], higher_is_better: bool) -> dict[str, float]:
    """How often each method is better than another of the same data set and seed; equal ones count half.

    Data sets count alike, and in each of them the other methods and the seeds that both have. A method with one seed
    beside others with several is compared by that one with all of theirs.

    Args:
        scores: for each data set, by method and seed.
    """
    sign = 1 if higher_is_better else -1
    found: dict[str, list[float]] = {}
    for own in scores:
        for name, mine in own.items():
            others = [_wins(mine, theirs, sign) for other, theirs in own.items() if other != name]
            if others:
                found.setdefault(name, []).append(float(np.mean(others)))
    return {name: float(np.mean(rates)) for name, rates in found.items()}


def _wins(mine: Seeds, theirs: Seeds, sign: int) -> float:
    """The share of seeds in which the first is better."""
    if len(mine) == 1 or len(theirs) == 1:
        pairs = [(one, other) for one in mine.values() for other in theirs.values()]
    else:
        pairs = [(mine[seed], theirs[seed]) for seed in mine if seed in theirs]
    return float(np.mean([0.5 + 0.5 * np.sign(sign * (one - other)) for one, other in pairs])) if pairs else 0.5
