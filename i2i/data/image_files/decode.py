"""Many images from files to arrays, by a pool of threads."""

import math
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.value_range import Dtype
from i2i.data.layouts import ImageFile

AHEAD = 64
"""Images that are decoded before they are asked for, at most; it bounds the memory where the taker is slow."""


class Pixels(Protocol):
    """What gives the pixels of images by their positions: an array, a mapped file, or `Decoding`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """[N, H, W, C]."""

    @property
    def dtype(self) -> Dtype:
        """Of the values: uint8 or, beyond 8 bits, as `Preprocess.dtype` says."""

    def __len__(self) -> int: ...

    def __getitem__(self, positions: np.ndarray, /) -> np.ndarray:
        """[B, H, W, C] of positions [B]."""


@dataclass(frozen=True)
class Decoding:
    """Images and how they become pixels; those that are asked for are decoded each time.

    Attributes:
        images: files, or halves of files.
        preprocess: size and channels of images.
        zoom: how much larger the pixels are than images.
    """

    images: Sequence[ImageFile]
    preprocess: Preprocess
    zoom: float = 1.0

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[N, H * zoom, W * zoom, C]."""
        height, width = (round(side * self.zoom) for side in self.preprocess.image_size)
        return len(self.images), height, width, self.preprocess.channels

    @property
    def dtype(self) -> Dtype:
        """Of the values."""
        return self.preprocess.dtype

    @property
    def size(self) -> int:
        """Bytes of all pixels together."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, positions: np.ndarray, /) -> np.ndarray:
        return np.stack(list(self._threads.map(self._decode, positions)))

    def in_order(self) -> Iterator[np.ndarray]:
        """Pixels [H, W, C] of one image after the other, decoded ahead.

        Raises:
            UserError: naming the first image that cannot be decoded.
        """
        coming: deque[Future[np.ndarray]] = deque()
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            try:
                for position in range(len(self)):
                    coming.append(threads.submit(self._decode, position))
                    if len(coming) > AHEAD:
                        yield coming.popleft().result()
                while coming:
                    yield coming.popleft().result()
            finally:
                for future in coming:
                    future.cancel()

    def _decode(self, position: int) -> np.ndarray:
        image = self.images[position]
        return self.preprocess.pixels_of(image.path, image.half, self.zoom)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count(), "decode")
