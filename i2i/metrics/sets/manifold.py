"""Precision, recall, density and coverage: how much of one set of images lies among the other, by their features.

A set is taken for the union of balls around its features, each as wide as the distance to the k-th nearest neighbour in
that set. Kynkäänniemi et al. 2019 (Improved Precision and Recall, https://arxiv.org/abs/1904.06991, equations 1 and 2),
Naeem et al. 2020 (Reliable Fidelity and Diversity Metrics, https://arxiv.org/abs/2002.09797, equations 4 to 6).

Conventions. k is 5 for all four, the choice of Naeem et al. for density and coverage; Kynkäänniemi et al. have 3. Balls
are closed, as in equation 1 of Kynkäänniemi et al.: an image that equals a real one lies in its ball even if that has
copies in its set and so no radius. The code of Naeem et al. has open balls, which differ from these in ties alone.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from i2i.metrics._arrays import Array, Features, checked, require_same_width, require_whole

NEIGHBORS = 5
BLOCK = 1024  # rows of the distances that are in memory at a time
ROUNDING = 1e-12  # of squared distances, as a share of the squared lengths that they are differences of


@dataclass(frozen=True)
class Overlap:
    """How two sets of images lie to each other; higher is better in all four.

    Attributes:
        precision: share of fakes in a ball of the reals, in [0, 1].
        recall: share of reals in a ball of the fakes, in [0, 1].
        density: number of balls of the reals in which a fake lies on average, over k; may exceed 1, and is 1 on average
            for equal distributions.
        coverage: share of reals in whose ball there is a fake, in [0, 1]; `expected_coverage` is what equal
            distributions reach.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def overlap(real: Features, fake: Features, neighbors: int = NEIGHBORS) -> Overlap:
    """Precision, recall, density and coverage of `fake` [M, d] against `real` [N, d].

    Costs O((N + M)^2 d) time and O((N + M) (d + BLOCK)) memory.

    Args:
        real: float [N, d].
        fake: float [M, d].
        neighbours: the k of the radii.

    Raises:
        ValueError: not two-dimensional, unlike widths, not finite, fewer than one neighbour, or no more images of a set
            than neighbours.
    """
    reals, fakes = checked(real), checked(fake)
    require_same_width(reals.shape[1], fakes.shape[1])
    require_whole("neighbours", neighbors, 1)
    if min(len(reals), len(fakes)) <= neighbors:
        raise ValueError(
            f"{neighbors} nearest neighbours need at least {neighbors + 1} images a side, but one has "
            f"{min(len(reals), len(fakes))}"
        )
    center = reals.mean(axis=0)  # short vectors lose little to rounding
    reals, fakes = reals - center, fakes - center
    radii_real, radii_fake = _radii(reals, neighbors), _radii(fakes, neighbors)
    recalled, covered, balls = np.zeros(len(reals), bool), np.zeros(len(reals), bool), np.zeros(len(fakes), np.int64)
    for start in range(0, len(reals), BLOCK):
        rows = slice(start, start + BLOCK)
        distances, slack = _squared_distances(reals[rows], fakes)
        inside = distances <= radii_real[rows, None] + slack
        balls += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (distances <= radii_fake + slack).any(axis=1)
    return Overlap(
        precision=float((balls > 0).mean()),
        recall=float(recalled.mean()),
        density=float(balls.mean() / neighbors),
        coverage=float(covered.mean()),
    )


def expected_coverage(real: int, fake: int, neighbors: int = NEIGHBORS) -> float:
    """The coverage on average of `fake` images of the same distribution as `real` ones.

    Naeem et al. 2020, equation 9, for continuous distributions: among the neighbours of a real image the first
    `neighbours` are real with this chance's complement.
    """
    return 1 - prod((real - 1 - place) / (real + fake - 1 - place) for place in range(neighbors))


def _radii(features: Array, neighbors: int) -> Array:
    """Squared distances [n] to the neighbour of that order within the set, itself left out."""
    radii = np.empty(len(features))
    for start in range(0, len(features), BLOCK):
        distances, _ = _squared_distances(features[start : start + BLOCK], features)
        rows = np.arange(len(distances))
        distances[rows, start + rows] = -1.0  # itself comes first
        radii[start : start + BLOCK] = np.partition(distances, neighbors, axis=1)[:, neighbors]
    return radii


def _squared_distances(left: Array, right: Array) -> tuple[Array, Array]:
    """Squared distances [n, m] of two sets, and by how much rounding may have moved them."""
    lengths = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)
    distances: Array = np.maximum(lengths - 2 * (left @ right.T), 0.0)
    return distances, ROUNDING * lengths
