"""Features of real images, with which those of every method are compared: computed once by a process.

Extractors take most of the time of scoring, and where a bench has as many test images as translations of a direction,
every second image is a real one, the same for all methods and seeds.
"""

import hashlib
from collections.abc import Callable

import numpy as np
from torch import Tensor

MOST_BYTES = 2**28  # of features; 50,000 images by 1,280 dimensions


class RealFeatures:
    """The latest features, known by the network and the pixels that they come from.

    Args:
        most: bytes of features that are kept.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._kept: dict[tuple[str, bytes], np.ndarray] = {}

    def of(
        self, network: str, pixels: Tensor, compute: Callable[[Tensor], np.ndarray], keep: bool = True
    ) -> np.ndarray:
        """Features [N, d] of images.

        Args:
            network: stands for all that `compute` depends on besides the pixels.
            pixels: uint8 [N, 3, H, W].
            compute: the extractor.
            keep: whether they will be asked for again; without, those of a translation that is a copy are still found.
        """
        key = network, _digest(pixels)
        known = self._kept.pop(key, None)
        features = compute(pixels) if known is None else known
        if keep or known is not None:
            self._kept[key] = features  # as the latest
        while sum(kept.nbytes for kept in self._kept.values()) > self._most:
            del self._kept[next(iter(self._kept))]
        return features


def _digest(pixels: Tensor) -> bytes:
    found = hashlib.blake2b(repr(tuple(pixels.shape)).encode(), digest_size=32)
    found.update(pixels.contiguous().numpy().data)
    return found.digest()


OF_THIS_PROCESS = RealFeatures()
