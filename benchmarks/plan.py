"""The plan of a bench: which trainings serve which directions, and what is done with them. Pure, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

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
    def name(self) -> str:
        """Unique name for progress and reports."""
        return self.folder.as_posix().removeprefix("trainings/")


@dataclass(frozen=True)
class Job:
    """One unit of work in a worker process.

    Attributes:
        name: unique.
        function: name of a function of `i2i.benchmarks.jobs`.
        arguments: what it is called with.
        needs: names of jobs that must have succeeded.
        weight: the heavier start first.
    """

    name: str
    function: str
    arguments: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    weight: float = 0.0


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
            Path("trainings", contestant, f"seed{seed}", folder_name(group, served, coverage)),
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


def folder_name(domains: tuple[str, ...], serves: tuple[Direction, ...], coverage: CoverageName) -> str:
    """Name of a training's folder: summer2winter, summer-winter, all."""
    if coverage == "all":
        return "all"
    return direction_name(serves[0]) if coverage == "direction" else _without_slashes("-".join(domains))


def direction_name(direction: Direction) -> str:
    """A direction as folders are named: summer2winter; of two data sets: seasons.summer2styles.pencil."""
    return _without_slashes("2".join(direction))


def quantity(amount: float) -> str:
    """An amount of images, updates or seconds: 400,000 or 133.3."""
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.1f}"


def _without_slashes(name: str) -> str:
    return name.replace("/", ".")


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
    """

    out: Path
    dataset: str
    domains: tuple[str, ...]
    directions: tuple[Direction, ...]
    trainings: tuple[Training, ...]
    skipped: Mapping[str, str]
    jobs: tuple[Job, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def contestants(self) -> tuple[str, ...]:
        """Names of those that take part, in order."""
        return tuple(dict.fromkeys(training.contestant for training in self.trainings))

    def seeds(self) -> tuple[int, ...]:
        """The seeds, in order."""
        return tuple(dict.fromkeys(training.seed for training in self.trainings))

    def of(self, contestant: str, seed: int) -> tuple[Training, ...]:
        """The trainings of a contestant with a seed."""
        return tuple(t for t in self.trainings if (t.contestant, t.seed) == (contestant, seed))

    def lines(self) -> list[str]:
        """One line per job, for --dry-run."""
        budgets = {t.name: f"  ({quantity(t.amount)} {t.unit})" for t in self.trainings if t.amount}
        return [
            *(f"skip       {name}: {reason}" for name, reason in self.skipped.items()),
            *(f"{job.function:<10} {job.name}{budgets.get(job.name, '')}" for job in self.jobs),
            f"report     {self.out}",
        ]
