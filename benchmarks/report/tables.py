"""The tables of a report as text: one row per method, per direction, or per cost."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import pandas as pd

from i2i.benchmarks.analysis.aggregate import Score, over_seeds
from i2i.benchmarks.analysis.cost_columns import COSTS, MAIN
from i2i.benchmarks.analysis.groups import Group
from i2i.benchmarks.analysis.intervals import table_intervals
from i2i.benchmarks.analysis.number_format import DASH, whole
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import Column
from i2i.benchmarks.report.detail_tables import health, way
from i2i.metrics.registry import metric_named
from i2i.utils.text import markdown


def bold(text: str) -> str:
    """As Markdown has it."""
    return f"**{text}**"


def summary(grouped: Sequence[Group], best: Callable[[str], str] = bold, intervals: bool = False) -> pd.DataFrame:
    """One row per method and group: each metric over the directions and seeds of the group, costs, health.

    The best of each metric is emphasised by `best`; behind a number stands whether it can be told from the best. Costs
    are of all directions together, and shown only if those are in one group. With `intervals` those of
    `table_intervals` stand behind the values.
    """
    lines = [line for group in grouped for line in _lines(group, best, intervals)]
    return pd.DataFrame(lines, columns=_merged(dict.fromkeys(map(tuple, lines))), dtype=object).fillna(DASH)


def _merged(orders: Iterable[Sequence[str]]) -> list[str]:
    """Every name of these orders; one that earlier orders lack stands ahead of what follows it in its own."""
    merged: list[str] = []
    for order in orders:
        place = len(merged)
        for name in reversed(order):
            if name in merged:
                place = merged.index(name)
            else:
                merged.insert(place, name)
    return merged


def _lines(group: Group, best: Callable[[str], str], intervals: bool) -> Iterator[dict[str, str]]:
    results, scores = group.results, group.results.scores
    means = over_seeds(scores, ("model", "metric"))
    ends = table_intervals(results) if intervals else {}
    for name in results.rows:
        costs = results.costs.get(name)
        line = {"model": name, **{heading: column.text(costs) for heading, column in MAIN.items()}}
        if group.name:
            line = {group.by: group.name, "model": name}
        for metric in results.metrics:
            column, around = group.columns[metric], in_brackets(metric, ends.get((name, metric)))
            line[headings([group])[metric]] = _marked(metric, name, means.get((name, metric)), column, best, around)
        if len(results.details.flags):
            line["health"] = health(results, name)
        yield {**line, "n": whole(_images(scores[scores["model"] == name]))}


def headings(grouped: Sequence[Group]) -> dict[str, str]:
    """By metric, what stands above its column; not every group has all metrics, and a sign is the same in all."""
    return {
        metric: metric_named(metric).heading + column.sign
        for group in grouped
        for metric, column in group.columns.items()
    }


def _marked(
    metric: str, name: str, score: Score | None, column: Column, best: Callable[[str], str], around: str
) -> str:
    text = _number(metric, score)
    mark = column.mark(name)
    return f"{best(text) if column.is_best(name) else text}{around}{f' {mark}' if mark else ''}"


def in_brackets(metric: str, ends: tuple[float, float] | None) -> str:
    """An interval as it stands behind a value; empty where there is none."""
    known = metric_named(metric)
    return f" [{known.text(ends[0])}, {known.text(ends[1])}]" if ends else ""


def _images(scores: pd.DataFrame) -> int:
    """How many were scored, by the metric that has most: not every direction has a way back for the cycle error."""
    return int(scores.groupby("metric")["n"].sum().max())


def by_direction(results: Results, metric: str) -> pd.DataFrame:
    """One row per direction, a column per method: means over seeds, with intervals over images where known."""
    scores = results.scores[results.scores["metric"] == metric]
    names = list(dict.fromkeys(scores["model"]))
    means = over_seeds(scores, ("source", "target", "model"))
    ends = _ends(results, metric)
    lines = []
    for source, target in dict.fromkeys(zip(scores["source"], scores["target"], strict=True)):
        places = {name: (source, target, name) for name in names}
        cells = {name: _number(metric, means.get(place)) + ends.get(place, "") for name, place in places.items()}
        lines.append({"direction": way(source, target), **cells})
    return pd.DataFrame(lines)


def _ends(results: Results, metric: str) -> dict[tuple[str, str, str], str]:
    """Intervals as text; of several seeds the means of their ends."""
    intervals = results.details.intervals
    own = intervals[intervals["metric"] == metric]
    means = own.groupby(["source", "target", "model"])[["low", "high"]].mean()
    return {
        (source, target, name): in_brackets(metric, (low, high))
        for (source, target, name), low, high in means.itertuples(name=None)
    }


def costs(results: Results) -> pd.DataFrame:
    """What every method took, by what was measured beside its work."""
    return pd.DataFrame(
        [
            {"model": name, **{column.heading: column.text(cost) for column in COSTS}}
            for name, cost in results.costs.items()
        ]
    )


def _number(metric: str, score: Score | None) -> str:
    return DASH if score is None else score.text(metric_named(metric).decimals)


_NUMBER = re.compile(r"[\d–*-][\d.,e+ \[\]±*–-]*( ?[GMk])?( [†‡§])?( [\d.,e+-]+)?")


def numeric(frame: pd.DataFrame) -> list[bool]:
    """By column, whether it holds numbers, which are aligned to the right, and not words."""
    return [all(_NUMBER.fullmatch(str(cell)) for cell in frame[name]) for name in frame.columns]


def markdown_table(frame: pd.DataFrame, ready: Collection[str] = ()) -> str:
    """A table as Markdown, columns of numbers to the right; those of `ready` hold Markdown already."""
    show = [str if name in ready else markdown for name in frame.columns]
    rows = [[show(str(cell)) for show, cell in zip(show, row, strict=True)] for row in frame.values.tolist()]
    head = [list(map(markdown, frame.columns)), ["---:" if right else "---" for right in numeric(frame)]]
    return "\n".join("| " + " | ".join(row) + " |" for row in [*head, *rows])
