"""How much of its input a translation keeps: what is left to measure where no right answer exists.

A copy of the input is the best by these measures, and by no other. They are to be read beside a distance to the target
domain: a translator should keep the content at an equal distance, not buy one with the other.
"""

import numpy as np

from i2i.metrics._arrays import Features, checked


def cosine_distances(left: Features, right: Features) -> np.ndarray:
    """One minus the cosine of the angle between feature vectors, pair by pair.

    Args:
        left: [N, d].
        right: [N, d].

    Returns:
        float64 [N], in [0, 2]; 0 where the vectors point the same way, 1 where one of them is zero.

    Raises:
        ValueError: not two-dimensional, unlike shapes, or not finite.
    """
    x, y = checked(left), checked(right)
    if x.shape != y.shape:
        raise ValueError(f"features {list(x.shape)} and {list(y.shape)} do not pair up")
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    cosines = np.divide((x * y).sum(axis=1), lengths, out=np.zeros(len(x)), where=lengths > 0)
    distances: np.ndarray = 1 - np.clip(cosines, -1, 1)
    return distances
