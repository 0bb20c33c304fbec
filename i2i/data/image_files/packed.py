"""Compressed files that unpack to more than their header says: a small file could fill the memory.

PIL unpacks no more than an image needs. Libraries that read 16 bits of several channels unpack whatever there is.
"""

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from i2i.data.image_files.png_notes import chunks

STEP = 2**20
"""Bytes that are unpacked at once."""
UNPACKED, LZW, DEFLATE = 1, 5, (8, 32946)
"""Compressions of TIFF files by their numbers. LZW is unpacked by a library that heeds the size."""


def check_png(path: Path, size: tuple[int, int, int]) -> None:
    """ValueError for a file of 16 bits that unpacks to more than an image [H, W, C]; interlacing may double it."""
    height, width, channels = size
    with path.open("rb") as file:
        _check(_contents(file), 2 * height * (1 + 2 * width * channels))


def check_tiff(file: IO[bytes], parts: Iterable[tuple[int, int]], compression: int, size: int) -> None:
    """ValueError for parts of a TIFF file, by start and length, of which one unpacks to more than `size` bytes."""
    for start, length in parts if compression in DEFLATE else ():
        file.seek(start)
        _check([file.read(length)], size)


def check_compression(compression: int) -> None:
    """ValueError for one in which nothing bounds what a TIFF file unpacks to."""
    if compression not in (UNPACKED, LZW, *DEFLATE):
        raise ValueError(f"its compression {compression} is not taken: save it with deflate, LZW or none")


def _contents(file: IO[bytes]) -> Iterator[bytes]:
    """The packed rows of a PNG file."""
    file.seek(8)
    for kind, start, length in chunks(file):
        if kind == b"IDAT":
            file.seek(start + 8)
            yield file.read(length)


def _check(packed: Iterable[bytes], most: int) -> None:
    unpacker, found = zlib.decompressobj(), 0
    for data in packed:
        while data:
            found += len(unpacker.decompress(data, STEP))
            data = unpacker.unconsumed_tail
            if found > most:
                raise ValueError(f"it unpacks to more than the {most:,} bytes that its header tells")
