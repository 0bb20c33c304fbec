"""Features as every distance takes them: finite float64 rows, both sets equally wide."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Features: TypeAlias = NDArray[np.floating[Any]] | Tensor
Array: TypeAlias = NDArray[np.floating[Any]]  # float64 throughout


def checked(features: Features) -> Array:
    """The features as a float64 array [n, d].

    Raises:
        ValueError: not two-dimensional, or not finite.
    """
    if isinstance(features, Tensor):
        features = features.detach().cpu().double().numpy()
    array = np.asarray(features, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError(f"features must have shape [n, d], but have {list(array.shape)}")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array).all(axis=1)).sum())
        raise ValueError(
            f"{bad} of {len(array)} features hold NaN or infinity: the extractor failed on these "
            "images (wrong weights, or a precision too low for it)"
        )
    return array


def require_same_width(left: int, right: int) -> None:
    """Raise a ValueError unless both sets have features of the same length."""
    if left != right:
        raise ValueError(f"features of {left} and {right} dimensions: use the same extractor on both")
