"""Figures of a bench: heat maps of every direction, and quality against cost. As PNG and PDF, for print."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results import Results
from i2i.benchmarks.seeds import Score, over_seeds
from i2i.metrics.names import decimals, is_better_high, is_frechet, title

DPI = 300
FEWEST_DOMAINS = 3
CELL = 0.5  # inches, of a heat map with numbers
SMALL_CELL = 0.24  # inches, of one without
NUMBERS_UP_TO = 6  # domains
LETTER = 0.075  # inches, of a domain's name


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's suffix, complete or not at all."""
    partial = path.with_name(f".{path.name}.part")
    suffix = path.suffix[1:].lower()
    # Without the date, so that the same results give the same file.
    metadata: dict[str, Any] = {"CreationDate": None} if suffix == "pdf" else {}
    figure.savefig(partial, format=suffix, dpi=DPI, metadata=metadata)
    partial.replace(path)


@dataclass(frozen=True)
class _Sheet:
    """A figure with a map per row and column, laid out in inches."""

    rows: int
    columns: int
    side: float
    margin: float
    """Room for names of domains, left and below."""

    GAP, TITLE, METRIC, BAR = 0.15, 0.65, 0.45, 0.85

    @cached_property
    def figure(self) -> Figure:
        """The empty sheet."""
        step = self.side + self.GAP
        width = self.METRIC + self.margin + self.columns * step + self.BAR
        height = self.TITLE + self.rows * step + self.margin
        return Figure(figsize=(width, height), facecolor="white")

    def place(self, row: int, column: int, width: float | None = None) -> Axes:
        """Axes of a map; in the column behind the last there is room for the colours."""
        across, up = self.figure.get_size_inches()
        left = self.METRIC + self.margin + column * (self.side + self.GAP)
        bottom = up - self.TITLE - self.side - row * (self.side + self.GAP)
        return self.figure.add_axes((left / across, bottom / up, (width or self.side) / across, self.side / up))


def heat_maps(plan: Plan, results: Results) -> Figure | None:
    """One map per metric (row) and contestant (column): source domains downwards, targets to the right.

    The maps of a metric share their colours; brighter is better. None with fewer than three domains, or without scores.
    """
    if len(plan.domains) < FEWEST_DOMAINS or not results.contestants:
        return None
    names, metrics, count = results.contestants, results.metrics, len(plan.domains)
    side = count * (CELL if count <= NUMBERS_UP_TO else SMALL_CELL)
    sheet = _Sheet(len(metrics), len(names), side, LETTER * max(map(len, plan.domains)) + 0.2)
    for row, metric in enumerate(metrics):
        _row_of_maps(sheet, row, metric, _maps(plan, results, metric), plan.domains)
    for name, axes in zip(names, sheet.figure.axes, strict=False):
        axes.set_title(name, fontsize=10, parse_math=False)
    up = sheet.figure.get_size_inches()[1]
    sheet.figure.text(0.5, 1 - 0.16 / up, _axes_text(plan), ha="center", va="center", fontsize=9)
    return sheet.figure


def _row_of_maps(
    sheet: _Sheet, row: int, metric: str, maps: Mapping[str, np.ndarray], domains: tuple[str, ...]
) -> None:
    low, high = _range(maps.values())
    colours = "viridis" if is_better_high(metric) else "viridis_r"
    for column, values in enumerate(maps.values()):
        axes = sheet.place(row, column)
        shown = axes.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=low, vmax=high)
        _label_domains(axes, domains, first=column == 0, last=row == sheet.rows - 1)
        if len(domains) <= NUMBERS_UP_TO:
            _write_numbers(axes, values, low, high, metric)
    bar = sheet.place(row, sheet.columns, width=0.1)
    sheet.figure.colorbar(shown, cax=bar).ax.tick_params(labelsize=8)
    if not is_better_high(metric):
        bar.invert_yaxis()
    middle = bar.get_position().y0 + bar.get_position().height / 2
    across = sheet.figure.get_size_inches()[0]
    sheet.figure.text(0.15 / across, middle, title(metric), rotation=90, va="center", ha="center", fontsize=9)


def _range(maps: Iterable[np.ndarray]) -> tuple[float, float]:
    finite = np.concatenate([values[np.isfinite(values)] for values in maps])
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)


