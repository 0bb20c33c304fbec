"""Which job is next, and what becomes of one whose worker is lost. Where jobs run is an executor's."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import JobId

RETRIES = 2
"""How often a job starts again after its worker was lost. One that eats all memory would be lost for ever."""


ENDS = frozenset({"done", "failed", "lost"})
"""Kinds of an event that is a job's last."""


class Listener(Protocol):
    """Gets the events of jobs."""

    def started(self, job: Job) -> None:
        """A worker has taken the job."""

    def progressed(self, job: Job, text: str) -> None:
        """The job says how far it is."""

    def noted(self, job: Job, text: str) -> None:
        """The job has something to say that stays."""

    def lost(self, job: Job, reason: str) -> None:
        """The job's worker is gone, and the job is going to start again."""

    def ended(self, job: Job, error: str | None) -> None:
        """The job is done, or failed with `error`, or was not run because of `error`."""


@dataclass(frozen=True)
class Event:
    """What an executor has to say of a job; `text` is progress, a note, its last word, an error or why it was lost."""

    job: JobId
    kind: Literal["started", "progress", "noted", "done", "failed", "lost"]
    text: str = ""


class Executor(Protocol):
    """Where jobs run."""

    def free(self) -> bool:
        """Whether it takes another job now."""

    def start(self, job: Job) -> None:
        """Take a job; called when free."""

    def events(self) -> list[Event]:
        """What happened since the last call, waiting up to a second for it. Asked only while jobs run.

        Of each start there is one last event: done, failed or lost.
        """

    def stop(self) -> None:
        """Let go of all workers, also of those in mid-job."""


@dataclass
class Outcome:
    """Errors by job; a job that is not among them succeeded."""

    errors: dict[JobId, str] = field(default_factory=dict)
    not_run: dict[JobId, str] = field(default_factory=dict)


def run_jobs(jobs: Iterable[Job], executor: Executor, listener: Listener) -> Outcome:
    """Run jobs, each after those it needs, the heavy ones first, and stop the executor.

    A job that fails takes only those along that need it. One whose worker is lost starts again, `RETRIES` times.

    Args:
        jobs: with ids that are all different; `needs` of others count as done.
        executor: where they run.
        listener: gets the events.
    """
    schedule = _Schedule(jobs, executor, listener)
    try:
        schedule.start_ready()
        while schedule.running:
            for event in executor.events():
                schedule.handle(event)
            schedule.drop_unrunnable()
            schedule.start_ready()
    finally:
        executor.stop()
    return schedule.outcome


class _Schedule:
    def __init__(self, jobs: Iterable[Job], executor: Executor, listener: Listener) -> None:
        self.waiting = sorted(jobs, key=lambda job: -job.weight)
        self.running: dict[JobId, Job] = {}
        self.outcome = Outcome()
        self._losses = Counter[JobId]()
        self._executor, self._listener = executor, listener

    def drop_unrunnable(self) -> None:
        """Remove the jobs that need one which failed or was dropped itself."""
        lost = {**self.outcome.errors, **self.outcome.not_run}
        unrunnable = [job for job in self.waiting if any(need in lost for need in job.needs)]
        for job in unrunnable:
            cause = next(need for need in job.needs if need in lost)
            self.outcome.not_run[job.id] = f"not run, because {cause} failed"
            self.waiting.remove(job)
            self._listener.ended(job, self.outcome.not_run[job.id])
        if unrunnable:
            self.drop_unrunnable()

    def start_ready(self) -> None:
        """Give the executor what is ready, as long as it takes more."""
        while self._executor.free() and (job := self._next_ready()):
            self.waiting.remove(job)
            self.running[job.id] = job
            self._executor.start(job)

    def _next_ready(self) -> Job | None:
        unfinished = self.running.keys() | {job.id for job in self.waiting}
        return next((job for job in self.waiting if not unfinished & set(job.needs)), None)

    def handle(self, event: Event) -> None:
        """Act on what the executor says."""
        job = self.running[event.job]
        if event.kind == "started":
            self._listener.started(job)
        elif event.kind == "progress":
            self._listener.progressed(job, event.text)
        elif event.kind == "noted":
            self._listener.noted(job, event.text)
        elif event.kind == "lost":
            self._start_again(job, event.text)
        else:
            self._end(job, event.text if event.kind == "failed" else None)

    def _start_again(self, job: Job, reason: str) -> None:
        self._losses[job.id] += 1
        if self._losses[job.id] > RETRIES:
            self._end(job, f"{reason}, each of {RETRIES + 1} times that it was started")
            return
        self._listener.lost(job, f"{reason}; it starts again ({self._losses[job.id]} of {RETRIES} retries)")
        self.waiting.insert(0, self.running.pop(job.id))

    def _end(self, job: Job, error: str | None) -> None:
        del self.running[job.id]
        if error is not None:
            self.outcome.errors[job.id] = error
        self._listener.ended(job, error)
