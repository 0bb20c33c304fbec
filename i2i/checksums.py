"""Checksums: of files, and of a JSON file in itself, so that one changed byte anywhere is noticed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEAL = "checksum"
EMPTY = f'"{SEAL}": ""\n}}'


def checksum(path: Path) -> str:
    """BLAKE2b of a file's contents, 40 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()


def sealed(contents: Mapping[str, Any]) -> bytes:
    """JSON of an object, with the checksum of all its other bytes as the last entry."""
    text = json.dumps({**contents, SEAL: ""}, indent=1, ensure_ascii=False)
    return _with_seal(text, _digest(text)).encode()


def is_sound(written: bytes, contents: Mapping[str, Any]) -> bool:
    """Whether bytes that were read as `contents` are as `sealed` wrote them."""
    seal, text = contents.get(SEAL), written.decode()
    blank = text.replace(f'"{SEAL}": "{seal}"\n}}', EMPTY)
    return seal == _digest(blank) and text == _with_seal(blank, str(seal))


def _with_seal(text: str, seal: str) -> str:
    return text.removesuffix(EMPTY) + EMPTY.replace('""', f'"{seal}"')


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()
