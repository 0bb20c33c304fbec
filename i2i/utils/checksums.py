"""Checksums: of files, and of a JSON file in itself, so that one changed byte anywhere is noticed."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from i2i.utils.fingerprint import State, is_settled, state_of

SEAL = "checksum"
EMPTY = f'"{SEAL}": ""\n}}'


REMEMBERED = 60.0
"""Seconds for which a checksum that was computed need not be computed again: while a training is being resumed."""


class _Known(NamedTuple):
    state: State
    until: float
    checksum: str


_known: dict[Path, _Known] = {}


def checksum(path: Path) -> str:
    """BLAKE2b of a file's contents, 40 hex digits; those of the last minute are not read again if nothing changed."""
    state, known = state_of(path), _known.get(path.absolute())
    if known is not None and known.state == state and time.monotonic() < known.until:
        return known.checksum
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
    if is_settled(state):
        _known[path.absolute()] = _Known(state, time.monotonic() + REMEMBERED, found)
    return found


def sealed(contents: Mapping[str, object]) -> bytes:
    """JSON of an object, with the checksum of all its other bytes as the last entry."""
    text = json.dumps({**contents, SEAL: ""}, indent=1, ensure_ascii=False)
    text = text.encode(errors="backslashreplace").decode()  # names of files that are no UTF-8, as JSON escapes
    return _with_seal(text, _digest(text)).encode()


def checksum_matches(written: bytes, contents: Mapping[str, object]) -> bool:
    """Whether bytes that were read as `contents` are as `sealed` wrote them."""
    seal, text = contents.get(SEAL), written.decode()
    blank = text.replace(f'"{SEAL}": "{seal}"\n}}', EMPTY)
    return seal == _digest(blank) and text == _with_seal(blank, str(seal))


def _with_seal(text: str, seal: str) -> str:
    return text.removesuffix(EMPTY) + EMPTY.replace('""', f'"{seal}"')


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()