def _axes_text(plan: Plan) -> str:
    seeds = f", means of {len(plan.seeds())} seeds" if len(plan.seeds()) > 1 else ""
    return f"rows: source, columns: target; brighter is better{seeds}"


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


def _label_domains(axes: Axes, domains: tuple[str, ...], first: bool, last: bool) -> None:
    places = range(len(domains))
    axes.set_xticks(places, domains if last else [""] * len(domains), rotation=90, fontsize=9, parse_math=False)
    axes.set_yticks(places, domains if first else [""] * len(domains), fontsize=9, parse_math=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _write_numbers(axes: Axes, values: np.ndarray, low: float, high: float, metric: str) -> None:
    precision = min(decimals(metric), 2)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            share = (value - low) / (high - low or 1)
            bright = share if is_better_high(metric) else 1 - share
            digits = precision if abs(value) < 100 else 0
            axes.text(
                column,
                row,
                f"{value:.{digits}f}",
                ha="center",
                va="center",
                fontsize=8,
                color="black" if bright > 0.55 else "white",
            )


def main_metric(metrics: list[str]) -> str:
    """FID, or the first other distance between distributions, or the first metric."""
    distances = [metric for metric in metrics if is_frechet(metric)]
    return next(iter([*distances, *metrics]))


def cost_figure(plan: Plan, results: Results) -> Figure | None:
    """Training seconds against the main metric: a labelled point per contestant, with the deviation over seeds.

    Contestants that learn nothing are lines across. None if nothing was trained.
    """
    metric = main_metric(results.metrics) if results.metrics else None
    scores = over_seeds(results.scores[results.scores["metric"] == metric], ("model",))
    costs = {name: cost for name, cost in results.costs.items() if name in scores}
    trained = {name: cost.seconds for name, cost in costs.items() if cost.trainings and cost.seconds}
    if metric is None or not trained:
        return None
    figure = Figure(figsize=(5, 3.6), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    for number, (name, spent) in enumerate(trained.items()):
        _point(axes, name, spent, scores[name], f"C{number}")
    for name in costs.keys() - trained.keys():
        _level(axes, f"{name}, not trained", scores[name].mean)
    _scale(axes, list(trained.values()), [scores[name].mean for name in costs])
    better = "higher" if is_better_high(metric) else "lower"
    axes.set_xlabel("training, seconds (all trainings of a seed)", fontsize=9)
    axes.set_ylabel(f"{title(metric)[:-2]} ({better} is better)", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    return figure


def _point(axes: Axes, name: str, seconds: float, score: Score, colour: str) -> None:
    axes.errorbar(seconds, score.mean, yerr=score.deviation, marker="o", capsize=3, color=colour)
    place: dict[str, Any] = {"xytext": (6, 5), "textcoords": "offset points"}
    axes.annotate(name, (seconds, score.mean), **place, fontsize=9, color=colour, parse_math=False)


def _level(axes: Axes, text: str, value: float) -> None:
    axes.axhline(value, color="grey", linewidth=0.8, linestyle="dashed")
    place: dict[str, Any] = {
        "xycoords": ("axes fraction", "data"),
        "xytext": (0, 2),
        "textcoords": "offset points",
        "ha": "right",
    }
    axes.annotate(text, (0.99, value), **place, fontsize=8, color="grey", parse_math=False)


def _scale(axes: Axes, seconds: list[float], values: list[float]) -> None:
    """Room for the names; logarithmic where points of very different size would lie on one another."""
    if max(seconds) > 10 * min(seconds):
        axes.set_xscale("log")
        axes.set_xlim(min(seconds) / 1.6, max(seconds) * 2.4)
    else:
        axes.set_xlim(0, max(seconds) * 1.3)
    if min(values) > 0 and max(values) > 20 * min(values):
        axes.set_yscale("log")
        axes.set_ylim(min(values) / 1.8, max(values) * 1.8)
    else:
        axes.margins(y=0.15)


def draw(plan: Plan, results: Results) -> list[str]:
    """Write the figures that these results allow, remove others of before; returns the names of those written."""
    drawn: Mapping[str, Figure | None] = {"heatmaps": heat_maps(plan, results), "cost": cost_figure(plan, results)}
    written = []
    for stem, figure in drawn.items():
        for suffix in (".png", ".pdf"):
            path = plan.out / f"{stem}{suffix}"
            if figure is None:
                path.unlink(missing_ok=True)
            else:
                save(figure, path)
                written.append(path.name)
    return written
