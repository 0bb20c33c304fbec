"""How the table averages: over all directions, or for each target or direction, each with a ranking of its own."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from i2i.benchmarks.analysis.classifier_trust import doubts
from i2i.benchmarks.analysis.rankings import differing_rankings
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import Column, compare_all, ranked
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.suite.columns import HEALTH, TRAINING_COSTS
from i2i.errors import unknown

By = Literal["auto", "averaged", "target", "direction"]
"""`auto` is by direction where directions are unlike each other, and else averaged."""


@dataclass(frozen=True)
class Group:
    """A part of the table.

    Attributes:
        by: what it was averaged by; not `auto`.
        name: its target or direction; empty if everything is averaged.
        results: those of its directions.
        columns: by metric, who is best and who cannot be told from that.
    """

    by: By
    name: str
    results: Results
    columns: Mapping[str, Column]


def checked(text: str) -> By:
    """A way to average by its name.

    Raises:
        UserError: for another name.
    """
    for by in get_args(By):
        if text == by:
            found: By = by
            return found
    raise unknown("table:", text, get_args(By))


def resolved(plan: Plan, by: By) -> By:
    """What `auto` means: a mean over directions to a label map and from it is one of unlike things."""
    own = plan.facts.label_map
    unlike = own is not None and len({own.domain == target for _, target in plan.directions}) > 1
    return by if by != "auto" else "direction" if unlike else "averaged"


def groups(plan: Plan, results: Results, by: By = "auto") -> list[Group]:
    """The table's groups, in the order of the directions; those without scores are left out."""
    by = resolved(plan, by)
    parts = {"": results}
    if by == "target":
        targets = {target for _, target in plan.directions}
        parts = {target: results.where(None, target) for target in plan.domains if target in targets}
    elif by == "direction":
        parts = {f"{source} → {target}": results.where(source, target) for source, target in plan.directions}
    filled = {name: part for name, part in parts.items() if part.methods or not name}
    # Both by all directions: who always answers with one domain is always right about that.
    doubted = doubts(plan, results, ranked(plan, results))
    unlike = differing_rankings(plan, results, doubted)
    return [
        Group(by, name, part, _with_signs(compare_all(plan, part, doubted), unlike)) for name, part in filled.items()
    ]


def _with_signs(columns: Mapping[str, Column], unlike: Collection[str]) -> dict[str, Column]:
    return {metric: replace(column, otherwise=metric in unlike) for metric, column in columns.items()}


def columns_of(grouped: Sequence[Group], results: Results) -> tuple[str, ...]:
    """The columns that a table of these groups can have; costs are of all directions together."""
    spent = TRAINING_COSTS if all(group.by == "averaged" for group in grouped) else ()
    return *spent, *results.metrics, *((HEALTH,) if len(results.details.flags) else ())
