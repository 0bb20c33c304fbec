"""Decoded images on disk: made once, then mapped into the memory of every training that wants them.

    FOLDER/<key>/pixels.npy     [N, H, W, C], uint8 or, beyond 8 bits, uint16 or float32
    FOLDER/<key>/card.json      its length and checksum
    FOLDER/<key>/seen-<stamp>   files of these names, sizes and times were found to be those of the key

The key hashes what the files hold and what is done to them, so an entry is never out of date: other contents have
another key. An entry appears whole, by renaming, and everything in it is checked whenever it is opened.
"""

import hashlib
import io
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL

from i2i.data.image_files.decode import Decoding
from i2i.errors import UserError
from i2i.utils import locks
from i2i.utils.atomic_write import replacing_folder
from i2i.utils.fingerprint import blake2b, is_settled, state_of

# Raised whenever images are decoded or scaled differently.
VERSION = 1
GIB = 2**30
PIXELS, CARD, SEEN = "pixels.npy", "card.json", "seen-"


class PixelCache:
    """Entries in a folder, together no larger than a bound; the least recently used give way.

    An entry never gives way to another of the same object, so one training's images do not push out each other.

    Args:
        folder: where the entries lie; it need not exist.
        gib: the bound, GiB; 0: nothing is kept.
    """

    def __init__(self, folder: Path, gib: float) -> None:
        self._folder, self._bound = folder, round(gib * GIB)
        self._used: set[str] = set()

    def pixels(self, decoding: Decoding, progress: Callable[[int, int], None] | None = None) -> np.ndarray | None:
        """Pixels [N, H, W, C] of the images, mapped read-only; decoded now where no entry holds them.

        Args:
            decoding: the images and what is done to them.
            progress: called with images decoded and in total.

        Returns:
            None where the entry has no place within the bound or on the disk.

        Raises:
            UserError: naming an image that is missing or cannot be decoded.
        """
        if decoding.size > self._bound:
            return None
        stamp, settled = _stamp(decoding)
        key = self._key_by(stamp) or _key(decoding)
        pixels = self._open(key)
        if pixels is None:
            with suppress(OSError):  # a disk that is full or cannot be written to
                pixels = self._make(key, decoding, progress)
        if pixels is not None:
            self._used.add(key)
            with suppress(OSError):
                now = time.time_ns()  # the system's own time of a file counts in ticks, and two uses can share one
                os.utime(self._folder / key / CARD, ns=(now, now))
                if settled:
                    (self._folder / key / f"{SEEN}{stamp}").touch()
        return pixels

    def _key_by(self, stamp: str) -> str | None:
        """The key of files of these names, sizes and times, if they were seen before."""
        return next((seen.parent.name for seen in self._folder.glob(f"*/{SEEN}{stamp}")), None)

    def _open(self, key: str) -> np.ndarray | None:
        """The pixels of an entry, or None if there is none or it is damaged in any of its bytes."""
        path = self._folder / key / PIXELS
        try:
            card = json.loads(path.with_name(CARD).read_text())
            content = np.memmap(path, np.uint8, "r")
            if card != _card(len(content), zlib.crc32(content.data)):
                return None
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError):
            return None

    def _make(self, key: str, decoding: Decoding, progress: Callable[[int, int], None] | None) -> np.ndarray | None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with locks.held(self._folder / "lock"):
            pixels = self._open(key)  # another process may have made it meanwhile
            if pixels is None and self._make_room(key, decoding.size):
                self._write(key, decoding, progress)
                pixels = self._open(key)
            return pixels

    def _make_room(self, key: str, size: int) -> bool:
        """Whether `size` bytes have a place, after damaged, half-written and, as need be, old entries are removed."""
        for leftover in (self._folder / key, *(self._folder.glob(".*.part") if locks.available() else ())):
            shutil.rmtree(leftover, ignore_errors=True)
        entries = _oldest_first(self._folder)
        room = self._bound - sum(entries.values())
        for name, freed in entries.items():
            if room < size and name not in self._used:
                shutil.rmtree(self._folder / name, ignore_errors=True)
                room += freed
        return size <= room and size < shutil.disk_usage(self._folder).free

    def _write(self, key: str, decoding: Decoding, progress: Callable[[int, int], None] | None) -> None:
        """Decode into a hidden folder that takes the entry's name when it is whole."""
        length, checksum = 0, 0
        with replacing_folder(self._folder / key) as partial:
            with (partial / PIXELS).open("wb") as file:
                for part in _npy(decoding, progress):
                    file.write(part)
                    length, checksum = length + len(part), zlib.crc32(part, checksum)
            (partial / CARD).write_text(json.dumps(_card(length, checksum)))


def _npy(decoding: Decoding, progress: Callable[[int, int], None] | None) -> Iterator[bytes]:
    """The bytes of the file: numpy's header, then one image after the other."""
    header = io.BytesIO()
    facts = {"descr": decoding.dtype.str, "fortran_order": False, "shape": decoding.shape}
    np.lib.format.write_array_header_1_0(header, facts)
    yield header.getvalue()
    for done, pixels in enumerate(decoding.in_order(), 1):
        yield pixels.tobytes()
        if progress:
            progress(done, len(decoding))


def _card(length: int, checksum: int) -> dict[str, int]:
    return {"length": length, "checksum": checksum}


def _key(decoding: Decoding) -> str:
    """Hash of what the files hold, in order, and of all that decides what becomes of it."""
    paths = list(dict.fromkeys(image.path for image in decoding.images))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        contents = dict(zip(paths, threads.map(_content, paths), strict=True))
    return _digest([_treatment(decoding), [(contents[one.path], one.half) for one in decoding.images]])


def _stamp(decoding: Decoding) -> tuple[str, bool]:
    """Hash of names, sizes and times in place of contents; and whether the times are old enough to rely on."""
    facts, states = [], []
    for image in decoding.images:
        try:
            states.append(state_of(image.path))
        except OSError:
            raise UserError(f"there is no image {image.path}") from None
        facts.append((str(image.path.absolute()), image.half, *states[-1]))
    return _digest([_treatment(decoding), facts]), is_settled(*states)


def _treatment(decoding: Decoding) -> list[object]:
    return [VERSION, PIL.__version__, decoding.preprocess.treatment(), decoding.zoom]


def _content(path: Path) -> str:
    try:
        return blake2b(path, 16).hex()
    except OSError as error:
        raise UserError(f"{path} cannot be read as an image ({error.strerror}):\nrepair or remove it") from None


def _digest(facts: list[object]) -> str:
    return hashlib.blake2b(json.dumps(facts, default=str).encode(), digest_size=16).hexdigest()


def _oldest_first(folder: Path) -> dict[str, int]:
    """Bytes of the entries by name, those first that were not used for longest."""
    found = []
    for card in folder.glob(f"[!.]*/{CARD}"):
        with suppress(OSError):  # another process may just be removing it
            found.append((card.stat().st_mtime_ns, card.parent.name, card.with_name(PIXELS).stat().st_size))
    return {name: size for _, name, size in sorted(found)}
