"""Keys beside results: what a result was made from, and so whether a job is done, can go on, or is to do.

A result lies beside a small JSON file with its key. The key names settings, data and seed, never a path or a device, so
a folder can move and a repeated bench finds everything in place.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.atomic_write import write_text
from i2i.benchmarks.plan import Job
from i2i.checkpoint import newest_checkpoint
from i2i.checkpoint_meta import FORMAT
from i2i.config import RunConfig, stable_hash
from i2i.documents import Count, Document, read_document
from i2i.errors import UserError

KEY_FILE = "key.json"
REAL = "real"
DONE, TO_DO = "done", "to do"


def training_key(config: RunConfig, domains: Sequence[str], fingerprint: str, code: str | None = None) -> str:
    """Key of a training: resolved settings, domains in order, data, and the hash of a file of one's own."""
    return stable_hash([FORMAT, config.key(fingerprint), list(domains), *([code] if code else [])])


class KeyFile(Document):
    """What stands beside a result: its key, and what it cost where that was measured."""

    key: str
    peak_memory: Count | None = None
    pictures: Count | None = None
    seconds: float | None = None
    multiply_adds: Count | None = None


def write_key(folder: Path, key: str, **costs: Any) -> None:
    """Say what a folder's contents were made from, and what that cost."""
    write_text(folder / KEY_FILE, json.dumps({"key": key, **costs}))


def key_of(folder: Path) -> str | None:
    """The key of a folder; None if it is missing or unreadable."""
    return stored_key(folder / KEY_FILE)


def stored_key(path: Path) -> str | None:
    """The key that a JSON file holds; None if there is none."""
    try:
        found = key_file(path)
    except UserError:
        return None
    return None if found is None else found.key


def key_file(path: Path) -> KeyFile | None:
    """The key in a JSON file, and the costs beside it; None without a file.

    Raises:
        Damaged: if the file holds something else.
        UserError: if it cannot be read just now.
    """
    return read_document(KeyFile, path, f"remove {path}, and what it vouches for is made again by i2i bench")


def clear(folder: Path) -> None:
    """Remove a folder, its key first: one that is half removed must not look done."""
    (folder / KEY_FILE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def state_of(job: Job) -> str:
    """`done`, `to do`, or of a training that was interrupted `resumable at step N of M`.

    A job without a key or a place of its own is always to do.
    """
    arguments = job.arguments
    key = arguments.get("key")
    if "run" in arguments:
        return _state_of_training(arguments["run"], key)
    files = _result_files(arguments)
    return DONE if files and all(file.is_file() for file in files) and stored_key(files[0]) == key else TO_DO


def evidence(job: Job) -> list[str]:
    """The texts that say what the job has left, for comparing: empty ones where nothing is there."""
    if "run" in job.arguments:
        run: Path = job.arguments["run"]
        newest = sorted((run / "checkpoints").glob("[0-9]*/checkpoint.json"))[-1:]
        return [_text(file) for file in (run / KEY_FILE, *newest)]
    return [_text(file) for file in _result_files(job.arguments)[:1]]


def forget(job: Job) -> None:
    """Remove what the job has left, so that it is to do."""
    if "run" in job.arguments:
        clear(job.arguments["run"])
    for file in _result_files(job.arguments):
        if file.name == KEY_FILE:
            clear(file.parent)
        file.unlink(missing_ok=True)


def _state_of_training(run: Path, key: str | None) -> str:
    if key_of(run) != key:
        return TO_DO
    try:
        checkpoint = newest_checkpoint(run)
    except UserError:  # the job meets it as well, and its message says what to do
        return TO_DO
    if checkpoint is None:
        return TO_DO
    position = checkpoint.position
    return DONE if checkpoint.finished else f"resumable at step {position.step} of {position.steps}"


def _result_files(arguments: Mapping[str, Any]) -> list[Path]:
    """The files that are there when the job is done; the first holds its key."""
    if "path" in arguments:
        path: Path = arguments["path"]
        return [path.parent / KEY_FILE, path]
    if "out" not in arguments:
        return []
    out: Path = arguments["out"]
    return [out if out.suffix == ".json" else out / KEY_FILE]


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
