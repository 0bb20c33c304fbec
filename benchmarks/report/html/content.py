"""What the page says besides images: the table in all its groupings, costs, curves, protocol, what failed."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

from i2i._version import __version__
from i2i.benchmarks.analysis.aggregate import Score, over_seeds
from i2i.benchmarks.analysis.cost_columns import COSTS
from i2i.benchmarks.analysis.groups import Group, groups, resolved
from i2i.benchmarks.analysis.number_format import DASH, whole
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import Column, ranked
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report import captions, detail_tables
from i2i.benchmarks.report.cautions import cautions
from i2i.benchmarks.report.figures.heat_colors import Scale, ink, scale_of
from i2i.benchmarks.report.html.human_study import studies
from i2i.benchmarks.report.html.training_curves import curves
from i2i.benchmarks.report.markdown import claim_lines
from i2i.benchmarks.results_folder.staleness import REAL
from i2i.config import Settings
from i2i.metrics.registry import kind_of, metric_named

Cell = dict[str, Any]
"""What stands in a cell, `text`, and what it is sorted by, `value`; in scores also `rank` 0 or 1 and a `mark`, and of
single directions the `color` and `ink` of its place in the heat maps."""


def facts(plan: Plan, results: Results, card: Settings) -> Settings:
    """Everything but images for the script of the page, as JSON holds it."""
    fingerprint = card["fingerprint"]
    averaged = groups(plan, results, "averaged")
    scales = [scale_of(plan, results, metric) for metric in results.metrics]
    return {
        "dataset": plan.dataset,
        "about": plan.facts.dataset,
        "version": __version__,
        "fingerprint": fingerprint,
        "summary": _summary(plan, fingerprint),
        "warnings": cautions(plan, averaged),
        "domains": list(plan.domains),
        "directions": [list(direction) for direction in plan.directions],
        "seeds": list(plan.seeds()),
        "metrics": [
            {
                "title": metric_named(metric).heading,
                "sign": averaged[0].columns[metric].sign,
                "better": metric_named(metric).better,
            }
            for metric in results.metrics
        ],
        "main": next((place for place, metric in enumerate(results.metrics) if kind_of(metric) == "frechet"), 0),
        "models": [{"name": name, "kind": _kind(plan, results, name)} for name in results.rows],
        "has_health": not results.details.flags.empty,
        "views": [
            {**view, "rows": _colored(view, _rows(results, group), scales)} for view, group in _views(plan, results)
        ],
        "caption": captions.caption(plan, averaged, results, fingerprint),
        "claims": claim_lines(plan, results),
        "details": [_table(heading, frame) for heading, frame in _details(results) if len(frame)],
        "costs": _costs(plan, results),
        "curves": curves(plan),
        "studies": studies(plan),
        "protocol": card,
        "failed": [[str(job), error.strip()] for job, error in results.failures.items()],
        "skipped": [[name, reason] for name, reason in plan.skipped.items()],
    }


def _summary(plan: Plan, fingerprint: str) -> list[str]:
    seeds = plan.seeds()
    return [
        f"{plan.facts.image_size} px",
        f"{len(plan.directions)} directions",
        f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}",
        *(f"Suite `{name}`" for name in [plan.facts.suite.name] if name),
        captions.budget_text(plan).rstrip("."),
        f"Protocol `{fingerprint}`",
    ]


def _kind(plan: Plan, results: Results, name: str) -> str:
    if name == REAL:
        return "real"
    return "translator" if name in ranked(plan, results) else "reference"


def _views(plan: Plan, results: Results) -> Iterator[tuple[Cell, Group]]:
    """The ways to look at the table: all directions, those to a target, each, which is first where they are unlike."""
    if resolved(plan, "auto") == "direction":
        yield from _by_direction(plan, results)
    yield from (({"kind": "all"}, group) for group in groups(plan, results, "averaged"))
    yield from (({"kind": "target", "target": group.name}, group) for group in groups(plan, results, "target"))
    if resolved(plan, "auto") != "direction":
        yield from _by_direction(plan, results)


def _by_direction(plan: Plan, results: Results) -> Iterator[tuple[Cell, Group]]:
    directions = {f"{source} → {target}": (source, target) for source, target in plan.directions}
    for group in groups(plan, results, "direction"):
        source, target = directions[group.name]
        yield {"kind": "direction", "source": source, "target": target}, group


def _rows(results: Results, group: Group) -> list[list[Cell]]:
    """Cells by model and column, in the order of all `results`: metrics, health if it was measured, images."""
    part = group.results
    means = over_seeds(part.scores, ("model", "metric"))
    counts = part.scores.groupby(["model", "metric"])["n"].sum().groupby("model").max().to_dict()
    health = [[_text(detail_tables.health(part, name))] if len(results.details.flags) else [] for name in results.rows]
    return [
        [
            *(
                _scored(metric, name, means.get((name, metric)), group.columns.get(metric))
                for metric in results.metrics
            ),
            *healthy,
            _plain(counts.get(name), whole),
        ]
        for name, healthy in zip(results.rows, health, strict=True)
    ]


def _colored(view: Cell, rows: list[list[Cell]], scales: Sequence[Scale]) -> list[list[Cell]]:
    """Rows whose scores have the colours of heat maps, if the view is one of their cells."""
    if view["kind"] == "direction":
        for cell, scale in (pair for row in rows for pair in zip(row, scales, strict=False)):
            if cell["value"] is not None:
                color = scale.color(cell["value"])
                cell |= {"color": "#" + bytes(color).hex(), "ink": ink(color)}
    return rows


def _scored(metric: str, name: str, score: Score | None, column: Column | None) -> Cell:
    if score is None or not math.isfinite(score.mean):
        return _plain(None, whole)
    cell: Cell = {"text": score.text(metric_named(metric).decimals), "value": float(score.mean)}
    if column is None:
        return cell
    if column.place(name) in (0, 1):
        cell["rank"] = column.place(name)
    return {**cell, "mark": column.mark(name)} if column.mark(name) else cell


def _plain(value: float | None, written: Callable[[float | None], str]) -> Cell:
    return {"text": written(value), "value": None if value is None else float(value)}


def _text(text: str) -> Cell:
    return {"text": text, "value": None if text == DASH else text}


def _details(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    """Tables of what is behind the averages."""
    yield "Warnings", detail_tables.health_warnings(results)
    yield "What translations were taken for", detail_tables.predictions(results)
    for metric in detail_tables.metrics_by_n(results):
        yield f"{metric_named(metric).heading} by the number of images", detail_tables.distances_by_n(results, metric)


def _table(heading: str, frame: pd.DataFrame) -> Settings:
    rows = [[_guessed(str(text)) for text in row] for row in frame.to_numpy().tolist()]
    return {"title": heading, "columns": list(map(str, frame.columns)), "rows": rows}


def _guessed(text: str) -> Cell:
    """A cell that sorts as a number if it is one."""
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return _text(text)
    return {"text": text, "value": value if math.isfinite(value) else None}


def _costs(plan: Plan, results: Results) -> Settings:
    return {
        "columns": [column.heading for column in COSTS] if results.costs else [],
        "models": list(results.costs),
        "rows": [[_plain(column.shown(cost), column.format) for column in COSTS] for cost in results.costs.values()],
        "caption": captions.costs_caption(plan),
    }
