"""The scores of a bench's training runs over their course: `curves.csv` and a figure with a line per method."""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from i2i.benchmarks.analysis.csv_frames import as_csv
from i2i.benchmarks.analysis.learning_curves import course, lines
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.figures.method_styles import Style, styles
from i2i.benchmarks.report.figures.redraw import SUFFIXES
from i2i.benchmarks.report.figures.style import legend, name_powers, save, score_label
from i2i.utils.atomic_write import write_text

FILES = ("curves.csv", *(f"curves{suffix}" for suffix in SUFFIXES))
NAMED = {"images": "real images shown", "updates": "real images shown", "seconds": "seconds of training"}
WIDEST_RATIO = 20
IN_A_COLUMN = 3  # panels


def figure(found: pd.DataFrame, unit: str, marks: Mapping[str, str] = MappingProxyType({})) -> Figure | None:
    """A panel per metric: the score on the validation split against what it cost. None without evaluations.

    `marks` stand behind the names of metrics.
    """
    if not len(found):
        return None
    curves = lines(found, "seconds" if unit == "seconds" else "images")
    metrics = list(dict.fromkeys(curves["metric"]))
    columns = 1 if len(metrics) <= IN_A_COLUMN else 2
    rows = -(-len(metrics) // columns)
    sheet = Figure(figsize=(2.6 + 4 * columns, 2.2 * rows + 0.8), facecolor="white", layout="constrained")
    panels = sheet.subplots(rows, columns, sharex=True, squeeze=False).flatten()
    method_styles = styles(map(str, curves["model"]))
    for axes, metric in zip(panels, metrics, strict=False):
        _panel(axes, curves[curves["metric"] == metric], score_label(metric, marks.get(metric, "")), method_styles)
    for axes in panels[len(metrics) :]:
        axes.remove()
    for axes in panels[len(metrics) - columns : len(metrics)]:
        axes.tick_params(labelbottom=True)
    sheet.supxlabel(f"{NAMED[unit]} (all training runs of a seed)", fontsize=9)
    legend(sheet, panels[0])
    return sheet


def _panel(axes: Axes, curves: pd.DataFrame, label: str, method_styles: Mapping[str, Style]) -> None:
    for name, own in curves.groupby("model", sort=False):
        style = method_styles[str(name)]
        (line,) = axes.plot(own["cost"], own["value"], marker=style.marker, color=style.color, label=str(name))
        line.set(markersize=4, linewidth=1.2)
    values = curves["value"]
    if values.min() > 0 and values.max() > WIDEST_RATIO * values.min():
        axes.set_yscale("log")
        name_powers(axes.yaxis)
    axes.set_ylabel(label, fontsize=9, parse_math=False)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)


def write(plan: Plan, marks: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Write what the training runs left; where that is nothing, remove earlier files. Returns the files' names."""
    found = course(plan)
    drawn = figure(found, next(iter(plan.training_runs)).unit, marks)
    if drawn is None:
        for name in FILES:
            (plan.out / name).unlink(missing_ok=True)
        return []
    write_text(plan.out / FILES[0], as_csv(found))
    for name in FILES[1:]:
        save(drawn, plan.out / name)
    return list(FILES)
