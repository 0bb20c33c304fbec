"""Image files of a split as arrays of pixels."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from i2i.data.image_files.decode import Decoding
from i2i.data.image_files.images import Preprocess, decode_once
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.layouts import ImageFile
from i2i.utils.progress import Progress


def load_pixels(
    images: Sequence[ImageFile],
    preprocess: Preprocess,
    zoom: float = 1.0,
    progress: Progress | None = None,
    cache: PixelCache | None = None,
) -> np.ndarray:
    """Decode and preprocess in parallel: [N, H * zoom, W * zoom, C], uint8 or as `Preprocess.dtype` says.

    `progress` is called with the number done and the total. With a `cache` they are copied from there.
    """
    decoding = Decoding(images, preprocess, zoom)
    cached = cache.pixels(decoding, progress) if cache else None
    return decode_in_memory(decoding, progress) if cached is None else np.array(cached)


def decode_in_memory(decoding: Decoding, progress: Progress | None) -> np.ndarray:
    """[N, H, W, C] of all images, decoded now."""
    pixels = np.empty(decoding.shape, decoding.dtype)
    for done, one in enumerate(decoding.in_order(), 1):
        pixels[done - 1] = one
        if progress:
            progress(done, len(decoding))
    return pixels


def check_readable(images: Sequence[ImageFile], progress: Progress | None = None) -> None:
    """Decode every image once, so that a broken one is found before hours of work, not after.

    Raises:
        UserError: naming the first that cannot be decoded.
    """
    files = list(dict.fromkeys((image.path, image.half, image.native) for image in images))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(lambda file: decode_once(*file), files), 1):
            if progress:
                progress(done, len(files))
