"""What the training runs of a bench take, before any has run: a few steps of each method, by the workers it then has.

They read images without the cache: no random stream, no file and no result of the bench depends on whether there was
a trial.
"""

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from i2i.benchmarks.execution.local_executor import LocalExecutor, Perform
from i2i.benchmarks.execution.scheduler import ENDS
from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.job_id import JobId

if TYPE_CHECKING:
    from i2i.benchmarks.jobs.train import Train

FEWEST_STEPS = 200
"""Where all training runs are shorter, they are not worth a trial."""
SECONDS_TO_START = 30.0
SECONDS = 5.0
"""For each method; what has not been measured when one takes longer stays unmeasured."""
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


def rates(jobs: "Sequence[Train]", executor: LocalExecutor, device: str | None) -> dict[str | None, float | None]:
    """Seconds of training runs by method, for each unit of weight; None where a few steps fail or are not done in time.

    Loading, samples, evaluations and checkpoints are not counted. When one takes too long all trials end, since those
    beside it and after it may be as slow.

    Args:
        jobs: training runs, one of each method.
        executor: whose workers take the steps, as many methods at a time as it has workers.
        device: as `choose_device` takes it.
    """
    seconds = _seconds_of(jobs, executor, partial(few_steps, device))
    return {job.method: seconds[job.id] / max(1.0, job.weight) if job.id in seconds else None for job in jobs}


def _seconds_of(jobs: "Sequence[Train]", executor: LocalExecutor, run: Perform) -> dict[JobId, float]:
    """What workers say of those that they have measured in time."""
    found: dict[JobId, float] = {}
    waiting, until = list(jobs), dict[JobId, float]()
    try:
        while (waiting or until) and all(time.monotonic() < end for end in until.values()):
            while waiting and executor.free():
                until[waiting[0].id] = time.monotonic() + SECONDS_TO_START
                executor.start(waiting.pop(0), run)
            for event in executor.events():
                if event.kind == "progress":
                    until[event.job] = time.monotonic() + SECONDS
                elif event.kind in ENDS:
                    del until[event.job]
                if event.kind == "done":
                    found[event.job] = float(event.text)
    finally:
        if until:
            executor.stop(seconds=0)  # there is nothing to save
    return found


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


def few_steps(device: str | None, job: "Train", report: Report) -> str:
    """Seconds of a whole training by a few steps of it, as a worker says them; it reports when it begins to measure."""
    import torch

    from i2i.data.open import open_data
    from i2i.training.device import choose_device
    from i2i.training.profiling import few, measure
    from i2i.training.setup import task_of

    config, place = job.config(), choose_device(device)
    data = open_data(config.data).restricted(job.domains)
    task, some = task_of(config, data), few(data, config)
    seconds = measure(config, task, some, place, PATIENCE, lambda: report("begun")).seconds
    if place.type == "cuda":
        torch.cuda.empty_cache()  # the GPU may be shared with other workers
    return repr(seconds)
