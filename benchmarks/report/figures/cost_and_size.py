"""Figures with axes: quality against cost, and the Frechet distance against the number of images."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from i2i.benchmarks.analysis.aggregate import Score, over_seeds
from i2i.benchmarks.analysis.frontier import frontier
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import signs
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.detail_tables import curve, metrics_by_n
from i2i.benchmarks.report.figures.method_styles import Style, styles
from i2i.benchmarks.report.figures.style import legend, name_powers, score_label
from i2i.benchmarks.results_folder.staleness import REAL
from i2i.metrics.registry import kind_of, metric_named

SECONDS = "training, seconds (all training runs of a seed)"
MACS = "MACs to translate an image, billions"
BILLION = 1e9
FRONTIER = "nothing as cheap is better"


def main_metric(metrics: list[str]) -> str:
    """FID, or the first other distance between distributions, or the first metric."""
    distances = [metric for metric in metrics if kind_of(metric) == "frechet"]
    return next(iter([*distances, *metrics]))


def cost_figure(plan: Plan, results: Results) -> Figure | None:
    """The main metric against what methods cost: a point per method, with the std over seeds, and the frontier.

    Training seconds, and beside them the MACs of a translation where they were measured. Methods that learn
    nothing are lines across. None if nothing was trained.
    """
    metric = main_metric(results.metrics) if results.metrics else None
    scores = over_seeds(results.scores[results.scores["metric"] == metric], ("model",))
    costs = {name: cost for name, cost in results.costs.items() if name in scores}
    trained = {name: cost for name, cost in costs.items() if cost.training_runs and cost.seconds}
    if metric is None or not trained:
        return None
    panels = {SECONDS: {name: cost.seconds for name, cost in trained.items()}}
    if macs := {name: cost.macs / BILLION for name, cost in trained.items() if cost.macs}:
        panels[MACS] = macs
    figure = Figure(figsize=(1.2 + 4.8 * len(panels), 3.6), facecolor="white", layout="constrained")
    every = [figure.add_subplot(1, len(panels), place) for place in range(1, 1 + len(panels))]
    for axes, (label, by_method) in zip(every, panels.items(), strict=True):
        _draw_methods(axes, results, by_method, scores, [name for name in costs if name not in trained])
        points = {name: (cost, scores[name].mean) for name, cost in by_method.items()}
        _along(every[0], axes, [points[name] for name in frontier(points, metric_named(metric).higher_is_better)])
        _scale(axes, list(by_method.values()), [scores[name].mean for name in costs])
        axes.set_xlabel(label, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    label = score_label(metric, signs(plan, results).get(metric, ""))
    every[0].set_ylabel(label, fontsize=9, parse_math=False)
    legend(figure, every[0])
    return figure


def _along(named: Axes, axes: Axes, points: list[tuple[float, float]]) -> None:
    """A line along the frontier where that has several points; its name stands once, among those of other axes."""
    if len(points) > 1:
        axes.step(*zip(*points, strict=True), where="post", color="0.6", linewidth=1.2, zorder=0)
        if FRONTIER not in named.get_legend_handles_labels()[1]:
            named.plot([], [], color="0.6", linewidth=1.2, label=FRONTIER)


def _draw_methods(
    axes: Axes, results: Results, by_method: dict[str, float], scores: dict[str, Score], untrained: list[str]
) -> None:
    """A point for each trained method, and a line for each that learns nothing."""
    method_styles = styles(results.methods)
    for name, cost in by_method.items():
        _point(axes, name, cost, scores[name], method_styles[name])
    for name in untrained:
        label, color = f"{name}, not trained", method_styles[name].color
        axes.axhline(scores[name].mean, color=color, linewidth=1, linestyle="dashed", label=label)


def _point(axes: Axes, name: str, seconds: float, score: Score, style: Style) -> None:
    options = {"marker": style.marker, "color": style.color, "linestyle": "none", "capsize": 3, "label": name}
    axes.errorbar(seconds, score.mean, score.std, **options)  # type: ignore[arg-type]


def _scale(axes: Axes, seconds: list[float], values: list[float]) -> None:
    """Some room; logarithmic where points of very different size would lie on one another."""
    if max(seconds) > 10 * min(seconds):
        axes.set_xscale("log")
        axes.set_xlim(min(seconds) / 1.6, max(seconds) * 1.6)
        name_powers(axes.xaxis)
    else:
        axes.set_xlim(0, max(seconds) * 1.1)
    _fit_values(axes, values)


def _fit_values(axes: Axes, values: list[float]) -> None:
    if min(values) > 0 and max(values) > 20 * min(values):
        axes.set_yscale("log")
        axes.set_ylim(min(values) / 1.8, max(values) * 1.8)
        name_powers(axes.yaxis)
    else:
        axes.margins(y=0.15)


def size_figure(plan: Plan, results: Results) -> Figure | None:
    """Frechet distance against the number of images, a line per method; None where only one number is known.

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
    method_styles = {**styles(results.methods), REAL: Style("grey", ".")}
    for place, (metric, curves) in enumerate(drawn.items(), 1):
        axes = figure.add_subplot(1, len(drawn), place)
        for name, values in curves.items():
            style = "dashed" if name == REAL else "solid"
            (line,) = axes.plot(list(values), list(values.values()), linestyle=style, label=name)
            line.set(marker=method_styles[name].marker, color=method_styles[name].color)
        _name_sizes(axes, sorted({n for values in curves.values() for n in values}))
        _fit_values(axes, [value for values in curves.values() for value in values.values()])
        axes.set_xlabel("images per set", fontsize=9)
        axes.set_ylabel(score_label(metric, signs(plan, results).get(metric, "")), fontsize=9, parse_math=False)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    legend(figure, figure.axes[0])
    return figure


def _name_sizes(axes: Axes, counts: list[int]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([float(n) for n in counts]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
