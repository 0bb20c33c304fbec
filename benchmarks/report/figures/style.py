"""What figures share: sizes for print, labels, files."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from i2i.metrics.registry import metric_named
from i2i.utils.atomic_write import replacing

DPI = 300
UNDATED: dict[str, Any] = {"CreationDate": None}  # so that the same results give the same file
CELL = 0.5  # inches, of a map with numbers
SMALL_CELL = 0.16  # inches, of one without: as high as a line
LINE = 0.15  # inches, of a line of a name beside a map
LETTER = 0.075  # inches, of a domain's name
DOMAIN = 20  # letters of a line of a domain's name
LABEL = 26  # letters of a line beside a panel
LEGEND = 28  # letters of a line of a legend
HEAD_LETTER = 0.095  # inches, of a method's name
PAGE = (8.5, 11.0)  # inches: as wide as that, letters of 9 points still have 7 in the text of a page


def save(figure: Figure, path: Path, dpi: float | None = None) -> None:
    """Write a figure in the format of the path's suffix, complete or not at all, with so many dots per inch or DPI."""
    suffix = path.suffix[1:].lower()
    metadata: dict[str, Any] = {"pdf": UNDATED, "svg": {"Date": None}}.get(suffix, {})
    with replacing(path) as partial, _settings():
        figure.savefig(partial, format=suffix, dpi=dpi or DPI, metadata=metadata)


def save_pages(figures: Sequence[Figure], path: Path) -> None:
    """Write figures as the pages of a PDF, complete or not at all."""
    with replacing(path) as partial, _settings(), PdfPages(partial, metadata=UNDATED) as pages:
        for figure in figures:
            pages.savefig(figure, dpi=DPI)


def _settings() -> AbstractContextManager[None]:
    """Letters of Type 42, since venues refuse those of Type 3, which matplotlib writes by default."""
    return rc_context({"pdf.fonttype": 42, "svg.hashsalt": "i2i"})


def name_powers(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis whose ends are set, few enough that none lies on another."""
    low, high = axis.get_view_interval()
    steps = (1.0, 2.0, 5.0) if high < 300 * low else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axis.set_minor_formatter(NullFormatter())


def wrapped(text: str, letters: int) -> str:
    """Text `broken` into lines of at most so many letters, where an arrow stays with the word before it."""
    return broken(text.replace(" ↑", "\N{NO-BREAK SPACE}↑").replace(" ↓", "\N{NO-BREAK SPACE}↓"), letters)


def broken(name: str, letters: int) -> str:
    """A name in lines of at most so many letters: after a space, hyphen or underscore, else where it must.

    >>> broken("van_gogh_late-period", 9)
    'van_gogh_\\nlate-\\nperiod'
    """
    lines = [""]
    for part in re.findall("[^ _-]*[ _-]?", name):
        for piece in textwrap.wrap(part, letters, drop_whitespace=False):
            if len((lines[-1] + piece).rstrip()) > letters:
                lines.append("")
            lines[-1] += piece
    return "\n".join(line.strip() for line in lines)


def shortened(text: str, letters: int) -> str:
    """Text of at most so many letters, its middle left out."""
    kept = max(2, letters - 1)
    return text if len(text) <= letters else f"{text[: kept - kept // 2]}…{text[-(kept // 2) :]}"


def named(rows: Sequence[Sequence[str]], letters: int, pitch: float) -> list[str]:
    """Names of rows or columns that are so many inches apart, in as many lines of `letters` as there is room for.

    A name has one part, or two with an arrow between them. What needs more lines stands in one, with the middles of
    its parts left out, unless names would then be alike.
    """
    whole = [broken(" → ".join(parts), letters) for parts in rows]
    if max(name.count("\n") + 1 for name in whole) <= int(pitch / LINE):
        return whole
    short = [" → ".join(shortened(part, letters // len(parts) - 1) for part in parts) for parts in rows]
    return short if len(set(short)) == len(set(whole)) else [" → ".join(parts) for parts in rows]


def score_label(metric: str, sign: str = "") -> str:
    """A metric's name for an axis with its sign, in lines that fit beside a small panel, and which way is better."""
    known = metric_named(metric)
    return f"{wrapped(known.title + sign, LABEL)}\n({known.better} is better)"


def legend(figure: Figure, axes: Axes) -> None:
    """Names of what is drawn in axes, beside them, where they cover nothing and not each other."""
    handles, names = axes.get_legend_handles_labels()
    shown = [broken(name, LEGEND) for name in names]
    # Matplotlib leaves out a name that begins with an underscore unless it is given with its handle.
    for text in figure.legend(handles, shown, loc="outside right upper", fontsize=8, frameon=False).get_texts():
        text.set_parse_math(False)


def room(names: Iterable[str]) -> float:
    """Inches for names beside a map."""
    return LETTER * max(len(line) for name in names for line in name.split("\n")) + 0.2


def label(axes: Axes, across: Sequence[str], down: Sequence[str]) -> None:
    """Names below the columns and beside the rows of a map, without a frame."""
    axes.set_xticks(range(len(across)), across, rotation=90, fontsize=9, parse_math=False)
    axes.set_yticks(range(len(down)), down, fontsize=9, parse_math=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
