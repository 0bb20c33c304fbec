"""Keys beside results: what a result was made from, and so whether a job is done, can go on, or is to do.

A result lies beside a record (`result_records.py`) with its key. The key names settings, data and seed, never a path
or a device, so a folder can move and a repeated bench finds everything in place. What is finished is never removed
unless that is asked for: a result with another key is set aside.
"""

import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from i2i.benchmarks.results_folder.result_records import MADE_FROM, Record, first_fault, read_record, write_record
from i2i.config import RunConfig, stable_hash
from i2i.errors import Damaged, UserError
from i2i.runs.checkpoint_meta import FORMAT
from i2i.runs.folder import CHECKPOINTS, newest_checkpoint
from i2i.utils.json_documents import Count, Document, what_does_not_fit

KEY_FILE = "key.json"
REAL = "real"
DONE, TO_DO, DAMAGED = "done", "to do", "damaged"
ASIDE = "set-aside"
"""Folder, beside a result, of those that were in its place."""

log = logging.getLogger(__name__)


def training_key(config: RunConfig, domains: Sequence[str], fingerprint: str, code: str | None = None) -> str:
    """Key of a training: resolved settings, domains in order, data, and the hash of a file of one's own."""
    return stable_hash([FORMAT, config.key(fingerprint), list(domains), *([code] if code else [])])


class Measured(Document):
    """What a result cost, where that was measured."""

    peak_memory: Count | None = None
    images: Count | None = None
    seconds: float | None = None
    macs: Count | None = None
    evaluations: Count | None = None


def measured(folder: Path) -> dict[str, Any]:
    """What the record of a finished folder says that it cost; empty if there is none.

    Raises:
        Damaged: if the record is not as it was written, or holds something else.
        UserError: if it cannot be read just now.
    """
    path = folder / KEY_FILE
    record = read_record(path)
    if record is None:
        return {}
    remedy = f"remove {path}, and what it vouches for is made again by i2i bench"
    if record.fault:
        raise Damaged(f"{path.parent}: {record.fault}", remedy)
    try:
        return Measured.model_validate(record.contents).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise Damaged(f"{path} {what_does_not_fit(error)}", remedy) from None


def write_key(folder: Path, key: str, files: Iterable[Path] = (), **costs: object) -> None:
    """Say what a folder's contents were made from, what that cost, and what the files of it are."""
    write_record(folder / KEY_FILE, {"key": key, **costs}, folder, files)


def files_in(folder: Path) -> list[Path]:
    """All files below a folder but its record and hidden ones."""
    return [path for path in folder.rglob("[!.]*") if path.is_file() and path != folder / KEY_FILE]


