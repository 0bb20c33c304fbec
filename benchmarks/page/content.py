"""What the page says besides pictures: tables by direction, costs, curves, protocol, what failed."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from i2i import __version__
from i2i.benchmarks.costs import Costs
from i2i.benchmarks.figures import main_metric
from i2i.benchmarks.jobs import REAL
from i2i.benchmarks.latex import ranks
from i2i.benchmarks.page.curves import curves
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report import (
    Results,
    budget_text,
    caption_lines,
    claim_lines,
    costs_caption_lines,
    scaled,
    speed,
    whole,
)
from i2i.benchmarks.seeds import Score, over_seeds
from i2i.config import Settings
from i2i.metrics.names import decimals, is_better_high, title

Cell = dict[str, Any]


def facts(plan: Plan, results: Results, card: Settings) -> Settings:
    """Everything for the script of the page, as JSON holds it; see `page.js` for how it is shown."""
    fingerprint = card["fingerprint"]
    return {
        "dataset": plan.dataset,
        "about": plan.facts["dataset"],
        "version": __version__,
        "fingerprint": fingerprint,
        "summary": _summary(plan, fingerprint),
        "domains": list(plan.domains),
        "directions": [list(direction) for direction in plan.directions],
        "seeds": list(plan.seeds()),
        "metrics": [
            {"title": title(metric), "better": "higher" if is_better_high(metric) else "lower"}
            for metric in results.metrics
        ],
        "models": [{"name": name, "kind": _kind(plan, name)} for name in _names(results)],
        "views": [{**view, "rows": _rows(plan, results, scores)} for view, scores in _views(plan, results)],
        "main": results.metrics.index(main_metric(results.metrics)) if results.metrics else None,
        "caption": caption_lines(plan, results, fingerprint),
        "claims": claim_lines(plan, results),
        "costs": _costs(plan, results),
        "curves": curves(plan),
        "protocol": card,
        "failed": [[name, error.strip()] for name, error in results.failures.items()],
        "skipped": [[name, reason] for name, reason in plan.skipped.items()],
    }


def _summary(plan: Plan, fingerprint: str) -> list[str]:
    seeds = plan.seeds()
    return [
        f"{plan.facts['image_size']} px",
        f"{len(plan.directions)} directions",
        f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}",
        budget_text(plan).rstrip("."),
        f"Protocol `{fingerprint}`",
    ]


def _names(results: Results) -> list[str]:
    return list(dict.fromkeys(results.scores["model"]))


def _kind(plan: Plan, name: str) -> str:
    if name == REAL:
        return "real"
    return "reference" if name in plan.facts["reference_rows"] else "translator"


def _views(plan: Plan, results: Results) -> Iterator[tuple[Cell, pd.DataFrame]]:
    """The ways to look at the table, each with its part of the scores: all, by target, by direction.

    The row of real pictures is that of the target.
    """
    scores = results.scores
    yield {"kind": "all"}, scores
    for target in dict.fromkeys(target for _, target in plan.directions):
        yield {"kind": "target", "target": target}, scores[scores["target"] == target]
    for source, target in plan.directions:
        own = scores["source"].isin([source, target]) & (scores["target"] == target)
        yield {"kind": "direction", "source": source, "target": target}, scores[own]


def _rows(plan: Plan, results: Results, scores: pd.DataFrame) -> list[list[Cell]]:
    """Cells of a view by model and metric, in the order of `models` and `metrics`, and then the number of pictures."""
    means = over_seeds(scores, ("model", "metric"))
    names = _names(results)
    ranked = [name for name in names if _kind(plan, name) == "translator"]
    columns = [_column(metric, means, names, ranked) for metric in results.metrics]
    counts = scores.groupby(["model", "metric"])["n"].sum().groupby("model").max().to_dict()
    return [[*(column[name] for column in columns), _plain(counts.get(name), whole)] for name in names]


def _column(
    metric: str, means: Mapping[tuple[str, str], Score], names: list[str], ranked: list[str]
) -> dict[str, Cell]:
    own = {name: means[name, metric] for name in names if (name, metric) in means}
    finite = {name: own[name] for name in ranked if name in own and math.isfinite(own[name].mean)}
    places = ranks(finite, is_better_high(metric), decimals(metric)) if len(finite) > 1 else {}
    return {name: _scored(own.get(name), decimals(metric), places.get(name)) for name in names}


def _scored(score: Score | None, precision: int, place: int | None) -> Cell:
    if score is None or not math.isfinite(score.mean):
        return {"text": "–", "value": None}
    cell: Cell = {"text": score.text(precision), "value": float(score.mean)}
    return {**cell, "rank": place} if place in (0, 1) else cell


def _plain(value: float | None, written: Any) -> Cell:
    return {"text": written(value), "value": None if value is None else float(value)}


def _costs(plan: Plan, results: Results) -> Settings:
    lines = {name: _cost_cells(cost) for name, cost in results.costs.items()}
    return {
        "columns": next((list(cells) for cells in lines.values()), []),
        "models": list(lines),
        "rows": [list(cells.values()) for cells in lines.values()],
        "caption": costs_caption_lines(plan),
    }


def _cost_cells(cost: Costs) -> dict[str, Cell]:
    peak = cost.peak_memory / 2**20 if cost.peak_memory else None
    return {
        "trainings": _plain(cost.trainings, whole),
        "parameters each": _plain(cost.parameters_each, whole),
        "together": _plain(cost.parameters, whole),
        "images seen": _plain(cost.images, whole),
        "training seconds": _plain(cost.seconds, whole),
        "training, images/s": _plain(cost.trained, speed),
        "translation, images/s": _plain(cost.translated, speed),
        "multiply-adds per picture": _plain(cost.multiply_adds, scaled),
        "peak memory, MiB": _plain(peak, whole),
    }
