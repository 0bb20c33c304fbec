"""Tables as text for a terminal."""

from collections.abc import Collection, Iterable, Sequence
from io import StringIO

from i2i.texts import one_line

WIDTH = 140


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
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title)
    for place, name in enumerate(header):
        table.add_column(Text(one_line(name)), justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(str(cell))) for cell in row))
    console = Console(file=StringIO(), width=WIDTH)
    console.print(table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text.rstrip()
