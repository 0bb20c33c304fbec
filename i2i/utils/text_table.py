"""Tables as text for a terminal."""

import re
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Literal

from i2i.utils.text import one_line

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 140
LONGEST_WORD = 24  # characters, from which on a word may be broken


def text_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], right: Collection[int] = (), title: str | None = None
) -> str:
    """A framed table.

    Args:
        header: of the columns.
        rows: a cell for each column; what a cell says is shown as it is, whatever markup it looks like.
        right: numbers of the columns that are aligned to the right.
        title: above it.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title)
    for place, name in enumerate(header):
        table.add_column(Text(one_line(name)), justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(str(cell))) for cell in row))
    return _text(table, WIDTH)


def fitted_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Collection[int],
    spare: Sequence[int],
    width: int,
) -> tuple[str, list[str]]:
    """A framed table no wider than `width`, if its last columns are not: numbers stay whole, words are not broken.

    Args:
        header: of the columns; long ones are broken at spaces and hyphens.
        rows: a cell for each column.
        right: numbers of the columns that are aligned to the right and kept whole; others may go on in a further line.
        spare: numbers of columns that are left out where there is no room, the first of them first.
        width: of the terminal, characters.

    Returns:
        The table, and the headings of what was left out.
    """
    cells = [[one_line(str(cell)) for cell in row] for row in (header, *rows)]
    shown, left_out = list(range(len(header))), list[int]()
    for place in spare:
        if _framed([_least(cells, column, column in right) for column in shown]) <= width:
            break
        shown.remove(place)
        left_out.append(place)
    widths = _shared_out({column: _least(cells, column, column in right) for column in shown}, cells, width)
    return _drawn(cells, widths, right), [cells[0][column] for column in sorted(left_out)]


def _least(cells: Sequence[Sequence[str]], column: int, whole: bool) -> int:
    """Characters that a column needs for its heading in lines and its cells, whole or in lines."""
    head, *body = (row[column] for row in cells)
    texts = body if whole else [word for cell in body for word in _lines(cell, 1)]
    longest = max(map(len, texts), default=0)
    return max(longest if whole else min(longest, LONGEST_WORD), *(len(line) for line in _lines(head, 1)))


def _lines(heading: str, width: int) -> list[str]:
    """A heading in lines; what is shorter than two letters, as an arrow, stays with the word before it."""
    joined = re.sub(r" (?=\S(?:$| ))", "\N{NO-BREAK SPACE}", heading)
    lines = textwrap.wrap(joined, width, break_long_words=False) or [""]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]  # terminals are shown that as an escape


def _framed(widths: Sequence[int]) -> int:
    return sum(widths) + 3 * len(widths) + 1


def _shared_out(least: Mapping[int, int], cells: Sequence[Sequence[str]], width: int) -> dict[int, int]:
    """The least widths, and what is left given to columns whose cells are longer, from the first."""
    widths, room = dict(least), width - _framed(list(least.values()))
    for column, own in least.items():
        longest = max((len(row[column]) for row in cells[1:]), default=0)
        more = min(max(0, room), max(0, longest - own))
        widths[column], room = own + more, room - more
    return widths


def _drawn(cells: Sequence[Sequence[str]], widths: Mapping[int, int], right: Collection[int]) -> str:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column, width in widths.items():
        heading = "\n".join(_lines(cells[0][column], width))
        justify: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(Text(heading), justify=justify, overflow="fold", width=width)
    for row in cells[1:]:
        cells_in_lines = (
            row[column] if column in right else "\n".join(textwrap.wrap(row[column], width))
            for column, width in widths.items()
        )
        table.add_row(*map(Text, cells_in_lines))
    return _text(table, _framed(list(widths.values())))


def _text(table: "Table", width: int) -> str:
    from rich.console import Console

    console = Console(file=StringIO(), width=width)
    console.print(table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text.rstrip()
