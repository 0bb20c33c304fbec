"""Diversity: how far apart several translations of one image are, on average over all pairs of them.

Choi, Uh, Yoo and Ha, "StarGAN v2: Diverse Image Synthesis for Multiple Domains", 2020, https://arxiv.org/abs/1912.01865,
appendix on metrics: ten outputs for each test image, the mean LPIPS of their 45 pairs, then the mean over the images.
Here the distance is LPIPS (`Lpips.diversity`) or, without its weights, that of features, which compares with nothing
outside a bench. Noise is the most diverse of all: read it beside a distance to the target domain.
"""

from collections.abc import Sequence

import numpy as np

from i2i.metrics._arrays import Array, Features, checked


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
