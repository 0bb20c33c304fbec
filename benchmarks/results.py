"""What a bench found, read from what its jobs have left."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from i2i.benchmarks.costs import Costs, costs_of
from i2i.benchmarks.jobs import REAL
from i2i.benchmarks.plan import Plan

COLUMNS = ["dataset", "model", "seed", "source", "target", "metric", "value", "n"]


@dataclass(frozen=True)
class Results:
    """What a bench found.

    Attributes:
        scores: tidy, one row per dataset, contestant (its column is called `model`), seed, source, target and metric.
        costs: by contestant.
        failures: by job, the error.
    """

    scores: pd.DataFrame
    costs: Mapping[str, Costs]
    failures: Mapping[str, str]

    @property
    def contestants(self) -> list[str]:
        """Names of those with scores, in the order of the table; real pictures are none."""
        return [name for name in dict.fromkeys(self.scores["model"]) if name != REAL]

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics in the order of the table."""
        return list(dict.fromkeys(self.scores["metric"]))


def collect(plan: Plan, failures: Mapping[str, str]) -> Results:
    """Read what the jobs of the plan have left; those that failed have left nothing."""
    rows: list[dict[str, Any]] = []
    for name in plan.contestants():
        for seed in plan.seeds():
            if f"scores of {name}, seed {seed}" not in failures:
                rows += _read_scores(plan.out / "scores" / f"{name}-seed{seed}.json", plan, name, seed)
    if "scores of real pictures" not in failures:
        rows += _read_scores(plan.out / "scores" / f"{REAL}.json", plan, REAL, plan.seeds()[0])
    costs = {name: cost for name in plan.contestants() if (cost := costs_of(plan, name, failures))}
    return Results(pd.DataFrame(rows, columns=COLUMNS), costs, failures)


def _read_scores(path: Path, plan: Plan, name: str, seed: int) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    rows: Sequence[Mapping[str, Any]] = json.loads(path.read_text())["rows"]
    return [{"dataset": plan.dataset, "model": name, "seed": seed, **row} for row in rows]
