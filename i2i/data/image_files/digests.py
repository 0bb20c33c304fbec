"""Digests of image files, read once and kept in the cache: all training runs of a bench ask for the same ones.

    FOLDER/<stamp>.json     digests of files of these names, sizes and times, sealed

A file of digests is taken only if no image has changed in size or times since it was written, and none of the times
was then so young that a change might not show in it. What is missing, damaged or in doubt is read from the images.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from i2i.utils.atomic_write import write_bytes
from i2i.utils.checksums import checksum_matches, sealed
from i2i.utils.fingerprint import State, blake2b, is_settled, state_of

LENGTH = 8
"""Bytes of a digest."""
KEPT = 256
"""Files in the folder; those that were not used for longest go first."""


def digests_of(paths: Sequence[Path], folder: Path) -> dict[Path, bytes]:
    """BLAKE2b of the contents of each file, 8 bytes.

    Args:
        paths: of the images.
        folder: where digests are kept; it need not exist, and may be one that cannot be written to.
    """
    states = [state_of(path) for path in paths]
    place = folder / f"{_stamp(paths, states)}.json"
    known = _read(place, len(paths)) if is_settled(*states) else None
    if known is None:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            known = list(threads.map(_digest, paths))
        if is_settled(*states):
            with suppress(OSError):
                _write(place, known)
    return dict(zip(paths, known, strict=True))


def _digest(path: Path) -> bytes:
    return blake2b(path, LENGTH)


def _stamp(paths: Sequence[Path], states: Sequence[State]) -> str:
    facts = [[str(path.absolute()), *state] for path, state in zip(paths, states, strict=True)]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _read(place: Path, count: int) -> list[bytes] | None:
    try:
        written = place.read_bytes()
        contents: Mapping[str, str] = json.loads(written)
        if not checksum_matches(written, contents):
            return None
        digests = bytes.fromhex(contents["digests"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    with suppress(OSError):
        os.utime(place)
    return [digests[start : start + LENGTH] for start in range(0, count * LENGTH, LENGTH)]


def _write(place: Path, digests: Sequence[bytes]) -> None:
    write_bytes(place, sealed({"digests": b"".join(digests).hex()}), sync=False)
    used = sorted(place.parent.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    for path in used[:-KEPT]:
        path.unlink(missing_ok=True)
