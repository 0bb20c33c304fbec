"""Worker processes that stay alive between jobs.

A job that fails does not stop the others; one whose process dies (out of memory, killed) is reported as
failed and a new process takes its place.
"""

import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from i2i.benchmarks.plan import Job
from i2i.errors import TrainingError, UserError

SPAWN = get_context("spawn")

Report = Callable[[str], None]
"""How a job says how far it is."""


class Listener(Protocol):
    """Somebody who follows the jobs."""

    def started(self, job: Job) -> None:
        """A worker has taken the job."""

    def progressed(self, job: Job, text: str) -> None:
        """The job says how far it is."""

    def ended(self, job: Job, error: str | None) -> None:
        """The job is done, or failed with `error`, or was not run because of `error`."""


@dataclass
class Outcome:
    """Errors by job name; a job that is not among them succeeded."""

    errors: dict[str, str] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)


def run_jobs(jobs: Iterable[Job], functions: str, workers: int, threads: int, listener: Listener) -> Outcome:
    """Run jobs in worker processes, each after those it needs, the heavy ones first.

    Args:
        jobs: with names that are all different; `needs` of other names count as done.
        functions: module whose functions the jobs name; each takes a `Report` and the job's arguments.
        workers: number of processes.
        threads: CPU threads for each.
        listener: who is told.
    """
    waiting = sorted(jobs, key=lambda job: -job.weight)
    outcome, open_names = Outcome(), {job.name for job in waiting}
    crew = [_Worker(functions, threads) for _ in range(min(workers, len(waiting)))]
    try:
        while waiting or any(worker.job for worker in crew):
            _drop_hopeless(waiting, open_names, outcome, listener)
            for worker in crew:
                job = _next_ready(waiting, open_names) if worker.job is None else None
                if job is not None:
                    waiting.remove(job)
                    worker.start(job)
                    listener.started(job)
            _listen(crew, open_names, outcome, listener)
    finally:
        for worker in crew:
            worker.stop()
    return outcome


def _next_ready(waiting: list[Job], open_names: set[str]) -> Job | None:
    return next((job for job in waiting if not open_names & set(job.needs)), None)


def _drop_hopeless(waiting: list[Job], open_names: set[str], outcome: Outcome, listener: Listener) -> None:
    """Remove the jobs that need one which failed or was dropped itself."""
    lost = {**outcome.errors, **outcome.not_run}
    hopeless = [job for job in waiting if any(need in lost for need in job.needs)]
    for job in hopeless:
        cause = next(need for need in job.needs if need in lost)
        outcome.not_run[job.name] = f"not run, because {cause} failed"
        waiting.remove(job)
        open_names.discard(job.name)
        listener.ended(job, outcome.not_run[job.name])
    if hopeless:
        _drop_hopeless(waiting, open_names, outcome, listener)


def _listen(crew: list["_Worker"], open_names: set[str], outcome: Outcome, listener: Listener) -> None:
    """Wait for a message or a death, and act on it."""
    busy = [worker for worker in crew if worker.job]
    if not busy:
        return
    ready = wait([worker.connection for worker in busy], timeout=1.0)
    for worker in busy:
        if worker.connection not in ready:
            continue
        job = worker.job
        assert job is not None
        kind, text = worker.receive()
        if kind == "progress":
            listener.progressed(job, text)
            continue
        worker.job = None
        open_names.discard(job.name)
        if kind == "failed":
            outcome.errors[job.name] = text
        listener.ended(job, text if kind == "failed" else None)


class _Worker:
    """A process and the pipe to it; replaced from within when it dies."""

    def __init__(self, functions: str, threads: int) -> None:
        self._functions, self._threads = functions, threads
        self.job: Job | None = None
        self._launch()

    def _launch(self) -> None:
        self.connection, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_work, args=(theirs, self._functions, self._threads), daemon=True)
        self._process.start()
        theirs.close()

    def start(self, job: Job) -> None:
        self.job = job
        if not self._process.is_alive():  # it died while it had nothing to do
            self._launch()
        self.connection.send((job.function, dict(job.arguments)))

    def receive(self) -> tuple[str, str]:
        """The next message: ("progress" | "done" | "failed", text)."""
        try:
            kind, text = self.connection.recv()
        except (EOFError, ConnectionError):
            self._process.join()
            status = self._process.exitcode
            self._launch()
            return "failed", f"its process died with status {status} (out of memory, or killed)"
        return str(kind), str(text)

    def stop(self) -> None:
        self._process.terminate()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()


def _work(connection: Connection, functions: str, threads: int) -> None:
    """The life of a worker: take a job, run it, say how it ended."""
    import importlib

    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)
    module = importlib.import_module(functions)
    while True:
        try:
            function, arguments = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        connection.send(_run(getattr(module, function), _throttled(connection), arguments))


def _run(function: Callable[..., None], report: Report, arguments: Mapping[str, Any]) -> tuple[str, str]:
    try:
        function(report, **arguments)
    except (UserError, TrainingError) as error:
        return "failed", str(error)
    except Exception:
        return "failed", traceback.format_exc()
    return "done", ""


def _throttled(connection: Connection, seconds: float = 0.5) -> Report:
    last = [0.0]

    def report(text: str) -> None:
        if time.monotonic() - last[0] >= seconds:
            last[0] = time.monotonic()
            connection.send(("progress", text))

    return report
