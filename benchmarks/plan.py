"""The plan of a bench: which trainings serve which directions, and what is done with them. Pure, without torch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from i2i.benchmarks.job_id import JobId, Stage
from i2i.utils.joined_names import direction_name, join_names, one_part

if TYPE_CHECKING:
    import torch

    from i2i.data.decoding.file_index import FileIndex

Direction = tuple[str, str]
CoverageName = Literal["direction", "pair", "all"]


@dataclass(frozen=True)
class Training:
    """One training of one contestant.

    Attributes:
        contestant: its name.
        seed: of weights, data order and draws.
        domains: what it learns between, in the model's order.
        serves: the directions of the bench that it translates.
        amount: its budget; 0 for a method that learns nothing.
        folder: run folder, relative to the results folder.
        unit: of the budget: images, updates or seconds.
    """

    contestant: str
    seed: int
    domains: tuple[str, ...]
    serves: tuple[Direction, ...]
    amount: float
    folder: Path
    unit: str = "images"

    @property
    def id(self) -> JobId:
        """The job that does it."""
        return JobId("train", self.contestant, self.seed, self.folder.name)

    def settings(self) -> dict[str, Any]:
        """As plan.json holds it; `from_settings` gives it back."""
        return {**asdict(self), "folder": self.folder.as_posix()}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """The training that `settings` gave."""
        serves = tuple((source, target) for source, target in settings["serves"])
        located = {"domains": tuple(settings["domains"]), "serves": serves, "folder": Path(settings["folder"])}
        return cls(**{**settings, **located})


class Result(Protocol):
    """What a job leaves: the results folder knows where, and how far it is."""

    def state(self, key: str) -> str:
        """`done` if it is there and sound and has the key; else how far it is, or why it has to be made again."""

    def evidence(self) -> list[str]:
        """The texts that say what is there, for comparing: empty ones where nothing is."""

    def clear(self) -> None:
        """Remove it, so that it is to do."""


Report = Callable[[str], None]
"""How a job says how far it is."""


@dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """One unit of work in a worker process, which it is pickled for.

    Attributes:
        id: unique.
        key: hash of all that the result is made from.
        needs: jobs that must have succeeded.
        weight: the heavier start first.
    """

    id: JobId
    key: str
    needs: tuple[JobId, ...] = ()
    weight: float = 0.0

    @property
    def name(self) -> str:
        """For progress and reports."""
        return str(self.id)

    @property
    def method(self) -> str | None:
        """Whose work it is; None: everybody's."""
        return self.id.method

    @property
    def stage(self) -> Stage:
        """The stage it belongs to."""
        return self.id.stage

    @property
    @abstractmethod
    def result(self) -> Result:
        """What it leaves."""

    @abstractmethod
    def perform(self, report: Report, device: "torch.device") -> None:
        """Do it, unless it is done. `device` is where networks run."""


def expand(
    contestant: str,
    coverage: CoverageName,
    domains: tuple[str, ...],
    directions: tuple[Direction, ...],
    amount: float,
    per: Literal["dataset", "task"],
    seed: int,
    unit: str = "images",
) -> tuple[Training, ...]:
    """The trainings that let the contestant of that name translate `directions` between `domains`.

    Over k domains that is k(k-1) trainings for a model of one direction, k(k-1)/2 for one of a pair, one for a
    model of all. `amount` is shared out evenly with `per="dataset"` and given to each with `per="task"`; images and
    updates are whole, at least one for each. A method that learns nothing is given 0.
    """
    groups = _groups(coverage, domains, directions)
    share = amount if per == "task" else _share(amount, len(groups), unit)
    return tuple(
        Training(
            contestant,
            seed,
            group,
            served,
            share,
            run_folder(contestant, seed, folder_name(group, served, coverage)),
            unit,
        )
        for group, served in groups
    )