@dataclass(frozen=True)
class StoredResult:
    """Where a job leaves its result.

    Attributes:
        record: the file with its key.
        folder: below which the files lie that the record vouches for.
        whole: what goes when the result goes, the record first.
        sources: by kind the places of those results that it is made from, and depends on the contents of.
    """

    record: Path
    folder: Path
    whole: tuple[Path, ...]
    sources: "Mapping[str, StoredResult]" = field(default_factory=dict)

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """A result that is a folder with a key.json."""
        return cls(folder / KEY_FILE, folder, (folder,))

    @classmethod
    def of_scores(cls, path: Path, sources: "Mapping[str, StoredResult] | None" = None) -> Self:
        """A file of scores that holds its own key, and the tables beside it."""
        return cls(path, path.parent, (path, path.with_suffix(".images.csv")), sources or {})

    def read(self) -> Record | None:
        """Its record; UserError if there is one that cannot be read."""
        return read_record(self.record)

    def key(self) -> str | None:
        """The key of what is here; None if there is none, or its record is damaged."""
        record = self.read()
        return record.key if record else None

    def state(self, key: str | None) -> str:
        """`done` if a sound result with that key is here, else `to do`, or `damaged`, and why.

        Sources that are not those that it was made from are a reason to make it again, damaged ones are none.

        Raises:
            UserError: if what is there cannot be read.
        """
        record = self.read()
        if record is None:
            return TO_DO
        if record.fault:
            return f"{DAMAGED}: {record.fault}"
        if record.key != key:
            return "to do: what is there was made from other settings or data"
        fault = first_fault(self.folder, record.files)
        if fault:
            return f"{DAMAGED}: {fault}"
        for kind, source in self.sources.items():
            now = source.read()
            if kind in record.made_from and now and not now.fault and now.identity != record.made_from[kind]:
                return f"to do: what is there was made from another state of the {kind}"
        return DONE

    def evidence(self) -> list[str]:
        """The texts that say what is here, for comparing: empty ones where nothing is."""
        return [_text(self.record)]

    def identities(self) -> dict[str, dict[str, str]]:
        """For the record of a result: what it is going to be made from; UserError if any of it is not sound."""
        return {MADE_FROM: {kind: place.require_intact().identity for kind, place in self.sources.items()}}

    def require_intact(self) -> Record:
        """Its record, after every file of it was read; UserError if one is not as it was written."""
        record = self.read() or Record(None, {}, f"{self.record.name} is gone")
        fault = record.fault or first_fault(self.folder, record.files, read_all=True)
        if fault:
            raise UserError(f"{self.folder} is damaged: {fault}; run the bench again, which makes it again")
        return record

    def make_room(self, key: str) -> None:
        """See to it that nothing is here: a result of another key is set aside, which is reported; leftovers go."""
        record = self.read()
        if record is not None and record.key != key:
            self.set_aside(record.fault or "it was made from other settings or data")
        elif record is None and any((self.folder / CHECKPOINTS).glob("[0-9]*")):
            self.set_aside(f"its {KEY_FILE} is gone")
        self.clear()

    def set_aside(self, reason: str) -> None:
        """Move what is here to where nothing touches it, and tell."""
        first = self.whole[0]
        for number in count(1):
            aside = first.parent / ASIDE / str(number)
            if not any((aside / path.name).exists() for path in self.whole):
                break
        aside.mkdir(parents=True, exist_ok=True)
        for path in (path for path in self.whole if path.exists()):
            path.rename(aside / path.name)
        log.warning("%s: %s. It is kept as %s; remove that once it is not needed", first, reason, aside / first.name)

    def clear(self) -> None:
        """Remove what is here, the record first: what is half removed must not look done."""
        self.record.unlink(missing_ok=True)
        for path in self.whole:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def lack_of(folder: Path) -> str | None:
    """Why a folder is not complete, which has a key and every file that its record vouches for; None if it is."""
    record = StoredResult.of_folder(folder).read()
    if record is None:
        return "not finished"
    fault = record.fault or first_fault(folder, record.files)
    return f"{DAMAGED}: {fault}" if fault else None


@dataclass(frozen=True)
class StoredRun(StoredResult):
    """A run folder, where a training leaves its checkpoints."""

    def state(self, key: str | None) -> str:
        """As of every place; of a training that was interrupted `resumable at step N of M`."""
        state = super().state(key)
        if state != DONE:
            return state
        try:
            checkpoint = newest_checkpoint(self.folder)
        except UserError as error:  # the job meets it as well, and goes on from an earlier one or says what to do
            what = error.what if isinstance(error, Damaged) else str(error)
            return f"{DAMAGED}: {what}"
        if checkpoint is None:
            return TO_DO
        position = checkpoint.position
        if not checkpoint.finished:
            return f"resumable at step {position.step} of {position.steps}"
        record = self.read()
        return DONE if record and record.files else "to do: its last checkpoint is not recorded yet"

    def evidence(self) -> list[str]:
        """Those of every place, and of the newest checkpoint."""
        newest = sorted((self.folder / CHECKPOINTS).glob("[0-9]*/checkpoint.json"))[-1:]
        return [*super().evidence(), *map(_text, newest)]


def identity_of(folder: Path) -> str | None:
    """What tells the contents of a folder from others under the same key; None if it has no record."""
    record = read_record(folder / KEY_FILE)
    return record.identity if record else None


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
