"""One look at every picture file: is it readable, how large, of what kind, and what does it show."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image

from i2i.data.images import read_picture
from i2i.data.near_duplicates import Fingerprint
from i2i.data.pictures import Progress
from i2i.errors import UserError

KINDS = {
    "1": "black and white",
    "L": "greyscale",
    "LA": "greyscale with transparency (laid on the background)",
    "P": "with a palette (converted to RGB)",
    "CMYK": "CMYK (converted to RGB)",
    "RGBA": "with transparency (laid on the background)",
    "16-bit": "with more than 8 bits per channel (cut to 8)",
    "EXIF": "turned upright by EXIF",
    "animated": "animated (the first frame is taken)",
}
"""Kinds of files worth knowing, and what becomes of them. Names of one or two letters are PIL's modes."""


@dataclass(frozen=True)
class Look:
    """What one decoding of a file tells.

    Attributes:
        path: the file.
        fault: why it cannot be used; None: it can, and the rest is known.
        size: width and height of the upright picture.
        kinds: those of `KINDS` that it is of.
        digest: BLAKE2b of the file's contents.
        fingerprint: what it shows; None for a picture of a single colour.
    """

    path: Path
    fault: str | None = None
    size: tuple[int, int] = (0, 0)
    kinds: tuple[str, ...] = ()
    digest: bytes = b""
    fingerprint: Fingerprint | None = None


def look(path: Path) -> Look:
    """Read and decode a file once; a fault is part of the answer."""
    try:
        picture = read_picture(path)
        kinds = _kinds(path)
        digest = hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    except (UserError, OSError) as error:
        return Look(path, str(error))
    return Look(path, None, picture.size, kinds, digest, Fingerprint.of(picture))


def look_at(paths: Sequence[Path], progress: Progress | None = None) -> Iterator[Look]:
    """Look at files in parallel, in their order; `progress` is called with those done and the total."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, one in enumerate(pool.map(look, paths), 1):
            yield one
            if progress:
                progress(done, len(paths))


def faults(paths: Sequence[Path], progress: Progress | None = None) -> dict[Path, str]:
    """The files that cannot be decoded, and why."""
    found: dict[Path, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (path, reason) in enumerate(zip(paths, pool.map(_fault, paths), strict=True), 1):
            if reason is not None:
                found[path] = reason
            if progress:
                progress(done, len(paths))
    return found


def _fault(path: Path) -> str | None:
    try:
        read_picture(path)
    except UserError as error:
        return str(error)
    return None


def _kinds(path: Path) -> tuple[str, ...]:
    """From the header alone."""
    with Image.open(path) as picture:
        modes = {"1": "1", "L": "L", "LA": "LA", "P": "P", "CMYK": "CMYK", "RGBA": "RGBA"}
        found = [modes[picture.mode]] if picture.mode in modes else []
        if picture.mode != "LA" and picture.mode != "RGBA" and "transparency" in picture.info:
            found.append("RGBA")
        if picture.mode.startswith(("I", "F")) or any(";16" in str(tile) for tile in getattr(picture, "tile", ())):
            found.append("16-bit")
        if getattr(picture, "n_frames", 1) > 1:
            found.append("animated")
        if picture.getexif().get(ExifTags.Base.Orientation, 1) not in (0, 1):
            found.append("EXIF")
    return tuple(found)
