"""Which models a table cannot tell from the best one: paired tests, corrected for their number.

Two sources of chance are kept apart. Other test images would have given other scores: `sign_flip` asks whether a
difference would survive them. Another seed would have trained another model: `welch` asks that, of one score per seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from i2i.metrics._arrays import Array, floats, require_whole
from i2i.metrics.bootstrap import checked_scores, require_level

LEVEL = 0.05  # of false findings
FLIPS = 10_000
BLOCK = 1_000  # flips that are in memory at a time

Test: TypeAlias = Callable[[Array, Array], float]
Better: TypeAlias = Literal["max", "min"]


@dataclass(frozen=True)
class PValue:
    """What a test says of one pair of models.

    Attributes:
        own: of this test alone.
        corrected: for the number of pairs, after Holm.
    """

    own: float
    corrected: float


def sign_flip(a: ArrayLike, b: ArrayLike, *, flips: int = FLIPS, seed: int = 0) -> float:
    """P-value of equal means of paired scores: how often random signs give as large a mean difference.

    Fisher's randomisation test, "The Design of Experiments", 1935, section 21. Were the models equal, each
    difference could as well have had the other sign. All sign patterns are gone through where they are no more than
    `flips`; else as many are drawn, and the observed one counts among them, so that the p-value is never 0.

    Args:
        a: [n], scores of one model, one per image. Several scores of one image (directions, seeds) belong together:
            give their mean.
        b: [n], scores of the other on the same images, in the same order.
        flips: the most sign patterns looked at.
        seed: decides which.

    Returns:
        The two-sided p-value, in (0, 1].

    Raises:
        ValueError: not one-dimensional, fewer than two scores, not finite, unlike lengths, or no flips.
    """
    a, b = checked_scores(a), checked_scores(b)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} scores: a paired test needs both models on the same images")
    require_whole("flips", flips, 1)
    require_whole("seed", seed, 0)
    difference = a - b
    # Flips that merely reorder a sum must count as equal to it.
    threshold = abs(difference.sum()) - 1e-12 * np.abs(difference).sum()
    if 2 ** len(difference) <= flips:
        return float(np.mean(np.abs(_all_signs(len(difference)) @ difference) >= threshold))
    random = np.random.default_rng(seed)
    reached = 1
    for start in range(0, flips - 1, BLOCK):
        size = min(BLOCK, flips - 1 - start), len(difference)
        signs = random.integers(0, 2, size, dtype=np.int8) * 2.0 - 1.0
        reached += int(np.sum(np.abs(signs @ difference) >= threshold))
    return reached / flips


def welch(a: ArrayLike, b: ArrayLike) -> float:
    """P-value of equal means over seeds: Welch's t-test, which takes unlike deviations and unlike numbers of seeds.

    It is unpaired: what a seed draws for one model says nothing about what it draws for another. With three seeds a
    side, only large differences are found.

    Args:
        a: [n], one score per seed of one model.
        b: [m], one score per seed of the other.

    Returns:
        The two-sided p-value, in [0, 1]; where neither model varies, 1 if they are equal and 0 if not.

    Raises:
        ValueError: not one-dimensional, fewer than two scores, or not finite.
    """
    a, b = checked_scores(a), checked_scores(b)
    if np.ptp(a) == np.ptp(b) == 0:
        return float(a[0] == b[0])
    # From moments: scipy warns of samples that do not vary, as those of a method that learns nothing.
    moments = (value for sample in (a, b) for value in (sample.mean(), sample.std(ddof=1), len(sample)))
    return float(stats.ttest_ind_from_stats(*moments, equal_var=False).pvalue)


def smallest_difference(seeds: int, pairs: int = 1) -> float:
    """A difference that `welch` misses more often than not, in standard deviations over seeds.

    Args:
        seeds: of either model, which vary alike.
        pairs: that are corrected together; the first of Holm's steps is taken, which asks most.

    Returns:
        Infinity for a single seed.

    Raises:
        ValueError: no whole numbers, no seed, or fewer than no pairs.
    """
    require_whole("seeds", seeds, 1)
    require_whole("pairs", pairs, 0)
    if seeds < 2:
        return float("inf")
    critical = stats.t.ppf(1 - LEVEL / (2 * max(1, pairs)), 2 * (seeds - 1))
    return float(critical * np.sqrt(2 / seeds))


def holm(p_values: Sequence[float]) -> Array:
    """P-values corrected for their number, so that the chance of any false finding stays below the level.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979. With m p-values in ascending order, the
    i-th (from 0) becomes the largest of (m - j) p_j over j <= i, and at most 1. No independence is asked.

    Args:
        p_values: m of them, each in [0, 1].

    Returns:
        float64 [m], in the order given.

    Raises:
        ValueError: no list of numbers, or one lies outside [0, 1].
    """
    given = floats(p_values, "p-values")
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"p-values are a list of numbers between 0 and 1, but these are {given.tolist()}")
    order = np.argsort(given, kind="stable")
    raised = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(raised, 1.0)
    return corrected


def pairwise(scores: Mapping[str, ArrayLike], *, test: Test = sign_flip) -> dict[tuple[str, str], PValue]:
    """Test every pair of models, and correct all p-values together.

    Args:
        scores: of each model, as the test takes them.
        test: `sign_flip` over images, `welch` over seeds, or another function of two samples that returns a p-value.

    Returns:
        By pair, in the order of the models; empty for a single model.

    Raises:
        ValueError: scores that the test refuses.
    """
    samples = _samples(scores)
    if not callable(test):
        raise ValueError(f"test is a function of two samples, such as sign_flip, not {test!r}")
    pairs = list(combinations(samples, 2))
    own = [test(samples[a], samples[b]) for a, b in pairs]
    return {pair: PValue(p, float(corrected)) for pair, p, corrected in zip(pairs, own, holm(own), strict=True)}


def indistinguishable(
    scores: Mapping[str, ArrayLike], better: Better, *, level: float = LEVEL, test: Test = sign_flip
) -> tuple[str, set[str]]:
    """The best model by its mean, and the others that the test does not tell from it.

    Every pair is tested and all of them are corrected together, not only those with the best: which model is the best
    is read from the same scores, and among equal models the best and the worst of many lie far apart.

    Args:
        scores: of each model, as the test takes them.
        better: `max` where a larger score is better, else `min`.
        level: the chance, at most, that any two equal models are told apart.
        test: `sign_flip` over images, `welch` over seeds, or another function of two samples that returns a p-value.

    Returns:
        The name of the best, the first of equals, and the names of the others that are not distinguishable from it.

    Raises:
        ValueError: no model, a level outside (0, 1), an unknown direction, or scores that the test refuses.
    """
    require_level(level)
    if not scores:
        raise ValueError("there are no models to compare")
    if better not in ("max", "min"):
        raise ValueError(f"better is 'max' or 'min', not {better!r}")
    samples = _samples(scores)
    sign = 1 if better == "max" else -1
    best = max(samples, key=lambda name: sign * samples[name].mean())
    distinguished = {frozenset(pair) for pair, p in pairwise(samples, test=test).items() if p.corrected <= level}
    return best, {name for name in samples if name != best and frozenset((best, name)) not in distinguished}


def _samples(scores: Mapping[str, ArrayLike]) -> dict[str, Array]:
    if not isinstance(scores, Mapping):
        raise ValueError(f"scores must be given by the names of models, not as {type(scores).__name__}")
    return {name: checked_scores(values) for name, values in scores.items()}


def _all_signs(n: int) -> Array:
    """All patterns of n signs: [2^n, n] of -1 and 1."""
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    signs: Array = bits * 2.0 - 1.0
    return signs
