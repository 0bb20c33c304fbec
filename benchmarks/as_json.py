"""Results for programs: `results.json`."""

import math
from typing import Any

from i2i.benchmarks.plan import Plan, direction_name
from i2i.benchmarks.report import Results, claim_lines
from i2i.benchmarks.seeds import Score, over_seeds
from i2i.metrics.names import decimals, is_better_high, title


def results_json(plan: Plan, results: Results, protocol: str) -> dict[str, Any]:
    """Scores by contestant and metric, with costs and what is missing; `protocol` is the card's fingerprint.

    A score that is not a number is null. `deviation` is that of the seeds, null with a single one.
    """
    summary = over_seeds(results.scores, ("model", "metric"))
    directions = over_seeds(results.scores, ("model", "metric", "source", "target"))
    return {
        "dataset": plan.dataset,
        "protocol": protocol,
        "directions": [direction_name(way) for way in plan.directions],
        "seeds": list(plan.seeds()),
        "metrics": {
            metric: {
                "title": title(metric),
                "better": "higher" if is_better_high(metric) else "lower",
                "decimals": decimals(metric),
            }
            for metric in results.metrics
        },
        "models": {
            name: {
                "costs": _costs(results, name),
                "scores": {
                    metric: {
                        **_score(summary[name, metric]),
                        "directions": {
                            direction_name((source, target)): _score(score)
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
        "claims": claim_lines(plan, results),
        "skipped": dict(plan.skipped),
        "failed": dict(results.failures),
        "unfinished": dict(results.unfinished),
        "notes": list(results.notes),
    }


def _costs(results: Results, name: str) -> dict[str, Any] | None:
    cost = results.costs.get(name)
    if cost is None:
        return None
    return {
        "trainings": cost.trainings,
        "parameters": cost.parameters,
        "parameters_each": cost.parameters_each,
        "images": cost.images,
        "seconds": cost.seconds,
        "train_images_per_second": cost.trained,
        "translate_images_per_second": cost.translated,
        "multiply_adds": cost.multiply_adds,
        "peak_memory": cost.peak_memory,
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "mean": _number(score.mean),
        "deviation": _number(score.deviation),
        "seeds": {str(seed): _number(value) for seed, value in score.by_seed.items()},
    }


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
