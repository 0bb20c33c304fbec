"""Worker processes of this machine that stay alive between jobs, and what any worker does with a job."""

import logging
import os
import pickle
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import ModuleType
from typing import Any, Literal

from i2i.benchmarks.execution.scheduler import ENDS, Event
from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.job_id import JobId
from i2i.errors import TrainingError, UserError
from i2i.utils.child_processes import kept_from_children

SPAWN = get_context("spawn")
SECONDS_TO_STOP = 60.0
"""For training runs to end their step and write a checkpoint."""
GPUS = "CUDA_VISIBLE_DEVICES"

Perform = Callable[[Any, Report], str | None]
"""How a worker does a job, and what it then says. It is pickled with the job."""


class LocalExecutor:
    """Runs jobs in processes of this machine. One that dies is replaced by the next job that comes.

    Args:
        run: how a worker does a job.
        slots: one for each process at a time: the GPU that it sees, as `CUDA_VISIBLE_DEVICES` names it; None: all.
        threads: CPU threads for each.
    """

    def __init__(self, run: Perform, slots: Sequence[str | None], threads: int) -> None:
        self._run, self._threads = run, threads
        self._idle = [_Worker(gpu) for gpu in slots]
        self._busy: list[_Worker] = []

    def free(self) -> bool:
        """Whether a worker has nothing to do."""
        return bool(self._idle)

    def start(self, job: Job, run: Perform | None = None) -> None:
        """Give a job to a worker of the GPU that has fewest jobs, if possible to one that lives already.

        With `run` it does something else with the job this time.
        """
        jobs = Counter(worker.gpu for worker in self._busy)
        worker = min(self._idle, key=lambda worker: (jobs[worker.gpu], not worker.alive))
        self._idle.remove(worker)
        self._busy.append(worker)
        worker.start(job, run or self._run, self._threads)

    def events(self) -> list[Event]:
        """A message of every worker that has one."""
        ready = wait([worker.connection for worker in self._busy], timeout=1.0)
        heard = [(worker, worker.receive()) for worker in self._busy if worker.connection in ready]
        for worker, event in heard:
            if event.kind in ENDS:
                self._busy.remove(worker)
                self._idle.append(worker)
        return [event for _, event in heard]

    def stop(self, seconds: float = SECONDS_TO_STOP) -> None:
        """End all processes. Training runs write a checkpoint first; another signal meanwhile ends them at once.

        The jobs that come after it get new ones.

        Args:
            seconds: after which they are killed.
        """
        workers = (*self._busy, *self._idle)
        until = time.monotonic() + seconds
        try:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.join(until - time.monotonic())
        finally:
            for worker in workers:
                worker.kill()
            self._idle, self._busy = list(workers), []


class _Worker:
    """A process, the pipe to it and its job. There is no process before the first job."""

    def __init__(self, gpu: str | None) -> None:
        self.gpu = gpu
        self._job: JobId
        self._process: SpawnProcess | None = None
        self.connection: Connection

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def start(self, job: Job, run: Perform, threads: int) -> None:
        self._job = job.id
        if not self.alive:
            self._launch(threads)
        with suppress(OSError):  # it has just died, which `receive` finds out
            self.connection.send(pickle.dumps((run, job)))

    def _launch(self, threads: int) -> None:
        self.connection, theirs = SPAWN.Pipe()
        arguments = (theirs, threads, {} if self.gpu is None else {GPUS: self.gpu})
        self._process = SPAWN.Process(target=_work, args=arguments, daemon=True)
        with kept_from_children(), _without_main():
            self._process.start()
        theirs.close()

    def receive(self) -> Event:
        try:
            return Event(self._job, *self.connection.recv())
        except (EOFError, OSError):
            assert self._process is not None
            self._process.join()
            return Event(self._job, "lost", f"its process {_cause(self._process.exitcode)}")

    def terminate(self) -> None:
        """End the process: now, or, where its job has work to save, when the job ends."""
        if self._process is not None:
            with suppress(OSError):  # it is dead
                self.connection.send(None)
            self._process.terminate()

    def join(self, seconds: float) -> None:
        if self._process is not None:
            self._process.join(max(0.0, seconds))

    def kill(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()


@contextmanager
def _without_main() -> Iterator[None]:
    """Processes that are started in the block do not run the calling script again, of which no job needs anything."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _cause(status: int | None) -> str:
    """How a process ended, by its exit status, which is negative after a signal."""
    if status is None or status >= 0:
        return f"died with status {status}"
    name = signal.Signals(-status).name if -status in signal.valid_signals() else f"signal {-status}"
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def _work(connection: Connection, threads: int, environment: Mapping[str, str]) -> None:
    """The life of a worker: take a job, run it, say how it ended, until it is to end or the bench is gone."""
    os.environ.update(environment)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while (work := connection.recv()) is not None:
            connection.send(perform(work, threads, lambda *message: connection.send(message)))


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def perform(
    work: bytes,
    threads: int,
    send: Callable[[Literal["started", "progress", "noted"], str], None],
) -> tuple[Literal["done", "failed"], str]:
    """Run a job in this process with so many CPU threads; returns how it ended, and the error or what it says.

    Args:
        work: a pickled pair of `Perform` and job. Reading it imports what they need, such as torch.
        threads: for torch. They can change the last bits of a result.
        send: called when the job starts, with its progress now and then, and with warnings of the bench's loggers.
    """
    send("started", "")
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when torch is imported
    import torch

    torch.set_num_threads(threads)
    try:
        with _warnings_to(lambda text: send("noted", text)):
            run, job = pickle.loads(work)
            said = run(job, _throttled(lambda text: send("progress", text)))
    except (UserError, TrainingError) as error:
        return "failed", str(error)
    except Exception:
        return "failed", traceback.format_exc()
    return "done", said or ""


@contextmanager
def _warnings_to(send_text: Callable[[str], None]) -> Iterator[None]:
    """Hand what the bench's loggers warn of to `send_text` in place of standard error."""
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: send_text(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("i2i.benchmarks")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _throttled(report: Report, seconds: float = 0.5) -> Report:
    last = [0.0]

    def throttled(text: str) -> None:
        if time.monotonic() - last[0] >= seconds:
            last[0] = time.monotonic()
            report(text)

    return throttled
