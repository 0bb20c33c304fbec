"""The figure of a human study: how often each method was chosen, with intervals, beside what guessing gives."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from i2i.benchmarks.human_study.answer_key import REAL
from i2i.benchmarks.human_study.findings import Findings, Rate
from i2i.benchmarks.report.figures.method_styles import Style, styles
from i2i.benchmarks.report.figures.style import wrapped
from i2i.benchmarks.report.study_tables import TITLES, ordered

WIDTH, NARROW = 3.1, 1.9  # inches, of a single panel, and of one of several
ROW, HEAD = 0.28, 0.9  # inches, of a method, and of all above and below
NAMES = 0.075  # inches of a letter
LETTERS = 24  # of a name's line


def study_rates(found: Findings) -> Figure:
    """A panel for each question, the methods by their rate in the first; open markers: baselines and real images."""
    names = [rate.name for rate in ordered(found, found.questions[0])]
    letters = min(LETTERS, max(map(len, names)))
    each = WIDTH if len(found.questions) == 1 else NARROW
    size = (NAMES * letters + each * len(found.questions), HEAD + ROW * len(names))
    figure = Figure(figsize=size, facecolor="white", layout="constrained")
    first = None
    for place, question in enumerate(found.questions, 1):
        axes = figure.add_subplot(1, len(found.questions), place, sharey=first)
        _panel(axes, {rate.name: rate for rate in found.overall(question)}, names, found)
        axes.set_title(TITLES[question], fontsize=8, parse_math=False)
        axes.tick_params(labelleft=first is None, labelsize=8)
        first = first or axes
    return figure


def _panel(axes: Axes, rates: Mapping[str, Rate], names: Sequence[str], found: Findings) -> None:
    method_styles = {**styles(found.methods), REAL: Style("dimgrey", "o")}
    for row, name in enumerate(names):
        if rate := rates.get(name):
            ends = [[100 * abs(rate.rate - (rate.rate if end is None else end))] for end in (rate.low, rate.high)]
            color, marker = method_styles[name].color, method_styles[name].marker
            inside = color if found.kinds[name] == "translator" else "white"
            axes.errorbar(
                100 * rate.rate, row, xerr=ends, marker=marker, color=color, markerfacecolor=inside, capsize=3
            )
    axes.axvline(100 * next(iter(rates.values())).chance, color="grey", linewidth=1, linestyle="dashed")
    axes.set_yticks(range(len(names)), [wrapped(name, LETTERS) for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-2, 102)
    axes.set_xlabel("% of answers; dashed: guessing", fontsize=8)
    axes.grid(axis="x", alpha=0.3)
