"""Files are known by their checksums."""

import hashlib
from pathlib import Path


def sha256(path: Path) -> str:
    """Checksum of a file's contents, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
