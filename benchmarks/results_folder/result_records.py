"""The record beside a result: its key, what it cost, and what every file of it held when it was complete.

A record is a JSON object, written last and sealed with a checksum of its own bytes. Files that a power cut left empty,
that are gone or that hold something else are found by it. A file whose size and times (of contents and of the inode)
are those of the record is not read again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

from i2i.config import stable_hash
from i2i.data.layouts.listed_names import refuse_outside
from i2i.errors import UserError
from i2i.utils.atomic_write import write_bytes
from i2i.utils.checksums import SEAL, checksum, checksum_matches, sealed

Files = Mapping[str, Sequence[Any]]
"""By path below a folder, parts separated by /: checksum, size, and times of contents and inode, nanoseconds."""

FILES, MADE_FROM = "files", "made_from"


@dataclass(frozen=True)
class Record:
    """A record as it was read.

    Attributes:
        key: what the result was made from: settings, data and seed.
        contents: all that the record holds.
        fault: what is wrong with it, if it cannot be relied on; then it has no key.
    """

    key: str | None
    contents: Mapping[str, Any]
    fault: str | None = None

    @property
    def files(self) -> Files:
        """What it vouches for."""
        return dict(self.contents.get(FILES) or {})

    @property
    def identity(self) -> str:
        """Hash of the key and the contents of the files, whenever and however often they were made."""
        return stable_hash([self.key, {name: facts[0] for name, facts in self.files.items()}])

    @property
    def made_from(self) -> Mapping[str, str]:
        """By kind the identities of the results that it was made from."""
        return dict(self.contents.get(MADE_FROM) or {})


def write_record(path: Path, contents: Mapping[str, object], folder: Path, files: Iterable[Path] = ()) -> None:
    """Write a record, complete or not at all, of a result of which all `files` below `folder` are written."""
    described_files = {path.relative_to(folder).as_posix(): described(path) for path in sorted(files)}
    write_bytes(path, sealed({**contents, FILES: described_files}))


def read_record(path: Path) -> Record | None:
    """The record of a file, with its fault if it is damaged; None if there is none.

    Raises:
        UserError: if it cannot be read, which says nothing about the result.
    """
    try:
        written = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): nothing is done to the result that it describes; "
            "see to it that it can be read, and run the same command again"
        ) from None
    try:
        contents = json.loads(written)
        if _fits(contents) and (SEAL not in contents or checksum_matches(written, contents)):
            return Record(contents["key"], contents)
    except (ValueError, RecursionError):
        pass
    return Record(None, {}, f"{path.name} is not as it was written")


def _fits(contents: object) -> bool:
    if not (isinstance(contents, dict) and isinstance(contents.get("key"), str)):
        return False
    files, made_from = contents.get(FILES, {}), contents.get(MADE_FROM, {})
    if not (isinstance(files, dict) and isinstance(made_from, dict)):
        return False
    return all(isinstance(entry, list) and list(map(type, entry)) == [str, int, int, int] for entry in files.values())


def described(path: Path) -> list[object]:
    """What a record says of a file that is complete."""
    return [checksum(path), *_state(path)]


def first_fault(folder: Path, files: Files, read_all: bool = False) -> str | None:
    """In words which file below `folder` is first found not to be as it was; None if all are.

    Args:
        folder: the result.
        files: what its record says.
        read_all: read every file, and not only those whose size or times have changed.

    Raises:
        UserError: if a file cannot be read.
    """
    return next((fault for name, entry in files.items() if (fault := _fault(folder, name, entry, read_all))), None)


def _fault(folder: Path, name: str, entry: Sequence[object], read_all: bool) -> str | None:
    if reason := refuse_outside(name):
        raise UserError(f"{folder}: the name {name!r} {reason}: names must stay inside their folder")
    path = folder / name
    try:
        state = _state(path)
        if state == list(entry[1:]) and not read_all:
            return None
        if state[0] != entry[1]:
            return f"{name} has {state[0]:,} bytes in place of {entry[1]:,}"
        return None if checksum(path) == entry[0] else f"{name} holds something else than what was written"
    except (FileNotFoundError, NotADirectoryError):
        return f"{name} is gone"
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): see to it that it can be read") from None


def _state(path: Path) -> list[int]:
    """Size and times; a link is not followed, and counts as gone like everything that is no file."""
    found = path.lstat()
    if not S_ISREG(found.st_mode):
        raise FileNotFoundError(path)
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]
