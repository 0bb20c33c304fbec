"""The jobs as lines in the terminal."""

from typing import Any, Self

from i2i.benchmarks.analysis.number_format import error_line
from i2i.benchmarks.execution.estimate import Estimate
from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import JobId
from i2i.utils.progress import is_live
from i2i.utils.text import one_line


class JobLines:
    """Shows the jobs: a live table of those that run on a terminal, a line per start and end elsewhere."""

    def __init__(self, total: int, estimate: Estimate) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[status]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not is_live(self._console),
        )
        self._total, self._ended, self._estimate = total, 0, estimate
        self._overall = self._bars.add_task("bench", total=total, status=f"0 of {total} jobs")
        self._tasks: dict[JobId, Any] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def started(self, job: Job) -> None:
        """Show that a job runs."""
        self._estimate.started(job)
        self._tasks[job.id] = self._bars.add_task(f"  {one_line(job.name)}", total=None, status="")

    def progressed(self, job: Job, text: str) -> None:
        """Show how far it is, and the bench."""
        self._estimate.progressed(job, text)
        self._show_overall()
        self._bars.update(self._tasks[job.id], status=one_line(text))

    def noted(self, job: Job, text: str) -> None:
        """Say it in a line that stays."""
        self._say(f"{job.name}: {text}")

    def postponed(self, job: Job) -> None:
        """Show that a job is left to another bench for now."""
        self._estimate.stopped(job)
        self._remove(job)

    def lost(self, job: Job, reason: str) -> None:
        """Say why it starts again."""
        self._estimate.stopped(job)
        self._remove(job)
        self._say(f"{job.name}: {reason}")

    def ended(self, job: Job, error: str | None) -> None:
        """Show how it ended."""
        self._ended += 1
        self._estimate.ended(job, error is None)
        self._remove(job)
        self._show_overall()
        if error or not is_live(self._console):
            how = f"FAILED: {error_line(error)}" if error else "done"
            left = self._estimate.text()
            self._say(f"[{self._ended}/{self._total}] {job.name}: {how}{f' ({left})' if left else ''}")

    def _show_overall(self) -> None:
        status = ", ".join(filter(None, (f"{self._ended} of {self._total} jobs", self._estimate.text())))
        self._bars.update(self._overall, completed=self._ended, status=status)

    def _remove(self, job: Job) -> None:
        if job.id in self._tasks:
            self._bars.remove_task(self._tasks.pop(job.id))

    def _say(self, line: str) -> None:
        self._console.print(one_line(line), markup=False, highlight=False, soft_wrap=True)
