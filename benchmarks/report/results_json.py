"""Results for programs: `results.json`."""

import json
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from i2i.benchmarks.analysis.aggregate import Score, over_seeds
from i2i.benchmarks.analysis.cost_columns import COSTS
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import Column, compare_all
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.markdown import claim_lines
from i2i.metrics.registry import metric_named
from i2i.utils.joined_names import direction_name


def results_json(plan: Plan, results: Results, protocol: str) -> dict[str, object]:
    """Scores by method and metric, with costs and what is missing; `protocol` is the card's fingerprint.

    A score that is not a number is null. `deviation` is that of the seeds, null with a single one.
    """
    summary = over_seeds(results.scores, ("model", "metric"))
    directions = over_seeds(results.scores, ("model", "metric", "source", "target"))
    ends = _intervals(results)
    return {
        "dataset": plan.dataset,
        "protocol": protocol,
        "directions": [direction_name(direction) for direction in plan.directions],
        "seeds": list(plan.seeds()),
        "metrics": {
            metric.name: {"title": metric.heading, "better": metric.better, "decimals": metric.decimals}
            for metric in map(metric_named, results.metrics)
        },
        "models": {
            name: {
                "costs": _costs(results, name),
                **_details(results, name),
                "scores": {
                    metric: {
                        **_score(summary[name, metric]),
                        "directions": {
                            direction_name((source, target)): {
                                **_score(score),
                                **ends.get((name, metric, source, target), {}),
                            }
                            for (model, measure, source, target), score in directions.items()
                            if (model, measure) == (name, metric)
                        },
                    }
                    for metric in results.metrics
                    if (name, metric) in summary
                },
            }
            for name in dict.fromkeys(results.scores["model"])
        },
        "comparisons": [
            _comparison(metric, column) for metric, column in compare_all(plan, results).items() if column.best
        ],
        "claims": claim_lines(plan, results),
        "skipped": dict(plan.skipped),
        "failed": _by_text(results.failures),
        "unfinished": _by_text(results.unfinished),
        "notes": list(results.notes),
    }


def _by_text(texts: Mapping[JobId, str]) -> dict[str, str]:
    return {str(job): text for job, text in texts.items()}


def _costs(results: Results, name: str) -> dict[str, object] | None:
    cost = results.costs.get(name)
    return None if cost is None else {column.key: column.value(cost) for column in COSTS}


def _comparison(metric: str, column: Column) -> dict[str, object]:
    """Who is best, and the tests behind it, corrected after Holm over the pairs of this metric and kind."""
    return {
        "metric": metric,
        "best": column.best,
        "not_distinguishable": [name for name in column.places if name in column.same],
        "too_few_seeds": [name for name in column.places if name in column.unsure],
        "doubt": column.doubt,
        "tested": bool(column.over),
        "tests": [
            {"a": a, "b": b, "over": test.over, "n": test.n, "p": test.p.own, "p_corrected": test.p.corrected}
            for (a, b), tests in column.tests.items()
            for test in tests
        ],
    }


def _details(results: Results, name: str) -> dict[str, object]:
    """By kind the records of one method; kinds without records are left out."""
    kinds = {"flags": results.details.flags, "confusion": results.details.confusion}
    kinds |= {"by_n": results.details.by_n, "spreads": results.details.spreads}
    return {kind: _records(frame[frame["model"] == name]) for kind, frame in kinds.items() if len(frame)}


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    rows: list[dict[str, Any]] = json.loads(frame.drop(columns="model").to_json(orient="records", double_precision=15))
    return rows


def _intervals(results: Results) -> dict[tuple[str, str, str, str], dict[str, object]]:
    """By method, metric and direction: the intervals of the seeds, over test images."""
    found: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    columns = ["model", "metric", "source", "target", "seed", "low", "high", "level"]
    for name, metric, source, target, seed, low, high, level in results.details.intervals[columns].to_numpy().tolist():
        own = found.setdefault((name, metric, source, target), {"intervals": {}})
        own["intervals"][str(seed)] = {"low": _number(low), "high": _number(high), "level": level}
    return found


def _score(score: Score) -> dict[str, object]:
    return {
        "mean": _number(score.mean),
        "deviation": _number(score.std),
        "seeds": {str(seed): _number(value) for seed, value in score.by_seed.items()},
    }


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
