"""What a training learnt from, written down, so that a change of the images since then can be named."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from i2i.data.image_files.digests import digests_of
from i2i.data.layouts import DataSet, ImageFile
from i2i.data.training_images import pools_and_rows
from i2i.utils.cache_folder import cache_folder
from i2i.utils.json_documents import from_json

SHOWN = 3
"""File names in a message about a difference."""


@dataclass(frozen=True)
class DataRecord:
    """Names and contents of images.

    Attributes:
        files: by `split/domain`, or `split/set` for images with attributes: 16 hex digits of every file's
            contents and attributes, by file name.
    """

    files: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, data: DataSet, splits: Sequence[str]) -> Self:
        """The images of some splits of the data; what was read for an earlier training is not read again."""
        pools = {
            f"{split}/{pool}".removesuffix("/"): images
            for split in splits
            for pool, images in pools_and_rows(data, split)[0].items()
        }
        folder = cache_folder() / "digests"
        contents: dict[Path, bytes] = {}
        for images in pools.values():
            contents |= digests_of(sorted({image.path for image in images} - contents.keys()), folder)
        return cls({place: _named(images, contents) for place, images in pools.items()})

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `text` gave; ValueError for anything else."""
        return cls(from_json(dict[str, dict[str, str]], text.encode()))

    @cached_property
    def text(self) -> str:
        """The record as JSON in UTF-8; bytes of names that are none are escaped."""
        text = json.dumps(self.files, ensure_ascii=False, separators=(",", ":"))
        return text.encode(errors="backslashreplace").decode()

    @property
    def fingerprint(self) -> str:
        """Hash of the record, 32 hex digits."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()

    def changes_since(self, earlier: Self) -> str:
        """In words, by split and domain, which files are new, gone or changed; empty if none are."""
        places = dict.fromkeys((*earlier.files, *self.files))
        changes = [_changes(place, earlier.files.get(place, {}), self.files.get(place, {})) for place in places]
        return "; ".join(filter(None, changes))


def _named(images: Sequence[ImageFile], contents: Mapping[Path, bytes]) -> dict[str, str]:
    named: dict[str, str] = {}
    for image in images:
        name, digest = image.path.name, contents[image.path]
        if name in named:  # in another folder
            name = f"{image.path.parent.name}/{name}"
        if image.attributes:
            digest = hashlib.blake2b(digest + ",".join(image.attributes).encode(), digest_size=8).digest()
        named[name] = digest.hex()
    return named


def _changes(place: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    kinds = {
        "added": [name for name in now if name not in before],
        "removed": [name for name in before if name not in now],
        "changed": [name for name in now if before.get(name, now[name]) != now[name]],
    }
    changes = [f"{len(names)} {kind} ({_shown(names)})" for kind, names in kinds.items() if names]
    return f"{place}, {len(before)} images before and {len(now)} now: {', '.join(changes)}" if changes else ""


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
