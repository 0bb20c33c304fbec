"""Figures with axes: quality against cost, and the Frechet distance against the number of pictures."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from i2i.benchmarks.detail_tables import curve, metrics_by_n
from i2i.benchmarks.drawing import wrapped
from i2i.benchmarks.keys import REAL
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results import Results
from i2i.benchmarks.seeds import Score, over_seeds
from i2i.metrics.names import is_better_high, is_frechet, title

LEVEL = 16  # letters of a line beside the axes


def colours_of(results: Results) -> dict[str, str]:
    """A colour for every contestant, the same in every figure."""
    return {name: f"C{number % 10}" for number, name in enumerate(results.contestants)}


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
    colours = colours_of(results)
    for name, spent in trained.items():
        _point(axes, name, spent, scores[name], colours[name])
    for name in costs.keys() - trained.keys():
        _level(axes, f"{wrapped(name, LEVEL)},\nnot trained", scores[name].mean)
    _scale(axes, list(trained.values()), [scores[name].mean for name in costs])
    better = "higher" if is_better_high(metric) else "lower"
    axes.set_xlabel("training, seconds (all trainings of a seed)", fontsize=9)
    axes.set_ylabel(f"{title(metric)[:-2]} ({better} is better)", fontsize=9, parse_math=False)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    return figure


def _point(axes: Axes, name: str, seconds: float, score: Score, colour: str) -> None:
    axes.errorbar(seconds, score.mean, yerr=score.deviation, marker="o", capsize=3, color=colour)
    place: dict[str, Any] = {"xytext": (6, 5), "textcoords": "offset points"}
    axes.annotate(name, (seconds, score.mean), **place, fontsize=9, color=colour, parse_math=False)


def _level(axes: Axes, text: str, value: float) -> None:
    axes.axhline(value, color="grey", linewidth=0.8, linestyle="dashed")
    # Outside the axes, where no point is.
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
    axes.annotate(text, (1.02, value), **place, fontsize=8, color="grey", parse_math=False)


def _scale(axes: Axes, seconds: list[float], values: list[float]) -> None:
    """Room for the names; logarithmic where points of very different size would lie on one another."""
    if max(seconds) > 10 * min(seconds):
        axes.set_xscale("log")
        axes.set_xlim(min(seconds) / 1.6, max(seconds) * 2.4)
    else:
        axes.set_xlim(0, max(seconds) * 1.3)
    _fit_values(axes, values)


def _fit_values(axes: Axes, values: list[float]) -> None:
    if min(values) > 0 and max(values) > 20 * min(values):
        axes.set_yscale("log")
        axes.set_ylim(min(values) / 1.8, max(values) * 1.8)
    else:
        axes.margins(y=0.15)


def size_figure(plan: Plan, results: Results) -> Figure | None:
    """Frechet distance against the number of pictures, a line per contestant; None where only one number is known.

    Means over directions and seeds. A line that still falls at its right end shows the bias of small numbers.
    """
    drawn = {
        metric: {name: values for name in results.rows if len(values := curve(results, metric, name)) > 1}
        for metric in metrics_by_n(results)
    }
    drawn = {metric: curves for metric, curves in drawn.items() if curves}
    if not drawn:
        return None
    figure = Figure(figsize=(1.2 + 5 * len(drawn), 3.6), facecolor="white", layout="constrained")
    colours = {**colours_of(results), REAL: "grey"}
    for place, (metric, curves) in enumerate(drawn.items(), 1):
        axes = figure.add_subplot(1, len(drawn), place)
        for name, values in curves.items():
            style = "dashed" if name == REAL else "solid"
            axes.plot(list(values), list(values.values()), marker="o", color=colours[name], linestyle=style, label=name)
        _name_sizes(axes, sorted({n for values in curves.values() for n in values}))
        _fit_values(axes, [value for values in curves.values() for value in values.values()])
        axes.set_xlabel("pictures a side", fontsize=9)
        axes.set_ylabel(f"{title(metric)[:-2]} (lower is better)", fontsize=9, parse_math=False)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    names = figure.axes[0].get_legend_handles_labels()
    for text in figure.legend(*names, loc="outside right upper", fontsize=8, frameon=False).get_texts():
        text.set_parse_math(False)
    return figure


def _name_sizes(axes: Axes, counts: list[int]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([float(n) for n in counts]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
