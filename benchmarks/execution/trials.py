"""What the training runs of a bench take, before any has run: a few steps of each method, in a process of their own.

The process is thrown away, and reads images without the cache: no random stream, no file and no result of the bench
depends on whether there was a trial.
"""

import os
import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from i2i.benchmarks.execution.interrupts import kept_from_children
from i2i.benchmarks.job import Job

if TYPE_CHECKING:
    from i2i.benchmarks.jobs.train import Train

SPAWN = get_context("spawn")
FEWEST_STEPS = 200
"""Where all training runs are shorter, they are not worth a trial."""
SECONDS_TO_START = 30.0
SECONDS = 5.0
"""For each method; one that takes longer stays unmeasured."""
PATIENCE = 1.0
"""Seconds of a first step from which on it is not repeated."""


def worth_trying(jobs: Iterable[Job], measured: Iterable[Job]) -> "list[Train]":
    """Of each method that learns and whose training runs are not measured yet the first one, if any is long."""
    from i2i.benchmarks.jobs.train import Train

    known = {job.method for job in measured if isinstance(job, Train)}
    firsts: dict[str | None, Train] = {}
    for job in jobs:
        if isinstance(job, Train) and job.method not in known and not learns_nothing(job):
            firsts.setdefault(job.method, job)
    return list(firsts.values()) if any(map(_is_long, firsts.values())) else []


def rates(jobs: "Sequence[Train]", device: str | None, threads: int) -> dict[str | None, float | None]:
    """Seconds of training runs by method, for each unit of weight; None where a few steps take too long or fail.

    Loading, samples, evaluations and checkpoints are not counted.

    Args:
        jobs: training runs, one of each method.
        device: as `choose_device` takes it.
        threads: CPU threads of a worker.
    """
    found: list[float | None] = []
    with _process(jobs, device, threads) as answers:
        if answers.poll(SECONDS_TO_START):
            found.extend(_received(answers, len(jobs)))
    found += [None] * (len(jobs) - len(found))
    return {
        job.method: None if seconds is None else seconds / max(1.0, job.weight)
        for job, seconds in zip(jobs, found, strict=True)
    }


def learns_nothing(job: Job) -> bool:
    """Whether a training has no budget."""
    return job.weight <= 1


def _is_long(job: "Train") -> bool:
    """Whether a training has many steps; one that ends by the clock has."""
    from i2i import registry
    from i2i.training.budget import images_per_step

    config = job.config()
    unit, amount = config.train.budget
    per_step = images_per_step(config, registry.get(config.name)) if unit == "images" else 1
    return unit == "seconds" or amount / per_step >= FEWEST_STEPS


@contextmanager
def _process(training_runs: "Sequence[Train]", device: str | None, threads: int) -> Iterator[Connection]:
    """A process that says when it is ready, and then the seconds of each training."""
    ours, theirs = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_work, args=(theirs, pickle.dumps(training_runs), device, threads), daemon=True)
    with kept_from_children():
        process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()


def _received(answers: Connection, count: int) -> Iterator[float | None]:
    """What the process answers in time, until it does not."""
    try:
        answers.recv()
        for _ in range(count):
            if not answers.poll(SECONDS):
                return
            yield answers.recv()
    except EOFError:  # it has died, of want of memory perhaps, which the training itself will tell
        return


def _work(connection: Connection, training_runs: bytes, device: str | None, threads: int) -> None:
    """The life of the process."""
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when torch is imported
    import torch

    torch.set_num_threads(threads)
    import_module("i2i.training.profiling")  # and all that it needs, which is not to count as time of the first method
    jobs = pickle.loads(training_runs)
    connection.send("ready")
    for job in jobs:
        connection.send(_seconds(job, device))


def _seconds(job: "Train", device: str | None) -> float | None:
    from i2i.data.open import open_data
    from i2i.training.device import choose_device
    from i2i.training.profiling import few, measure
    from i2i.training.setup import task_of

    try:
        config = job.config()
        data = open_data(config.data).restricted(job.domains)
        return measure(config, task_of(config, data), few(data, config), choose_device(device), PATIENCE).seconds
    except Exception:
        return None  # whatever is wrong, the training itself will tell it as its own error
