"""The plan of a bench: which training runs serve which directions, and what is done with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2i.benchmarks.directions import Direction, Training, quantity
from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.plan_facts import PlanFacts
from i2i.data.image_files.file_index import FileIndex


@dataclass(frozen=True)
class Plan:
    """Everything a bench is going to do.

    Attributes:
        out: the results folder.
        dataset: name of the data set.
        domains, directions: what is compared.
        training_runs: of all methods, baselines included.
        skipped: names of those that cannot take part, with the reason.
        jobs: in no particular order; `needs` orders them.
        facts: what the report says about data, budget and settings.
        external: names of methods whose images were made elsewhere; they have no training runs.
        files: digests of the images, where they are known.
        warnings: what a quick look at the images found.
    """

    out: Path
    dataset: str
    domains: tuple[str, ...]
    directions: tuple[Direction, ...]
    training_runs: tuple[Training, ...]
    skipped: Mapping[str, str]
    jobs: tuple[Job, ...]
    facts: PlanFacts
    external: tuple[str, ...] = ()
    files: FileIndex | None = None
    warnings: tuple[str, ...] = ()

    def recorded(self) -> dict[str, Any]:
        """What plan.json holds, as `results_folder/plan_file.py` reads it; `keys` are those of the jobs."""
        return {
            **self.facts.as_json(),
            "name": self.dataset,
            "training_runs": [training.settings() for training in self.training_runs],
            "skipped": dict(self.skipped),
            "external": list(self.external),
            "keys": {str(job.id): job.key for job in self.jobs},
        }

    def methods(self) -> tuple[str, ...]:
        """Names of those that take part, in order: the chosen ones, external ones, baselines."""
        trained = dict.fromkeys(training.method for training in self.training_runs)
        reference = [name for name in trained if name in self.facts.baselines]
        return (*(name for name in trained if name not in reference), *self.external, *reference)

    def seeds(self) -> tuple[int, ...]:
        """The seeds, in order."""
        return tuple(dict.fromkeys(training.seed for training in self.training_runs))

    def of(self, method: str, seed: int) -> tuple[Training, ...]:
        """The training runs of a method with a seed."""
        return tuple(t for t in self.training_runs if (t.method, t.seed) == (method, seed))

    def translated_by(self, method: str, seed: int) -> JobId:
        """The job that leaves the translations of a method with a seed."""
        return JobId("external", method) if method in self.external else JobId("translate", method, seed)

    def lines(self, states: Mapping[JobId, str] | None = None) -> list[str]:
        """One line per job, for --dry-run, with its state where `states` has one."""
        budgets = {t.id: f"  ({quantity(t.amount)} {t.unit})" for t in self.training_runs if t.amount}
        return [
            *(f"skip       {name}: {reason}" for name, reason in self.skipped.items()),
            *(_line(job, budgets.get(job.id, ""), (states or {}).get(job.id)) for job in self.jobs),
            f"report     {self.out}",
        ]


def _line(job: Job, budget: str, state: str | None) -> str:
    return f"{job.id.kind:<10} {job.name}{budget}" + (f": {state}" if state else "")
