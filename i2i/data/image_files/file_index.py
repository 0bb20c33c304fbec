"""Image files that have been read once: they can be decoded, and have these digests.

A file that has kept its path, size and time of change (nanoseconds) is taken to have kept its contents.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from i2i.data.image_files.images import decode_once
from i2i.data.image_files.open_image import Half
from i2i.data.layouts import ImageFile
from i2i.errors import UserError
from i2i.utils import fingerprint
from i2i.utils.atomic_write import write_text
from i2i.utils.json_documents import Document, read_document
from i2i.utils.memory import many_objects

Fact = list[str | int | float]


class Entry(Document):
    """What is known of a file.

    Attributes:
        stamp: its size and time of change.
        sha256, blake2b: digests of its contents, hexadecimal.
        decoded: which halves of it were decoded.
        facts: what else was found in it, by what was asked.
    """

    model_config = ConfigDict(frozen=False)

    stamp: tuple[int, int]
    sha256: Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]
    blake2b: Annotated[str, Field(pattern=r"\A[0-9a-f]{128}\z")]
    decoded: list[Half | Literal["whole"]]
    facts: dict[str, Fact] = Field(default_factory=dict)


class FileIndex:
    """Digests of image files, each taken once as long as the file does not change.

    Args:
        known: entries by absolute path.

    Attributes:
        reads: how many files were read.
    """

    def __init__(self, known: Mapping[str, Entry] | None = None) -> None:
        self._entries = dict(known or {})
        self._stamps: dict[Path, tuple[int, int]] = {}
        self.reads = 0
        self._learnt = False

    @classmethod
    def load(cls, path: Path) -> Self:
        """The index of a file; an empty one if there is none or it is damaged."""
        try:
            with many_objects():
                return cls(read_document(dict[str, Entry], path, "remove it"))
        except UserError:
            return cls()

    def save(self, path: Path) -> None:
        """Write those that were asked for, if anything new was found."""
        if self.reads or self._learnt:
            write_text(
                path,
                json.dumps(
                    {str(file): self._entries[str(file)].model_dump(exclude_defaults=True) for file in self._stamps}
                ),
            )

    def check_readable(self, images: Iterable[ImageFile]) -> None:
        """Decode every image that has not been decoded before.

        Raises:
            UserError: naming the first that cannot be decoded.
        """
        new: dict[tuple[Path, bool], set[Half | None]] = {}
        for image in images:
            if not self._was_decoded(image.path, image.half):
                new.setdefault((image.path, image.native), set()).add(image.half)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda file, own: self._decode(file[0], file[1], own), new, new.values()):
                pass

    def sha256(self, path: Path) -> str:
        """SHA-256 of a file's contents, 64 hexadecimal digits."""
        return self._entry(path).sha256

    def blake2b(self, path: Path) -> bytes:
        """BLAKE2b of a file's contents, 64 bytes."""
        return bytes.fromhex(self._entry(path).blake2b)

    def fact(self, path: Path, question: str, answer: Callable[[], Fact]) -> Fact:
        """What `answer` found in a file when `question` was first asked, as long as the file does not change."""
        facts = self._entry(path).facts
        if question not in facts:
            facts[question] = answer()
            self._learnt = True
        return facts[question]

    def is_known(self, path: Path) -> bool:
        """Whether a file is there and holds what it held when its digest was taken."""
        before = self._entries.get(str(path))
        try:
            return before is not None and self._entry(path).blake2b == before.blake2b
        except OSError:
            return False

    def _was_decoded(self, path: Path, half: Half | None) -> bool:
        """Whether this half of a file was, since it was last changed."""
        entry = self._entries.get(str(path))
        if entry is None or (half or "whole") not in entry.decoded:
            return False
        try:
            return entry.stamp == self._stamp(path)
        except OSError:
            return False

    def _decode(self, path: Path, native: bool, halves: set[Half | None]) -> None:
        if not path.is_file():
            decode_once(path, None, native)  # raises
        entry = self._entry(path)
        for half in halves:
            if (half or "whole") not in entry.decoded:
                decode_once(path, half, native)
                entry.decoded.append(half or "whole")

    def _entry(self, path: Path) -> Entry:
        entry, stamp = self._entries.get(str(path)), self._stamp(path)
        if entry is None or entry.stamp != stamp:
            self.reads += 1
            entry = self._entries[str(path)] = Entry(
                stamp=stamp,
                sha256=fingerprint.sha256(path),
                blake2b=fingerprint.blake2b(path).hex(),
                decoded=[],
            )
        return entry

    def _stamp(self, path: Path) -> tuple[int, int]:
        """Of a file's first look: what changes later in this process is not seen."""
        if path not in self._stamps:
            found = path.stat()
            self._stamps[path] = (found.st_size, found.st_mtime_ns)
        return self._stamps[path]
