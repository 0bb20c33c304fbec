"""How much of its input a translation keeps: what is left to measure where no right answer exists.

A copy of the input is the best by these measures, and by no other. They are to be read beside a distance to the target
domain: a translator should keep the content at an equal distance, not buy one with the other.
"""

import numpy as np


def cosine_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """One minus the cosine of the angle between feature vectors, pair by pair.

    Args:
        left: [N, d].
        right: [N, d].

    Returns:
        float64 [N], in [0, 2]; 0 where the vectors point the same way, 1 where one of them is zero.

    Raises:
        ValueError: unlike shapes.
    """
    if left.shape != right.shape:
        raise ValueError(f"features {list(left.shape)} and {list(right.shape)} do not pair up")
    x, y = left.astype(np.float64), right.astype(np.float64)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    cosines = np.divide((x * y).sum(axis=1), lengths, out=np.zeros(len(x)), where=lengths > 0)
    distances: np.ndarray = 1 - np.clip(cosines, -1, 1)
    return distances
