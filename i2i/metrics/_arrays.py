"""Numbers as every measure takes them: features as finite float64 rows, both sets equally wide, and whole numbers."""

from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Features: TypeAlias = NDArray[np.floating[Any]] | Tensor
Array: TypeAlias = NDArray[np.floating[Any]]  # float64 throughout


LARGEST = 1e50
"""Of a feature: the kernel distance takes products of two to the third power, and 1e308 is the largest number."""


def floats(values: object, what: str) -> Array:
    """Numbers as a float64 array of their shape.

    Args:
        values: a tensor, an array, or what makes one.
        what: they are, for the error.

    Raises:
        ValueError: not real numbers, or rows of unlike lengths.
    """
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        values = (values if values.is_complex() else values.double()).numpy()
    try:
        array = np.asarray(values)
        if not np.iscomplexobj(array) and array.dtype.kind not in "SUmM":
            return np.asarray(array, dtype=np.float64)
        kind = str(array.dtype)
    except (TypeError, ValueError):
        kind = type(values).__name__
    raise ValueError(f"{what} must be an array of real numbers, not {kind}")


def checked(features: Features) -> Array:
    """The features as a float64 array [n, d].

    Raises:
        ValueError: not two-dimensional, without a dimension, not real numbers, not finite or beyond `LARGEST`.
    """
    array = floats(features, "features")
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"features must have shape [n, d] with d of at least 1, but have {list(array.shape)}")
    # NaN is neither; no map of all values is made unless something is wrong.
    if array.size and not (array.min() >= -LARGEST and array.max() <= LARGEST):
        bad = int((~(np.abs(array) <= LARGEST).all(axis=1)).sum())
        raise ValueError(
            f"{bad} of {len(array)} features hold NaN or infinity, or values beyond {LARGEST:g}: the extractor failed "
            "on these images (wrong weights, or a precision too low for it)"
        )
    return array


def require_whole(name: str, value: object, least: int) -> None:
    """Raise a ValueError unless an argument is a whole number of at least `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")


def require_share(name: str, value: object) -> None:
    """Raise a ValueError unless an argument is a number from 0 to 1."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) <= 1:
        raise ValueError(f"{name} must be a share from 0 to 1, not {value!r}")


def require_same_width(left: int, right: int) -> None:
    """Raise a ValueError unless both sets have features of the same length."""
    if left != right:
        raise ValueError(f"features of {left} and {right} dimensions: use the same extractor on both")
