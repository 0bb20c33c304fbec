"""The critical-difference figure of Demšar 2006: mean ranks on a line, and bars over those that are not told apart."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from i2i.benchmarks.analysis.rank_tests import alike
from i2i.benchmarks.report.figures.method_styles import styles
from i2i.benchmarks.report.figures.style import wrapped

WIDTH, LINE = 6.0, 0.24  # inches, of the figure, and of a name's line
LETTERS = 24  # of a line of a name
RANK = 0.22  # share of the scale's width that a mean rank takes beside a name
SIDE = 0.34  # share of the width that names take on either side


def critical_difference(names: Sequence[str], mean_ranks: Sequence[float], difference: float, title: str) -> Figure:
    """The figure.

    Args:
        names: of the methods, the best first.
        mean_ranks: of each.
        difference: by which two mean ranks must differ.
        title: above it.
    """
    groups = alike(mean_ranks, difference)
    half = (len(names) + 1) // 2
    shown = [wrapped(name, LETTERS) for name in names]
    apart = max(1.0, 0.6 * max(name.count("\n") + 1 for name in shown))
    top = 2.0 + 0.5 * len(groups)
    height = LINE * (top + apart * half + 2.4)
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    axes = figure.add_axes((SIDE, 0, 1 - 2 * SIDE, 1))
    axes.set_xlim(1, len(names))
    axes.set_ylim(top + apart * half - 0.3, -2.7)
    axes.axis("off")
    _scale(axes, len(names), difference)
    for row, (first, last) in enumerate(groups):
        ends = [mean_ranks[first] - 0.04, mean_ranks[last] + 0.04]
        axes.plot(ends, [0.7 + 0.5 * row] * 2, color="black", linewidth=3, solid_capstyle="butt", clip_on=False)
    method_styles = styles(names)
    for place, (name, rank) in enumerate(zip(names, mean_ranks, strict=True)):
        left = place < half
        line = top + apart * (place if left else len(names) - 1 - place)
        _name(axes, shown[place], rank, line, left, method_styles[name].color, len(names))
    axes.text((1 + len(names)) / 2, -2.6, title, ha="center", va="top", fontsize=9, parse_math=False)
    return figure


def _scale(axes: Axes, most: int, difference: float) -> None:
    axes.plot([1, most], [0, 0], color="black", linewidth=1, clip_on=False)
    for rank in range(1, most + 1):
        axes.plot([rank, rank], [0, -0.22], color="black", linewidth=1, clip_on=False)
        axes.text(rank, -0.3, str(rank), ha="center", va="bottom", fontsize=8)
    axes.plot([1, 1 + difference], [-1.25, -1.25], color="black", linewidth=1.5, clip_on=False)
    for end in (1, 1 + difference):
        axes.plot([end, end], [-1.13, -1.37], color="black", linewidth=1.5, clip_on=False)
    axes.text(1 + difference / 2, -1.35, f"critical difference {difference:.2f}", ha="center", va="bottom", fontsize=8)


def _name(axes: Axes, name: str, rank: float, line: float, left: bool, color: str, most: int) -> None:
    """A name at the side with its mean rank, and a line from it to its place on the scale."""
    end, over = (1, -1) if left else (most, 1)
    outside = end + over * 0.02 * (most - 1)
    axes.plot([rank, rank, outside], [0, line, line], color=color, linewidth=1.2, clip_on=False)
    for text, away in ((f"{rank:.2f}", 0.02), (name, RANK)):
        axes.text(
            outside + over * away * (most - 1),
            line,
            text,
            ha="right" if left else "left",
            va="center",
            multialignment="right" if left else "left",
            fontsize=8,
            parse_math=False,
        )
