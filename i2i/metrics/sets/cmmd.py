"""CMMD: the maximum mean discrepancy of CLIP's image embeddings under a Gaussian kernel.

Jayasumana et al. 2024 (Rethinking FID, https://arxiv.org/abs/2401.09603, section 4): embeddings of unit length, the
kernel exp(-|x - y|^2 / (2 sigma^2)) with sigma = 10, the estimate that counts an image's kernel with itself, times
1000.

    CMMD = 1000 (mean k(x, x') + mean k(y, y') - 2 mean k(x, y))

That estimate is what the authors' code publishes, not the unbiased one of their equation: it is 0 for equal sets, never
negative, and too large at few images.
"""

import numpy as np

from i2i.metrics._arrays import Array, Features, checked, require_same_width

SIGMA = 10.0
SCALE = 1000.0
BLOCK = 1024  # rows of the kernel matrix that are in memory at a time
FEWEST = 2


def cmmd(x: Features, y: Features) -> float:
    """CMMD of embeddings `x` [n, d] and `y` [m, d], which are brought to unit length first.

    Costs O((n + m)^2 d) time and O((n + m) (d + BLOCK)) memory.

    Raises:
        ValueError: not two-dimensional, unlike widths, not finite, fewer than two rows, or an embedding of zeros.
    """
    x, y = _unit(x), _unit(y)
    require_same_width(x.shape[1], y.shape[1])
    return SCALE * (_mean_kernel(x, x) + _mean_kernel(y, y) - 2 * _mean_kernel(x, y))


def _unit(features: Features) -> Array:
    rows = checked(features)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if len(rows) < FEWEST:
        raise ValueError(f"CMMD needs at least {FEWEST} images a side, but one has {len(rows)}")
    if not lengths.all():
        raise ValueError("an embedding of zeros has no direction: the extractor failed on that image")
    unit: Array = rows / lengths
    return unit


def _mean_kernel(x: Array, y: Array) -> float:
    """Mean of the kernel over all pairs of rows of unit length, whose squared distance is 2 - 2 x . y."""
    blocks = (x[start : start + BLOCK] for start in range(0, len(x), BLOCK))
    return sum(float(np.exp((rows @ y.T - 1) / SIGMA**2).sum()) for rows in blocks) / (len(x) * len(y))