def _share(amount: float, parts: int, unit: str) -> float:
    return amount / parts if unit == "seconds" else max(min(1, amount), amount // parts)


def _groups(
    coverage: CoverageName, domains: tuple[str, ...], directions: tuple[Direction, ...]
) -> list[tuple[tuple[str, ...], tuple[Direction, ...]]]:
    if coverage == "all":
        return [(domains, directions)]
    if coverage == "direction":
        return [((source, target), ((source, target),)) for source, target in directions]
    pairs: list[tuple[tuple[str, ...], tuple[Direction, ...]]] = []
    for pair in combinations(domains, 2):
        served = tuple(direction for direction in directions if set(direction) == set(pair))
        if served:
            pairs.append((pair, served))
    return pairs


def run_folder(contestant: str, seed: int, part: str) -> Path:
    """Where the run folder of a training lies, relative to the results folder."""
    return Path("trainings", contestant, f"seed{seed}", part)


def folder_name(domains: tuple[str, ...], serves: tuple[Direction, ...], coverage: CoverageName) -> str:
    """Name of a training's folder: summer2winter, summer-winter, all."""
    if coverage == "all":
        return "all"
    return direction_name(serves[0]) if coverage == "direction" else join_names(map(one_part, domains), "-")


def quantity(amount: float) -> str:
    """An amount of images, updates or seconds: 400,000 or 133.3."""
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.1f}"


@dataclass(frozen=True)
class Plan:
    """Everything a bench is going to do.

    Attributes:
        out: the results folder.
        dataset: name of the data set.
        domains, directions: what is compared.
        trainings: of all contestants, reference rows included.
        skipped: names of those that cannot take part, with the reason.
        jobs: in no particular order; `needs` orders them.
        facts: what the report says about data, budget and settings.
        external: names of contestants whose pictures were made elsewhere; they have no trainings.
        files: digests of the pictures, where they are known.
        warnings: what a quick look at the pictures found.
    """

    out: Path
    dataset: str
    domains: tuple[str, ...]
    directions: tuple[Direction, ...]
    trainings: tuple[Training, ...]
    skipped: Mapping[str, str]
    jobs: tuple[Job, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    external: tuple[str, ...] = ()
    files: "FileIndex | None" = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_facts(cls, out: Path, facts: Mapping[str, Any]) -> Self:
        """A plan as plan.json tells it, for reports; it has no jobs."""
        return cls(
            out,
            facts["name"],
            tuple(facts["domains"]),
            tuple((source, target) for source, target in facts["directions"]),
            tuple(Training.from_settings(training) for training in facts["trainings"]),
            facts["skipped"],
            (),
            facts,
            tuple(facts["external"]),
        )

    def recorded(self) -> dict[str, Any]:
        """What plan.json holds: the facts, and all that `from_facts` needs; `keys` are those of the jobs."""
        return {
            **self.facts,
            "name": self.dataset,
            "trainings": [training.settings() for training in self.trainings],
            "skipped": dict(self.skipped),
            "external": list(self.external),
            "keys": {str(job.id): job.key for job in self.jobs},
        }

    def contestants(self) -> tuple[str, ...]:
        """Names of those that take part, in order: the chosen ones, external ones, reference rows."""
        trained = dict.fromkeys(training.contestant for training in self.trainings)
        reference = [name for name in trained if name in self.facts.get("reference_rows", ())]
        return (*(name for name in trained if name not in reference), *self.external, *reference)

    def seeds(self) -> tuple[int, ...]:
        """The seeds, in order."""
        return tuple(dict.fromkeys(training.seed for training in self.trainings))

    def of(self, contestant: str, seed: int) -> tuple[Training, ...]:
        """The trainings of a contestant with a seed."""
        return tuple(t for t in self.trainings if (t.contestant, t.seed) == (contestant, seed))

    def translated_by(self, contestant: str, seed: int) -> JobId:
        """The job that leaves the translations of a contestant with a seed."""
        return JobId("adopt", contestant) if contestant in self.external else JobId("translate", contestant, seed)

    def lines(self, states: Mapping[JobId, str] | None = None) -> list[str]:
        """One line per job, for --dry-run, with its state where `states` has one."""
        budgets = {t.id: f"  ({quantity(t.amount)} {t.unit})" for t in self.trainings if t.amount}
        return [
            *(f"skip       {name}: {reason}" for name, reason in self.skipped.items()),
            *(_line(job, budgets.get(job.id, ""), (states or {}).get(job.id)) for job in self.jobs),
            f"report     {self.out}",
        ]


def _line(job: Job, budget: str, state: str | None) -> str:
    return f"{job.id.kind:<10} {job.name}{budget}" + (f": {state}" if state else "")
