"""Jobs as workers perform them: one process at a time, with a record of how it went."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.results_folder import job_records
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import DAMAGED, DONE
from i2i.benchmarks.results_folder.versions import versions
from i2i.errors import UserError
from i2i.training.device import choose_device
from i2i.utils.disk_full import is_disk_full
from i2i.utils.locks import tried
from i2i.utils.memory import freed_memory_kept

log = logging.getLogger(__name__)

BUSY = "another bench is at work on it"
"""The error of a job whose lock is taken, by which a bench knows to look at it again later."""


@dataclass(frozen=True)
class Runner:
    """Performs jobs in a worker.

    Attributes:
        bench: the results folder.
        device: as `choose_device` takes it.
    """

    bench: Path
    device: str | None = None

    def __call__(self, job: Job, report: Report) -> None:
        """Perform a job; UserError with the text `BUSY` if another process is at the same one."""
        with tried(ResultsFolder(self.bench).lock(job.id)) as mine:
            if not mine:
                raise UserError(BUSY)
            state = job.result.state(job.key)
            if state == DONE:  # by another bench, meanwhile
                return
            if state.startswith(DAMAGED):
                log.warning("%s; it is made again", state)
            with _explained(self.bench), freed_memory_kept():
                job_records.started(self.bench, job, versions())
                began = time.perf_counter()
                job.perform(report, choose_device(self.device))
                job_records.done(self.bench, job.id, time.perf_counter() - began)


@contextmanager
def _explained(bench: Path) -> Iterator[None]:
    """Turn the errors of a full disk, which every library words differently, into one line."""
    try:
        yield
    except Exception as error:
        if not is_disk_full(error, bench):
            raise
        raise UserError(f"the disk of {bench} is full: make room and run it again, its work is kept") from None
