"""Frechet Wavelet Distance: how far two sets of images are apart in each band of their wavelet packets.

No network takes part. Veeramacheneni, Wolter, Kuehne and Gall 2025 (Fréchet Wavelet Distance, section 4,
https://arxiv.org/abs/2312.15289): the Haar wavelet packets of level 4 cut an image into 16 x 16 bands of frequencies.
In each band the coefficients of all colors and places are one vector; the distance is the mean over the bands of the
Frechet distances of these vectors. Pixels are in [0, 1], and coefficients are taken as they are, without their
logarithm, as the authors' code does by default.
"""

import numpy as np
from scipy.linalg import hadamard
from torch import Tensor

from i2i.metrics._arrays import Array
from i2i.metrics.features._inference import check_pixels
from i2i.metrics.frechet import frechet_distance_between

LEVEL = 4
SIDE = 2**LEVEL  # pixels of a block, whose bands are as many
FEWEST = 2


def wavelet_distance(x: Tensor, y: Tensor) -> float:
    """FWD of pixels `x` [N, 3, H, W] and `y` [M, 3, H, W]; too large at few images, the more so the larger they are.

    The signs of the coefficients, which are a matter of convention, do not change it.

    Args:
        x: uint8, sides multiples of 16.
        y: uint8, of the same size.

    Raises:
        ValueError: another dtype, unlike sizes, sides that are no multiples of 16, or fewer than two images a side.
    """
    for pixels in (x, y):
        check_pixels(pixels)
        if pixels.shape[1:] != x.shape[1:] or not fits((pixels.shape[2], pixels.shape[3])):
            raise ValueError(
                f"the wavelet distance takes images of one size, whose sides are multiples of {SIDE}, not "
                f"{list(x.shape[2:])} and {list(pixels.shape[2:])}"
            )
    distances = [
        frechet_distance_between(ours[..., band].reshape(len(x), -1), theirs[..., band].reshape(len(y), -1))
        for row in range(SIDE)
        for ours, theirs in [(_row_of_bands(x, row), _row_of_bands(y, row))]
        for band in range(SIDE)
    ]
    return float(np.mean(distances))


def fits(size: tuple[int, int]) -> bool:
    """Whether images of that height and width have whole bands."""
    return not any(side % SIDE for side in size)


def _row_of_bands(pixels: Tensor, row: int) -> Array:
    """Coefficients [N, 3, H / 16, W / 16, 16] of all bands of one vertical frequency.

    The packets of Haar's wavelet are the Walsh functions of a block: sums and differences of halves, halved again.
    """
    signs = hadamard(SIDE) / SIDE**0.5
    count, colors, height, width = pixels.shape
    blocks = pixels.numpy().reshape(count, colors, height // SIDE, SIDE, width // SIDE, SIDE)
    along = np.einsum("nchrwk,r->nchwk", blocks, signs[row] / 255, dtype=np.float64, casting="unsafe")
    coefficients: Array = along @ signs
    return coefficients
