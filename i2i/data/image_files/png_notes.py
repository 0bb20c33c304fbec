"""PNG files that say more than PIL listens to: texts and colour profiles of megabytes, which no pixel depends on.

PIL refuses such files whole, as a guard against texts that swell when they are unpacked. Here the files are read
without them. Short ones stay: an orientation may be told in a text.
"""

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
NOTES = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
LONGEST = 2**19
"""Bytes of a note, unpacked; PIL takes up to 2**20."""
MOST = 2**25
"""Bytes of all notes together, unpacked; PIL takes up to 2**26."""


def without_long_notes(file: IO[bytes]) -> IO[bytes]:
    """The file itself, at its start, or, of a PNG file with long notes, its contents without them."""
    kept, dropped, noted = [(0, len(SIGNATURE))], False, 0
    if file.read(len(SIGNATURE)) == SIGNATURE:
        for kind, start, length in chunks(file):
            size = _unpacked(file, kind, start, length) if kind in NOTES else 0
            noted += size
            if size > LONGEST or noted > MOST:
                dropped, noted = True, noted - size
            else:
                kept.append((start, length + 12))
    if dropped:
        return io.BytesIO(b"".join(_parts(file, kept)))
    file.seek(0)
    return file


def png_depth(path: Path) -> int:
    """Bits of a value in a PNG file, of its first chunk."""
    with path.open("rb") as file:
        return file.read(25)[24]


def chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of contents of every chunk; what follows a broken header is not told apart."""
    start = file.tell()
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[:4], "big")
        yield head[4:], start, length
        start += length + 12
        file.seek(start)


def _unpacked(file: IO[bytes], kind: bytes, start: int, length: int) -> int:
    """Bytes of a note as PIL would hold it, `LONGEST` + 1 for anything longer or that cannot be unpacked."""
    if length > LONGEST:
        return LONGEST + 1
    file.seek(start + 8)
    packed = _packed(kind, file.read(length))
    try:
        return length if packed is None else len(zlib.decompressobj().decompress(packed, LONGEST + 1))
    except zlib.error:
        return LONGEST + 1


def _packed(kind: bytes, data: bytes) -> bytes | None:
    """The compressed part of a note, if it has one."""
    rest = data.partition(b"\0")[2]
    if kind in (b"zTXt", b"iCCP"):
        return rest[1:]
    return rest[2:].partition(b"\0")[2].partition(b"\0")[2] if kind == b"iTXt" and rest[:1] == b"\1" else None


def _parts(file: IO[bytes], places: list[tuple[int, int]]) -> Iterator[bytes]:
    for start, length in places:
        file.seek(start)
        yield file.read(length)
