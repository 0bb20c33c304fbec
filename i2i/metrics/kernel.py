"""The Kernel Inception Distance between two sets of features.

Binkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", 2018,
https://arxiv.org/abs/1801.01401, section 4: the squared maximum mean discrepancy under the kernel

    k(x, y) = (x . y / d + 1)^3

estimated without bias, so that two samples of one distribution give 0 on average, at any size, and
single estimates may be negative. The Frechet distance, in contrast, is biased upwards, the more
the fewer images there are.
"""

import math
from dataclasses import dataclass

import numpy as np

from i2i.metrics._arrays import Array, Features, checked, require_same_width, require_whole

SUBSETS = 100
SUBSET_SIZE = 1000
BLOCK = 1024  # rows of the kernel matrix that are in memory at a time


@dataclass(frozen=True)
class KernelDistance:
    """Estimates of one squared discrepancy; small multiples of 1e-3 are usual for Inception's features.

    Attributes:
        value: from all features, unbiased.
        mean: of the estimates from random subsets, also unbiased.
        std: sample standard deviation of these. It says how far a set of `subset_size` images scatters,
            not how uncertain `value` is, and is NaN where every subset is the whole.
        subsets: their number.
        subset_size: images of either side in each.
    """

    value: float
    mean: float
    std: float
    subsets: int
    subset_size: int


def kernel_distance(
    x: Features, y: Features, *, subsets: int = SUBSETS, subset_size: int = SUBSET_SIZE, seed: int = 0
) -> KernelDistance:
    """Kernel Inception Distance between features `x` [n, d] and `y` [m, d].

    The kernel matrices are gone through once, `BLOCK` rows at a time, for the whole and all subsets together.
    Costs O((n + m)^2 d) time and O((n + m) (d + subsets + BLOCK)) memory.

    Args:
        x: float [n, d].
        y: float [m, d].
        subsets: random subsets, each drawn without replacement; at least 2.
        subset_size: images of either side in a subset; fewer where a side has fewer.
        seed: decides the subsets. `value` depends neither on it nor on the order of the features.

    Raises:
        ValueError: not two-dimensional, unlike widths, fewer than two rows, not finite, fewer than two subsets, or
            subsets of fewer than two images.
    """
    x, y = checked(x), checked(y)
    require_same_width(x.shape[1], y.shape[1])
    if min(len(x), len(y)) < 2:
        raise ValueError(f"a kernel distance needs at least 2 images a side, but one has {min(len(x), len(y))}")
    require_whole("subsets", subsets, 2)  # for a std
    require_whole("subset_size", subset_size, 2)
    require_whole("seed", seed, 0)
    size = min(subset_size, len(x), len(y))
    random = np.random.default_rng(seed)
    members_x, members_y = (_members(len(rows), size, subsets, random) for rows in (x, y))
    whole, *parts = (_within(x, members_x) + _within(y, members_y) - 2 * _between(x, y, members_x, members_y)).tolist()
    differ = size < max(len(x), len(y))
    std = float(np.std(parts, ddof=1)) if differ else math.nan
    return KernelDistance(whole, float(np.mean(parts)), std, subsets, size)


def _members(n: int, size: int, subsets: int, random: np.random.Generator) -> Array:
    """Who is in which set: zeros and ones [n, 1 + subsets], everybody in the first."""
    members = np.zeros((n, 1 + subsets))
    members[:, 0] = 1.0
    for column in range(1, 1 + subsets):
        members[random.choice(n, size, replace=False), column] = 1.0
    return members


def _within(x: Array, members: Array) -> Array:
    """Mean kernel between different members of each set: [1 + subsets]."""
    size = members.sum(axis=0)
    itself = _kernel(np.square(x).sum(axis=1), x.shape[1]) @ members
    mean: Array = (_quadratic(x, x, members, members) - itself) / (size * (size - 1))
    return mean


def _between(x: Array, y: Array, members_x: Array, members_y: Array) -> Array:
    """Mean kernel between the members of each set on both sides: [1 + subsets]."""
    mean: Array = _quadratic(x, y, members_x, members_y) / (members_x.sum(axis=0) * members_y.sum(axis=0))
    return mean


def _quadratic(x: Array, y: Array, members_x: Array, members_y: Array) -> Array:
    """Sum of the kernel over all pairs of each set: [1 + subsets]."""
    total = np.zeros(members_x.shape[1])
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        total += np.sum(members_x[rows] * (_kernel(x[rows] @ y.T, x.shape[1]) @ members_y), axis=0)
    return total


def _kernel(products: Array, dimensions: int) -> Array:
    base = products / dimensions + 1.0
    cubed: Array = base * base * base
    return cubed
