"""What the domain classifier took translations for: a map per method, direction by predicted domain."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.directions import Direction
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.figures.sheet import Sheet
from i2i.benchmarks.report.figures.style import CELL, DOMAIN, LABEL, SMALL_CELL, label, named, room

NUMBERS_UP_TO = 12  # directions
LINE = 0.3  # inches, of a direction with numbers


def confusion_maps(plan: Plan, results: Results) -> Figure | None:
    """Shares of each direction's images by predicted domain; the target's cell is framed. None without predictions."""
    names = _predicted(results)
    return _drawn(plan, results, names) if names else None


def confusion_pages(plan: Plan, results: Results) -> list[Figure]:
    """The same in as many figures as it takes for their letters to be read in print; none if the whole can be."""
    names = _predicted(results)
    pages = _sheet(plan, len(names)).pages() if names else []
    return [_drawn(plan, results, names[columns.start : columns.stop]) for _, columns in pages]


def _predicted(results: Results) -> list[str]:
    """Methods whose translations were classified."""
    classified = set(results.details.confusion["model"])
    return [name for name in results.methods if name in classified]


def _drawn(plan: Plan, results: Results, names: Sequence[str]) -> Figure:
    confusion, sheet = results.details.confusion, _sheet(plan, len(names))
    domains, directions = _domains(plan), _directions(plan)
    for number, name in enumerate(names):
        axes, shares = sheet.place(0, number), _shares(plan, confusion[confusion["model"] == name])
        shown = axes.imshow(np.ma.masked_invalid(shares), cmap="viridis", vmin=0, vmax=1, aspect="auto")
        label(axes, domains, directions if sheet.is_first(number) else [""] * len(directions))
        sheet.head(axes, name)
        _frame_targets(axes, plan)
        if _has_numbers(plan):
            _write_shares(axes, shares)
    for bar in sheet.bars(0):
        sheet.color_bar(bar, shown)
    sheet.title("rows: asked for, columns: what the classifier saw, as shares")
    return sheet.figure


def _sheet(plan: Plan, methods: int) -> Sheet:
    cell, line = (CELL, LINE) if _has_numbers(plan) else (SMALL_CELL, SMALL_CELL)
    width, height = len(plan.domains) * cell, len(plan.directions) * line
    return Sheet(1, methods, width, height, room(_directions(plan)), room(_domains(plan)))


def _has_numbers(plan: Plan) -> bool:
    return len(plan.directions) <= NUMBERS_UP_TO


def _domains(plan: Plan) -> list[str]:
    """As they stand below the maps."""
    return named([(domain,) for domain in plan.domains], DOMAIN, CELL if _has_numbers(plan) else SMALL_CELL)


def _directions(plan: Plan) -> list[str]:
    """As they stand beside the maps."""
    return named(plan.directions, LABEL, LINE if _has_numbers(plan) else SMALL_CELL)


def _shares(plan: Plan, confusion: pd.DataFrame) -> np.ndarray:
    """[directions, domains], seeds together; NaN where nothing was predicted."""
    counts = confusion.groupby(["source", "target", "predicted"])["count"].sum().to_dict()
    totals = confusion.groupby(["source", "target"])["count"].sum().to_dict()

    def share(direction: Direction, domain: str) -> float:
        total = totals.get(direction)
        return counts.get((*direction, domain), np.nan) / total if total else np.nan

    return np.array([[share(direction, domain) for domain in plan.domains] for direction in plan.directions])


def _frame_targets(axes: Axes, plan: Plan) -> None:
    for row, (_, target) in enumerate(plan.directions):
        corner = plan.domains.index(target) - 0.5, row - 0.5
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="tab:red", linewidth=1.2, clip_on=False))


def _write_shares(axes: Axes, shares: np.ndarray) -> None:
    for (row, column), share in np.ndenumerate(shares):
        if np.isfinite(share):
            color = "black" if share > 0.55 else "white"
            axes.text(column, row, f"{share:.2f}", ha="center", va="center", fontsize=8, color=color)
