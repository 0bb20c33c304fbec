"""Monge Inception Distance: how far two sets of features are apart along random lines.

Berthet et al. 2026 (MIND, https://arxiv.org/abs/2605.06797): the squared 2-Wasserstein distance of what two sets look
like on a line, which sorting gives, as mean over random directions u on the unit sphere, times 3 d,

    MIND = 3 d E_u W_2^2(u . x, u . y)

with d the width of the features. The factor is the one that the authors chose, after which values resemble FIDs. No
covariances are estimated, so that few images suffice.
"""

import numpy as np

from i2i.metrics._arrays import Array, Features, checked, require_same_width, require_whole

DIRECTIONS = 1000
SCALE = 3.0  # times the width of the features
BLOCK = 100  # directions that are in memory at a time
FEWEST = 2


def monge_distance(x: Features, y: Features, *, directions: int = DIRECTIONS, seed: int = 0) -> float:
    """MIND of features `x` [n, d] and `y` [m, d]; 0 for equal sets, never negative, too large at few images.

    Where n and m differ, the quantile functions of both are compared, which is the same distance: no image is left out.
    Costs O((n + m) d directions) time and O((n + m) (d + BLOCK)) memory.

    Args:
        x: float [n, d].
        y: float [m, d].
        directions: random lines.
        seed: decides them, whatever the sets.

    Raises:
        ValueError: not two-dimensional, unlike widths, not finite, or fewer than two rows.
    """
    x, y = checked(x), checked(y)
    require_same_width(x.shape[1], y.shape[1])
    require_whole("directions", directions, 1)
    if min(len(x), len(y)) < FEWEST:
        raise ValueError(f"MIND needs at least {FEWEST} images a side, but one has {min(len(x), len(y))}")
    shares, places_x, places_y = _steps(len(x), len(y))
    random, total = np.random.default_rng(seed), 0.0
    for start in range(0, directions, BLOCK):
        lines = random.standard_normal((x.shape[1], min(BLOCK, directions - start)))
        lines /= np.linalg.norm(lines, axis=0)
        along_x, along_y = np.sort(x @ lines, axis=0), np.sort(y @ lines, axis=0)
        total += float((shares @ np.square(along_x[places_x] - along_y[places_y])).sum())
    return float(SCALE * x.shape[1] * total / directions)


def _steps(n: int, m: int) -> tuple[Array, np.ndarray, np.ndarray]:
    """Where two quantile functions of n and m steps are level: the lengths of these parts and the steps in either."""
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # whole numbers, of n m parts
    starts = np.concatenate([[0], ends[:-1]])
    return (ends - starts) / (n * m), starts // m, starts // n
