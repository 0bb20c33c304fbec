"""Heat maps of every direction: source domains downwards, targets to the right."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from i2i.benchmarks.comparing import ranked
from i2i.benchmarks.drawing import CELL, LETTER, SMALL_CELL, Sheet, label, wrapped
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results import Results
from i2i.benchmarks.seeds import over_seeds
from i2i.metrics.names import decimals, is_better_high, number, title

FEWEST_DOMAINS = 3
NUMBERS_UP_TO = 6  # domains
LETTERS_IN_A_CELL = 6
LINES = 3  # of a metric's name


def heat_maps(plan: Plan, results: Results) -> Figure | None:
    """One map per metric (row) and contestant (column): source domains downwards, targets to the right.

    The maps of a metric share their colours; brighter is better. Their ends are the best and the worst value of a
    translator, so that a reference row that lies far off does not make all others look alike. None with fewer than
    three domains, or without scores.
    """
    if len(plan.domains) < FEWEST_DOMAINS or not results.contestants:
        return None
    names, metrics, count = results.contestants, results.metrics, len(plan.domains)
    side = count * (CELL if count <= NUMBERS_UP_TO else SMALL_CELL)
    margin = LETTER * max(map(len, plan.domains)) + 0.2
    sheet = Sheet(len(metrics), len(names), side, side, margin, margin)
    compared = [names.index(name) for name in ranked(plan, results)]
    for row, metric in enumerate(metrics):
        _row_of_maps(sheet, row, metric, list(_maps(plan, results, metric).values()), compared, plan.domains)
    for name, axes in zip(names, sheet.figure.axes, strict=False):
        axes.set_title(name, fontsize=10, parse_math=False)
    sheet.title(_axes_text(plan))
    return sheet.figure


def _row_of_maps(
    sheet: Sheet, row: int, metric: str, maps: Sequence[np.ndarray], compared: Sequence[int], domains: tuple[str, ...]
) -> None:
    low, high = _range([maps[number] for number in compared] or maps)
    colours = "viridis" if is_better_high(metric) else "viridis_r"
    for column, values in enumerate(maps):
        axes = sheet.place(row, column)
        shown = axes.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=low, vmax=high)
        none = [""] * len(domains)
        label(axes, domains if row == sheet.rows - 1 else none, domains if column == 0 else none)
        if len(domains) <= NUMBERS_UP_TO:
            _write_numbers(axes, values, low, high, metric)
    bar = sheet.place(row, sheet.columns, width=0.1)
    sheet.figure.colorbar(shown, cax=bar).ax.tick_params(labelsize=8)
    if not is_better_high(metric):
        bar.invert_yaxis()
    middle = bar.get_position().y0 + bar.get_position().height / 2
    across = sheet.figure.get_size_inches()[0]
    words = wrapped(title(metric), max(12, int(sheet.height / LETTER)))
    size = 9 if words.count("\n") < LINES else 7
    sheet.figure.text(0.5 * sheet.METRIC / across, middle, words, rotation=90, va="center", ha="center", fontsize=size)


def _range(maps: Sequence[np.ndarray]) -> tuple[float, float]:
    finite = np.concatenate([values[np.isfinite(values)] for values in maps])
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)


def _axes_text(plan: Plan) -> str:
    seeds = f", means of {len(plan.seeds())} seeds" if len(plan.seeds()) > 1 else ""
    return f"rows: source, columns: target; brighter is better, from the worst to the best value of a translator{seeds}"


def _maps(plan: Plan, results: Results, metric: str) -> dict[str, np.ndarray]:
    """By contestant the values [source, target]; NaN where there is none."""
    scores = over_seeds(results.scores[results.scores["metric"] == metric], ("model", "source", "target"))
    return {
        name: np.array(
            [
                [
                    scores[name, source, target].mean if (name, source, target) in scores else np.nan
                    for target in plan.domains
                ]
                for source in plan.domains
            ]
        )
        for name in results.contestants
    }


def _write_numbers(axes: Axes, values: np.ndarray, low: float, high: float, metric: str) -> None:
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            share = (value - low) / (high - low or 1)
            bright = share if is_better_high(metric) else 1 - share
            axes.text(
                column,
                row,
                _short(metric, float(value)),
                ha="center",
                va="center",
                fontsize=8,
                color="black" if bright > 0.55 else "white",
            )


def _short(metric: str, value: float) -> str:
    """As the table prints it, with fewer decimals if it would not fit into its cell."""
    spare = len(number(metric, value)) - LETTERS_IN_A_CELL
    return f"{value:.{max(0, decimals(metric) - max(0, spare))}f}"
