"""A bench from its plan to its report: run what is not done yet, write the results.

Several processes can run the same plan in the same folder. Each job is taken by one of them, see `i2i/utils/locks.py`.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from i2i.benchmarks.analysis.number_format import error_line
from i2i.benchmarks.execution.estimate import Estimate
from i2i.benchmarks.execution.executors import ExecutionOptions
from i2i.benchmarks.execution.job_runner import BUSY
from i2i.benchmarks.execution.trials import learns_nothing, rates, worth_trying
from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import STAGES, JobId
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder import job_records
from i2i.benchmarks.results_folder.plan_file import plan_text
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import DONE
from i2i.errors import unknown
from i2i.utils import console, locks
from i2i.utils.atomic_write import write_text

if TYPE_CHECKING:
    from i2i.benchmarks.analysis.groups import By
    from i2i.benchmarks.execution.local_executor import LocalExecutor
    from i2i.benchmarks.execution.progress import JobLines

PAUSE = 0.5  # seconds between checks of what another bench does


def parse_stages(text: str) -> tuple[str, ...]:
    """`score,report` as stages in their order.

    Raises:
        UserError: for a stage that there is not.
    """
    named = [part.strip() for part in text.split(",") if part.strip()]
    for name in named or [text]:
        if name not in STAGES:
            raise unknown("stage", name, STAGES)
    return tuple(stage for stage in STAGES if stage in named)


def run_bench(
    plan: Plan,
    execution: ExecutionOptions,
    stages: Sequence[str] = STAGES,
    force: Sequence[str] = (),
    by: "By" = "auto",
    trial: bool = True,
) -> int:
    """Run what is not done yet, write the report and print the table.

    Args:
        plan: what there is to do.
        execution: where jobs run.
        stages: only these of `STAGES`. A report alone is about what is there.
        force: methods whose work in these stages is made again.
        by: how the main table averages.
        trial: whether a few steps of each method may tell ahead how long it takes.

    Returns:
        Exit status: 0, or 1 if a job failed, or if a report alone lacks jobs.

    Raises:
        UserError: for an unknown method in `force`.
    """
    check_methods(plan, force)
    with _claimed(plan):
        _forget(plan, stages, force)
        if plan.files:
            plan.files.save(ResultsFolder(plan.out).image_digests)
        errors = _Work(plan, stages, execution, trial).run()
        if "report" in stages:
            from i2i.benchmarks.report.update import write_report

            return write_report(plan, errors, by, alone=tuple(stages) == ("report",))
    for job, error in errors.items():
        console.note(f"failed: {job}: {error_line(error)}")
    return 1 if errors else 0


def states_of(plan: Plan) -> dict[JobId, str]:
    """How far each job is: done, to do, resumable, or running and where."""
    states = {job.id: job.result.state(job.key) for job in plan.jobs}
    return {
        job: state if state == DONE else job_records.who_runs(plan.out, job) or state for job, state in states.items()
    }


def check_methods(plan: Plan, names: Sequence[str]) -> None:
    """UserError for a name that no method of the plan has."""
    known = {job.method for job in plan.jobs if job.method}
    for name in names:
        if name not in known:
            raise unknown("method", name, known)


@contextmanager
def _claimed(plan: Plan) -> Iterator[None]:
    """Let only processes with the same plan into the results folder; the plan is written by the first of them."""
    if not locks.available():
        console.note("i2i: this system has no file locks: run one bench per results folder at a time")
    text, announced = plan_text(plan), False
    while (running := _claim(plan, text)) is None:
        if not announced:
            console.note(f"i2i: a bench with another plan runs in {plan.out}: waiting until it ends")
        announced = True
        time.sleep(PAUSE)
    try:
        yield
    finally:
        running.release()


def _claim(plan: Plan, text: str) -> locks.Lock | None:
    folder = ResultsFolder(plan.out)
    file = folder.plan_file
    with locks.held(folder.plan_lock):
        running = locks.Lock(folder.running_lock)
        same = file.is_file() and file.read_text() == text
        if not same and running.exclusive():
            write_text(file, text)
            same = True
        if same and running.shared():
            return running
        running.release()
        return None


def _forget(plan: Plan, stages: Sequence[str], names: Sequence[str]) -> None:
    for job in plan.jobs:
        if job.method in names and job.stage in stages:
            with locks.held(ResultsFolder(plan.out).lock(job.id)):
                job.result.clear()


@dataclass
class _Work:
    """The jobs of chosen stages, run in rounds: what another bench has taken is looked at again after each.

    `executor` has the workers that have tried the models, which then know all that they import.
    """

    plan: Plan
    stages: Sequence[str]
    execution: ExecutionOptions
    trial: bool = True
    executor: "LocalExecutor | None" = None
    ended: set[JobId] = field(default_factory=set)
    errors: dict[JobId, str] = field(default_factory=dict)

    def run(self) -> dict[JobId, str]:
        """Errors by job, of those that failed and those that could not run because of them."""
        if not self._open():
            return self.errors
        from i2i.benchmarks.execution.progress import JobLines

        began, announced = time.monotonic(), False
        estimate = self._estimate()
        self._try_out(estimate)
        if estimate.text():
            console.note(f"i2i: {estimate.text()}{self._measured_by(estimate)}")
        with JobLines(len(self._open()), estimate) as lines:
            while jobs := self._open():
                free = _without(jobs, {job.id for job in jobs if self._is_taken(job)})
                if free:
                    self._round(free, lines)
                    continue
                if not announced:
                    console.note("i2i: what is left is being done by another bench: waiting for it")
                announced = True
                time.sleep(PAUSE)
        self._print_seconds(time.monotonic() - began)
        return self.errors

    def _open(self) -> list[Job]:
        """Jobs of the stages that are not done, and need nothing that neither is nor can be done."""
        states = {job.id: job.result.state(job.key) for job in self.plan.jobs}
        left = [
            job
            for job in self.plan.jobs
            if job.stage in self.stages and states[job.id] != DONE and job.id not in self.ended | self.errors.keys()
        ]
        reachable = {job for job, state in states.items() if state == DONE} | self.ended
        lost = states.keys() - reachable - {job.id for job in left}
        return _without(left, lost)

    def _estimate(self) -> Estimate:
        """Of the open jobs, by the records of those that are done."""
        left = self._open()
        done = {job.id for job in self.plan.jobs} - {job.id for job in left}
        records = [(job, job_records.read(self.plan.out, job.id)) for job in self.plan.jobs if job.id in done]
        measured = [(job, found["seconds"]) for job, found in records if found.get("seconds")]
        return Estimate(left, measured, at_a_time=self.execution.at_a_time if self.execution.is_local else 1)

    def _try_out(self, estimate: Estimate) -> None:
        """Measure a few steps of those who have not trained yet, if they are to train for long on this machine."""
        jobs = estimate.jobs
        worth = (
            worth_trying(jobs, (job for job, _ in estimate.measured)) if self.trial and self.execution.is_local else []
        )
        if not worth:
            return
        names = ", ".join(str(job.method) for job in worth)
        console.note(f"i2i: a few steps of {names}, to tell how long it takes (--no-trial leaves that out)")
        self.executor = self.execution.local(self.plan.out)
        found = rates(worth, self.executor, self.execution.device)
        if any(found.values()):
            idle = {job.method: 0.0 for job in jobs if job.stage == "train" and learns_nothing(job)}
            estimate.tried = {**idle, **found}

    def _measured_by(self, estimate: Estimate) -> str:
        """What an estimate rests on."""
        workers = "1 worker" if estimate.at_a_time == 1 else f"{estimate.at_a_time} workers"
        measured = f"what was measured in {self.plan.out}" if estimate.measured else ""
        tried = f"a few steps of each model, on {workers}" if estimate.tried else ""
        return f", by {' and '.join(filter(None, (measured, tried)))}"

    def _is_taken(self, job: Job) -> bool:
        return locks.is_taken(ResultsFolder(self.plan.out).lock(job.id))

    def _round(self, jobs: Sequence[Job], lines: "JobLines") -> None:
        from i2i.benchmarks.execution.scheduler import run_jobs

        listener = _Listener(self, lines)
        outcome = run_jobs(jobs, self.executor or self.execution.executor(self.plan.out), listener)
        found = {**outcome.errors, **outcome.not_run}
        self.errors.update({job: error for job, error in found.items() if job not in listener.postponed})

    def _print_seconds(self, wall: float) -> None:
        records = [job_records.read(self.plan.out, job) for job in self.ended]
        job_seconds = sum(record.get("seconds", 0) for record in records)
        console.note(f"{len(self.ended)} jobs of {job_seconds:.1f} s in {wall:.1f} s")


@dataclass
class _Listener:
    """Follows a round: records failures, and sets apart the jobs that another bench has taken meanwhile."""

    work: _Work
    lines: "JobLines"
    postponed: set[JobId] = field(default_factory=set)
    begun: set[JobId] = field(default_factory=set)

    def started(self, job: Job) -> None:
        """Show it."""
        self.begun.add(job.id)
        self.lines.started(job)

    def progressed(self, job: Job, text: str) -> None:
        """Show it."""
        self.lines.progressed(job, text)

    def noted(self, job: Job, text: str) -> None:
        """Show it."""
        self.lines.noted(job, text)

    def lost(self, job: Job, reason: str) -> None:
        """Show it."""
        self.lines.lost(job, reason)

    def ended(self, job: Job, error: str | None) -> None:
        """Note how it ended."""
        if error == BUSY or (error and self.postponed & set(job.needs)):
            self.postponed.add(job.id)
            self.lines.postponed(job)
            return
        if error is None:
            self.work.ended.add(job.id)
        elif job.id in self.begun:
            with suppress(OSError):  # the disk may be full, which is then the error
                job_records.failed(self.work.plan.out, job, error)
        self.lines.ended(job, error)


def _without(jobs: Sequence[Job], lost: Collection[JobId]) -> list[Job]:
    """The jobs that are not lost and need none that is, however indirectly."""
    lost = set(lost)
    while found := {job.id for job in jobs if job.id not in lost and lost & set(job.needs)}:
        lost |= found
    return [job for job in jobs if job.id not in lost]
