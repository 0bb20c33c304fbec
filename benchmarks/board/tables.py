"""Tables of several data sets, for Markdown, the terminal and the page alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from i2i.benchmarks.analysis.aggregate import Score
from i2i.benchmarks.analysis.cost_columns import COSTS, CostColumn
from i2i.benchmarks.analysis.number_format import DASH
from i2i.benchmarks.board.compare import Across, Group
from i2i.benchmarks.board.entry import Entry
from i2i.metrics.significance import LEVEL
from i2i.utils.wording import number

KIND = "translator"
"""Whose places are marked."""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, what it is sorted by, and its place in its column: 0 for the best translator, 1 next."""

    text: str
    value: float | str | None
    rank: int | None = None


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is a method.

    Attributes:
        kinds: of the methods, by row.
        better: by column, `higher`, `lower`, or nothing.
    """

    title: str
    columns: tuple[str, ...]
    better: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def across_table(group: Group, across: Across) -> Table:
    """A metric: methods by data set, with mean rank and win rate where there are several data sets."""
    several = len(group.sets) > 1
    rows = [
        (
            _name(row.name),
            *([_number(row.mean_rank, "{:.2f}")] if several else []),
            _number(row.win_rate, "{:.0%}"),
            *(_score(score, across.measure.decimals) for score in row.scores),
        )
        for row in across.rows
    ]
    kinds = tuple(row.kind for row in across.rows)
    better = ("", *(["lower"] if several else []), "higher", *[across.measure.better] * len(group.sets))
    columns = ("method", *(["mean rank"] if several else []), "win rate", *group.sets)
    return Table(across.measure.heading, columns, better, kinds, _placed(rows, better, kinds))


def set_table(group: Group, label: str) -> Table:
    """A data set: methods by metric, and what they cost."""
    own, metrics = group.sets[label], group.metrics
    shown = [name for name in metrics if any(method.score(name) for method in own.values())]
    rows = []
    for name, method in own.items():
        scores = [_score(method.score(metric), metrics[metric].decimals) for metric in shown]
        costs = [_cost(column, method.costs.get(column.key)) for column in COSTS]
        rows.append((_name(name), *scores, *costs))
    better = ("", *(metrics[name].better for name in shown), *("" for _ in COSTS))
    columns = ("method", *(metrics[name].heading for name in shown), *(column.heading for column in COSTS))
    kinds = tuple(method.kind for method in own.values())
    return Table(label, columns, better, kinds, _placed(rows, better, kinds))


def _placed(
    rows: Sequence[tuple[Cell, ...]], better: Sequence[str], kinds: Sequence[str]
) -> tuple[tuple[Cell, ...], ...]:
    """The rows, with the best and the second translator of each column that has a better end."""
    placed = [list(row) for row in rows]
    for column, end in enumerate(better):
        cells = [(row[column].value, row[column].text) for row, kind in zip(rows, kinds, strict=True) if kind == KIND]
        values = {text: value for value, text in cells if isinstance(value, float)}
        order = sorted(values, key=lambda text: values[text], reverse=end == "higher") if end else []
        for row, kind in zip(placed, kinds, strict=True):
            cell = row[column]
            if kind == KIND and cell.text in order[:2]:  # what is printed alike is alike
                row[column] = Cell(cell.text, cell.value, order.index(cell.text))
    return tuple(tuple(row) for row in placed)


def _name(name: str) -> Cell:
    return Cell(name, name)


def _score(score: Score | None, decimals: int) -> Cell:
    return Cell(DASH, None) if score is None else Cell(score.text(decimals), float(score.mean))


def _number(value: float | None, form: str) -> Cell:
    return Cell(DASH, None) if value is None else Cell(form.format(value), float(value))


def _cost(column: CostColumn, value: float | None) -> Cell:
    shown = None if value is None else value / column.scale
    return Cell(column.format(shown), shown)


def verdicts(comparisons: Sequence[Across]) -> list[str]:
    """What the tests of all metrics say; a note that all of them have comes once."""
    first = comparisons[0].notes if comparisons else ()
    common = [note for note in first if all(note in across.notes for across in comparisons)]
    lines = [line for across in comparisons for line in verdict(across)]
    return [*common, *(line for line in lines if not any(line.endswith(f": {note}") for note in common))]


def verdict(across: Across) -> list[str]:
    """What the test of ranks says, in words, and what stands in its way."""
    lines = [f"{across.measure.heading}: {note}" for note in across.notes]
    if across.test is None:
        return lines
    test, names = across.test, [row.name for row in across.ranked]
    outcome = "differ" if test.p <= LEVEL else "do not differ by more than chance"
    return [
        *lines,
        f"{across.measure.heading}: the ranks of {number(len(names), 'method')} {outcome} (Friedman "
        f"{test.chi_square:.2f}, Iman and Davenport F {_f(test.f)}, p {_p(test.p)}); two mean ranks must lie "
        f"{test.critical_difference:.2f} apart (Nemenyi).",
    ]


def _f(f: float) -> str:
    return f"{f:.2f}" if math.isfinite(f) else "without bound"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _seeds(entry: Entry) -> list[dict[str, object]]:
    """Those of every method and metric."""
    return [dict(seeds) for method in entry.methods.values() for seeds in method.scores.values()] or [{}]


def caption(group: Group) -> list[str]:
    """What a reader must know to read the tables of a group."""
    seeds = number(max(len(seeds) for entry in group.entries for seeds in _seeds(entry)), "seed")
    benches = f"{len(group.entries)} {'bench' if len(group.entries) == 1 else 'benches'}"
    protocol = f"one protocol (`{group.entries[0].group}`)"
    lines = [f"{number(len(group.sets), 'data set')} in {benches} of {protocol}, {seeds}."]
    lines.append(
        "Scores are means over directions and seeds, `±` the standard deviation over seeds. The win rate is how often "
        "a translator is better than another one on the same data set and seed; equal ones count half."
    )
    if len(group.sets) > 1:
        lines.append(
            "The mean rank is over the data sets, of the translators that all of them have. Baselines and real images "
            "are not ranked."
        )
    if group.shared_names:
        lines.append("A name that several benches of one data set have stands with the bench behind it.")
    failed = [f"{entry.name}: {job}" for entry in group.entries for job in entry.failed]
    return [*lines, *([f"Failed: {', '.join(failed)}."] if failed else [])]
