"""Files are known by their checksums, and known to be unchanged by what the file system says of them."""

import hashlib
import time
from pathlib import Path

State = tuple[int, int, int]
"""Size in bytes, and the times of the last change of contents and of inode, nanoseconds."""

SETTLED = 2.0
"""Seconds after which another change of a file is sure to show in its times."""


def sha256(path: Path) -> str:
    """Checksum of a file's contents, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def blake2b(path: Path, size: int = 64) -> bytes:
    """BLAKE2b of a file's contents, `size` bytes; a file of any length is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=size)).digest()


def state_of(path: Path) -> State:
    """What differs once a file has changed; take it ahead of the contents that it is to vouch for."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_settled(*states: State) -> bool:
    """Whether the times of all states are old enough to rely on."""
    return all(max(times) / 1e9 < time.time() - SETTLED for _, *times in states)
