"""What figures share: sizes for print, a sheet of maps, files."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from i2i.metrics.registry import metric_named
from i2i.utils.atomic_write import replacing

DPI = 300
CELL = 0.5  # inches, of a map with numbers
SMALL_CELL = 0.24  # inches, of one without
LETTER = 0.075  # inches, of a domain's name
LABEL = 26  # letters of a line beside a panel
LEGEND = 28  # letters of a line of a legend
HEAD_LETTER = 0.095  # inches, of a method's name


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's suffix, complete or not at all."""
    suffix = path.suffix[1:].lower()
    # Without the date, so that the same results give the same file.
    metadata: dict[str, Any] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(suffix, {})
    # Type 42: venues refuse the outlines of Type 3, in which matplotlib writes letters otherwise.
    with replacing(path) as partial, rc_context({"pdf.fonttype": 42, "svg.hashsalt": "i2i"}):
        figure.savefig(partial, format=suffix, dpi=DPI, metadata=metadata)


def name_powers(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis whose ends are set, few enough that none lies on another."""
    low, high = axis.get_view_interval()
    steps = (1.0, 2.0, 5.0) if high < 300 * low else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axis.set_minor_formatter(NullFormatter())


def wrapped(text: str, letters: int) -> str:
    """Text in lines of at most so many letters, if no word is longer; an arrow stays with the word before it."""
    kept = text.replace(" ↑", "\N{NO-BREAK SPACE}↑").replace(" ↓", "\N{NO-BREAK SPACE}↓")
    return textwrap.fill(kept, letters)


def shortened(text: str, letters: int) -> str:
    """Text of at most so many letters, its middle left out."""
    kept = max(2, letters - 1)
    return text if len(text) <= letters else f"{text[: kept - kept // 2]}…{text[-(kept // 2) :]}"


def score_label(metric: str, sign: str = "") -> str:
    """A metric's name for an axis with its sign, in lines that fit beside a small panel, and which way is better."""
    known = metric_named(metric)
    return f"{wrapped(known.title + sign, LABEL)}\n({known.better} is better)"


def legend(figure: Figure, axes: Axes) -> None:
    """Names of what is drawn in axes, beside them, where they cover nothing and not each other."""
    handles, names = axes.get_legend_handles_labels()
    shown = ["\n".join(textwrap.wrap(name, LEGEND)) for name in names]
    # Matplotlib leaves out a name that begins with an underscore unless it is given with its handle.
    for text in figure.legend(handles, shown, loc="outside right upper", fontsize=8, frameon=False).get_texts():
        text.set_parse_math(False)


@dataclass(frozen=True)
class Sheet:
    """A figure with maps in rows and columns, laid out in inches.

    Attributes:
        rows, columns: how many maps.
        width, height: of a map.
        left, below: room for names of domains.
    """

    rows: int
    columns: int
    width: float
    height: float
    left: float
    below: float

    GAP, TITLE, METRIC, BAR = 0.15, 0.65, 0.6, 0.85
    NAME = 10.0  # points, of the names above the columns

    @cached_property
    def figure(self) -> Figure:
        """The empty sheet."""
        across = self.METRIC + self.left + self.columns * (self.width + self.GAP) + self.BAR
        up = self.TITLE + self.rows * (self.height + self.GAP) + self.below
        return Figure(figsize=(across, up), facecolor="white")

    def place(self, row: int, column: int, width: float | None = None) -> Axes:
        """Axes of a map; in the column behind the last there is room for the colours."""
        across, up = self.figure.get_size_inches()
        left = self.METRIC + self.left + column * (self.width + self.GAP)
        bottom = up - self.TITLE - self.height - row * (self.height + self.GAP)
        return self.figure.add_axes((left / across, bottom / up, (width or self.width) / across, self.height / up))

    def head(self, axes: Axes, name: str) -> None:
        """Put a name above a map, in two lines and smaller letters where it would run into the next one."""
        widths = range(max(1, int(self.width / HEAD_LETTER)), len(name) + 1)
        lines = next((two for letters in widths if len(two := textwrap.wrap(name, letters)) <= 2), [name])
        text = axes.set_title("\n".join(lines), fontsize=self.NAME, parse_math=False)
        across = text.get_window_extent().width / self.figure.dpi
        text.set_fontsize(self.NAME * min(1, (self.width + self.GAP / 2) / across))

    def title(self, text: str) -> None:
        """Say above all maps what they show."""
        up = self.figure.get_size_inches()[1]
        self.figure.text(0.5, 1 - 0.16 / up, text, ha="center", va="center", fontsize=9)


def label(axes: Axes, across: Sequence[str], down: Sequence[str]) -> None:
    """Names below the columns and beside the rows of a map, without a frame."""
    axes.set_xticks(range(len(across)), across, rotation=90, fontsize=9, parse_math=False)
    axes.set_yticks(range(len(down)), down, fontsize=9, parse_math=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
