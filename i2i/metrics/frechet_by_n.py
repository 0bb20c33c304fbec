"""The Frechet distance of fewer images than there are, so that the bias of small samples shows.

The distance is too large by about c / n (Chong and Forsyth, "Effectively Unbiased FID and Inception Score and Where to
Find Them", 2020, https://arxiv.org/abs/1911.07023). A curve over n that still falls at its end says that
the value at the end is that of the number of images as much as that of the model.
"""

import numpy as np

from i2i.metrics._arrays import Features, checked, require_same_width, require_whole
from i2i.metrics.frechet import frechet_distance_between

PARTS = (8, 4, 2)
FEWEST = 2  # rows a side, of a Frechet distance


def distances_of_parts(x: Features, y: Features, *, paired: bool = False, seed: int = 0) -> list[tuple[int, float]]:
    """Squared Frechet distances at an eighth, a quarter and a half of the rows of both sides.

    Both sides are cut at random into so many parts, the value is the mean over the parts. So every row counts once at
    every number, but for what is left over in cutting.

    Args:
        x: float [n, d].
        y: float [m, d].
        paired: whether rows of equal number belong together and stay so; then n is m.
        seed: decides who is in which part.

    Returns:
        Rows of x in a part and the mean distance, ascending; nothing for parts of fewer than two rows a side.

    Raises:
        ValueError: not two-dimensional, unlike widths, not finite, or pairs of unlike number.
    """
    x, y = checked(x), checked(y)
    require_same_width(x.shape[1], y.shape[1])
    require_whole("seed", seed, 0)
    if paired and len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} rows are no pairs")
    random = np.random.default_rng(seed)
    order_x = random.permutation(len(x))
    order_y = order_x if paired else random.permutation(len(y))
    found = []
    for parts in PARTS:
        n, m = len(x) // parts, len(y) // parts
        if min(n, m) < FEWEST:
            continue
        values = [
            frechet_distance_between(x[order_x[part * n : (part + 1) * n]], y[order_y[part * m : (part + 1) * m]])
            for part in range(parts)
        ]
        found.append((n, float(np.mean(values))))
    return found
