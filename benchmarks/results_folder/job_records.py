"""What is known of every job: `status/<job>.json` in the results folder, complete whenever it is read.

    {"job": ..., "key": ..., "state": "running" | "done" | "failed", "started": ..., "ended": ..., "seconds": ...,
     "host": ..., "pid": ..., "versions": {...}, "error": ...}

Whether a job is done depends on its result (`staleness.py`). The record says when, where and by whom it was done,
or why it failed.
"""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.errors import UserError
from i2i.utils.atomic_write import write_text
from i2i.utils.json_documents import Document, read_document
from i2i.utils.locks import is_taken


class Record(Document):
    """What is known of a job."""

    job: str
    key: str | None = None
    state: Literal["running", "done", "failed"]
    started: str = "unknown"
    ended: str = "unknown"
    seconds: Annotated[float, Field(ge=0)] = 0.0
    host: str = "an unknown machine"
    pid: int | str = "unknown"
    versions: dict[str, str] = Field(default_factory=dict)
    error: str = ""


def read(out: Path, job: JobId) -> dict[str, Any]:
    """The record of a job; empty if there is none, or one that cannot be read: it decides nothing."""
    try:
        record = read_document(Record, ResultsFolder(out).record(job), "remove it")
    except UserError:
        return {}
    return {} if record is None else record.model_dump(exclude_unset=True)


def started(out: Path, job: Job, versions: Mapping[str, str]) -> None:
    """Record that this process begins with a job."""
    here = {"host": platform.node(), "pid": os.getpid()}
    begun = {"job": job.name, "key": job.key, "state": "running", "started": _now()}
    _write(out, job.id, {**begun, **here, "versions": versions})


def done(out: Path, job: JobId, seconds: float) -> None:
    """Record that a job that was started is done, and how long that took."""
    _write(out, job, {**read(out, job), "state": "done", "ended": _now(), "seconds": round(seconds, 3)})


def failed(out: Path, job: Job, error: str) -> None:
    """Record why a job has failed."""
    known = {"job": job.name, **read(out, job.id), "key": job.key}
    _write(out, job.id, {**known, "state": "failed", "ended": _now(), "error": error})


def failure(out: Path, job: Job) -> str | None:
    """Why the job failed when it was last tried with the same key; None if it did not."""
    record = read(out, job.id)
    same = record.get("state") == "failed" and record.get("key") == job.key
    return str(record.get("error", "")) if same else None


def who_runs(out: Path, job: JobId) -> str | None:
    """Who works on the job at this moment, in words; None if no process does."""
    if not is_taken(ResultsFolder(out).lock(job)):
        return None
    record = read(out, job)
    return f"running on {record.get('host', 'an unknown machine')}, process {record.get('pid', 'unknown')}"


def _write(out: Path, job: JobId, record: Mapping[str, object]) -> None:
    write_text(ResultsFolder(out).record(job), json.dumps(record, indent=1))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
