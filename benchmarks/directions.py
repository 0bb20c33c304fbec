"""Which training runs let a method translate which directions. Pure, without torch."""

from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from i2i.benchmarks.job_id import JobId
from i2i.utils.joined_names import direction_name, join_names, one_part

Direction = tuple[str, str]
CoverageName = Literal["direction", "pair", "all"]


@dataclass(frozen=True)
class Training:
    """One training of one method.

    Attributes:
        method: its name.
        seed: of weights, data order and draws.
        domains: what it learns between, in the model's order.
        serves: the directions of the bench that it translates.
        amount: its budget; 0 for a method that learns nothing.
        folder: run folder, relative to the results folder.
        unit: of the budget: images, updates or seconds.
    """

    method: str
    seed: int
    domains: tuple[str, ...]
    serves: tuple[Direction, ...]
    amount: float
    folder: Path
    unit: str = "images"

    @property
    def id(self) -> JobId:
        """The job that does it."""
        return JobId("train", self.method, self.seed, self.folder.name)

    def settings(self) -> dict[str, Any]:
        """As plan.json holds it."""
        return {**asdict(self), "folder": self.folder.as_posix()}


def expand(
    method: str,
    coverage: CoverageName,
    domains: tuple[str, ...],
    directions: tuple[Direction, ...],
    amount: float,
    per: Literal["dataset", "task"],
    seed: int,
    unit: str = "images",
) -> tuple[Training, ...]:
    """The training runs that let the method of that name translate `directions` between `domains`.

    Over k domains that is k(k-1) training runs for a model of one direction, k(k-1)/2 for one of a pair, one for a
    model of all. `amount` is shared out evenly with `per="dataset"` and given to each with `per="task"`; images and
    updates are whole, at least one for each. A method that learns nothing is given 0.
    """
    groups = _groups(coverage, domains, directions)
    share = amount if per == "task" else _share(amount, len(groups), unit)
    return tuple(
        Training(
            method,
            seed,
            group,
            served,
            share,
            run_folder(method, seed, folder_name(group, served, coverage)),
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


def run_folder(method: str, seed: int, part: str) -> Path:
    """Where the run folder of a training lies, relative to the results folder."""
    return Path("trainings", method, f"seed{seed}", part)


def folder_name(domains: tuple[str, ...], serves: tuple[Direction, ...], coverage: CoverageName) -> str:
    """Name of a training's folder: summer2winter, summer-winter, all."""
    if coverage == "all":
        return "all"
    return direction_name(serves[0]) if coverage == "direction" else join_names(map(one_part, domains), "-")


def quantity(amount: float) -> str:
    """An amount of images, updates or seconds: 400,000 or 133.3."""
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.1f}"
