"""Angles between features: how much of its input a translation keeps, and how unlike several translations of one are.

The first is what is left to measure where no right answer exists. A copy of the input is the best by it and by no other
measure; noise is the most diverse of all. Both are to be read beside a distance to the target domain: a translator
should keep the content at an equal distance, not buy one with the other.

Choi, Uh, Yoo and Ha, "StarGAN v2: Diverse Image Synthesis for Multiple Domains", 2020, https://arxiv.org/abs/1912.01865
measure diversity by ten outputs for each test image: the mean LPIPS of their 45 pairs, then the mean over the images.
`Lpips.diversity` does that. Features stand in where its weights are not at hand, and compare with nothing outside.
"""

from collections.abc import Sequence

import numpy as np

from i2i.metrics._arrays import Array, Features, checked


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


def cosine_diversity(samples: Sequence[Features]) -> Array:
    """One minus the cosine of the angle between feature vectors, averaged over all pairs of samples of an image.

    No pair is looked at by itself: of unit vectors, the cosines of all pairs add up to half of what the squared length
    of their sum exceeds their number by.

    Args:
        samples: two or more sets of features [N, d], each of another translation of the same images.

    Returns:
        float64 [N], in [0, 2]; 0 where all samples point the same way. A vector of zeros has the distance 1 from all.

    Raises:
        ValueError: fewer than two samples, or features that are not two-dimensional, not finite or of unlike shapes.
    """
    rows = [checked(one) for one in samples]
    if len(rows) < 2 or len({one.shape for one in rows}) > 1:
        shapes = ", ".join(str(list(one.shape)) for one in rows)
        raise ValueError(f"diversity is of two samples or more, all of one shape, not of {shapes or 'none'}")
    features = np.stack(rows)
    lengths = np.linalg.norm(features, axis=2, keepdims=True)
    units = np.divide(features, lengths, out=np.zeros_like(features), where=lengths > 0)
    excess = (units.sum(axis=0) ** 2).sum(axis=1) - (units**2).sum(axis=(0, 2))
    found: Array = np.clip(1 - excess / (len(rows) * (len(rows) - 1)), 0, 2)
    return found
