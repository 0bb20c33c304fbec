"""The functions of `jobs.py` as workers call them: one process at a time, with a record of how it went.

Every function takes two arguments more, the results folder `bench` and the id of the `job`.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from i2i.benchmarks.execution import jobs
from i2i.benchmarks.execution.local_executor import Report
from i2i.benchmarks.folder import job_records
from i2i.benchmarks.folder.cache_keys import DAMAGED, DONE, state_of
from i2i.benchmarks.folder.versions import versions
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.plan import Job
from i2i.errors import UserError
from i2i.utils.disk_full import is_disk_full
from i2i.utils.locks import tried

log = logging.getLogger(__name__)

BUSY = "another bench is at work on it"
"""The error of a job whose lock is taken, by which a bench knows to look at it again later."""


def __getattr__(function: str) -> Callable[..., None]:
    return partial(_tracked, getattr(jobs, function))


def _tracked(function: Callable[..., None], report: Report, *, bench: Path, job: JobId, **arguments: Any) -> None:
    """Run a job function; UserError with the text `BUSY` if another process is at the same job."""
    with tried(job_records.lock_path(bench, job)) as mine:
        if not mine:
            raise UserError(BUSY)
        state = state_of(Job(job, "", arguments))
        if state == DONE:  # by another bench, meanwhile
            return
        if state.startswith(DAMAGED):
            log.warning("%s; it is made again", state)
        with _explained(bench):
            job_records.started(bench, job, arguments.get("key"), versions())
            began = time.perf_counter()
            function(report, **arguments)
            job_records.done(bench, job, time.perf_counter() - began)


@contextmanager
def _explained(bench: Path) -> Iterator[None]:
    """Turn the errors of a full disk, which every library words differently, into one line."""
    try:
        yield
    except Exception as error:
        if not is_disk_full(error, bench):
            raise
        raise UserError(f"the disk of {bench} is full: make room and run it again, its work is kept") from None
