"""How long the rest of a bench takes: from what jobs have taken, and how far those are that run. Nothing is guessed.

A job that waits is taken to last as long as others of its kind, those of its own method first, by the share of the
budget. Kinds of which nothing was measured yet are named and not counted.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import JobId

SHARE = re.compile(r"(\d+)%|(\d+) of (\d+) ")
ENOUGH = 0.05
"""Share of a job from which on its speed is relied on."""


@dataclass
class Estimate:
    """Follows the jobs of a bench.

    Attributes:
        jobs: those that are still to be done.
        measured: seconds of others that were done earlier, with the job.
        clock: tells seconds.
        tried: seconds of training runs by method, for each unit of weight, by a few steps; None where they cannot be
            told. They hold until a training of the method is measured.
        at_a_time: jobs that run side by side; more if more are seen to.
    """

    jobs: Iterable[Job]
    measured: Iterable[tuple[Job, float]] = ()
    clock: Callable[[], float] = time.monotonic
    tried: Mapping[str | None, float | None] = field(default_factory=dict)
    at_a_time: int = 1
    _began: dict[JobId, float] = field(default_factory=dict)
    _shares: dict[JobId, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._open = {job.id: job for job in self.jobs}
        self._measured = list(self.measured)

    def started(self, job: Job) -> None:
        """A job runs from now on."""
        self._began[job.id] = self.clock()
        self._shares[job.id] = 0.0
        self.at_a_time = max(self.at_a_time, len(self._began))

    def progressed(self, job: Job, text: str) -> None:
        """A job says how far it is, such as `34%, ...` or `2 of 6 directions`."""
        found = SHARE.match(text)
        if found and job.id in self._began:
            percent, done, total = found.groups()
            self._shares[job.id] = int(percent) / 100 if percent else int(done) / max(1, int(total))

    def stopped(self, job: Job) -> None:
        """A job does not run any more, and has to start again."""
        self._began.pop(job.id, None)

    def ended(self, job: Job, well: bool) -> None:
        """A job is done, or has failed."""
        began = self._began.pop(job.id, None)
        self._open.pop(job.id, None)
        if well and began is not None:
            self._measured.append((job, self.clock() - began))

    def text(self) -> str:
        """`about 5 min 10 s left`, with the kinds that are not counted; empty where
        nothing was measured, or nothing of that is left."""
        from i2i.utils.wording import duration  # which imports torch

        whole = [(job, self._seconds(job)) for job in self._open.values()]
        left = [seconds - self._elapsed(job.id) for job, seconds in whole if seconds is not None]
        if not left:
            return ""
        known = [max(0.0, seconds) for seconds in left]
        lacking = sorted({self._kind(job) for job, seconds in whole if seconds is None})
        seconds = max([sum(known) / self.at_a_time, *known])
        if lacking and seconds < 1:  # all that counts is what was not measured
            return ""
        without = f", not counting: {', '.join(lacking)}" if lacking else ""
        return f"about {duration(seconds)} left{without}"

    def _seconds(self, job: Job) -> float | None:
        """Of a whole job; None if neither it nor one of its kind was measured."""
        share = self._shares.get(job.id, 0.0)
        if job.id in self._began and share >= ENOUGH:
            return self._elapsed(job.id) / share
        rate = self._rate(job)
        return None if rate is None else rate * max(1.0, job.weight)

    def _rate(self, job: Job) -> float | None:
        """Seconds per weight: of its own method, measured or else tried, or of others."""
        rates = self._rates()
        own = (job.id.kind, job.method)
        if own not in rates and job.stage == "train" and job.method in self.tried:
            return self.tried[job.method]
        return next((rates[kind] for kind in (own, (job.id.kind, None), (job.stage, None)) if kind in rates), None)

    def _kind(self, job: Job) -> str:
        """What is not counted: a stage, or training runs of which others are counted."""
        return f"train of {job.method}" if job.stage == "train" and self.tried else job.stage

    def _rates(self) -> Mapping[tuple[str, str | None], float]:
        """Seconds per weight, by kind and method, and by kind or stage alone."""
        running = [
            (self._open[job], self._elapsed(job) / share)
            for job, share in self._shares.items()
            if job in self._began and job in self._open and share >= ENOUGH
        ]
        found: dict[tuple[str, str | None], list[tuple[Job, float]]] = {}
        for job, seconds in (*self._measured, *running):
            for kind in {(job.id.kind, job.method), (job.id.kind, None), (job.stage, None)}:
                found.setdefault(kind, []).append((job, seconds))
        return {
            kind: sum(seconds for _, seconds in some) / sum(max(1.0, job.weight) for job, _ in some)
            for kind, some in found.items()
        }

    def _elapsed(self, job: JobId) -> float:
        return self.clock() - self._began[job] if job in self._began else 0.0
