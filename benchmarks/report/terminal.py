"""What a bench shows on the terminal: the progress of its jobs, and the table at the end. Without torch."""

import shutil
import textwrap
from collections.abc import Sequence
from typing import Self

from pydantic import model_validator

from i2i.utils.json_documents import Document
from i2i.utils.text import one_line
from i2i.utils.text_table import WIDTH, fitted_table


def columns_of_terminal() -> int:
    """Characters across the terminal; what is no terminal takes a wide table."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


class TerminalTable(Document):
    """The summary for the terminal, before it is known how wide that is.

    Attributes:
        header, rows: of the table.
        right: numbers of the columns of numbers.
        spare: numbers of the columns that narrow terminals leave out, in this order: images, metrics from the last
            on, health.
        legend: what the marks behind values mean.
        notes: sentences below.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...]
    spare: tuple[int, ...]
    legend: dict[str, str]
    notes: tuple[str, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        columns = range(len(self.header))
        if any(len(row) != len(columns) for row in self.rows) or not {*self.right, *self.spare} <= set(columns):
            raise ValueError("rows and columns of the table do not fit each other")
        return self

    def _marks(self, left_out: Sequence[str]) -> str:
        """What the marks in the columns that are shown mean."""
        shown = [place for place in self.right if self.header[place] not in left_out]
        cells = [row[place] for row in (self.header, *self.rows) for place in shown]
        return ", ".join(f"{mark} {says}" for mark, says in self.legend.items() if any(mark in cell for cell in cells))

    def text(self, place: str, width: int) -> str:
        """The table in so many characters across, with what it leaves out and that it is whole at `place`."""
        table, left_out = fitted_table(self.header, self.rows, self.right, self.spare, width)
        narrow = f"No room for {'; '.join(left_out)}: {place} has all columns."
        notes = [*self.notes, *([narrow] if left_out else [])]
        if marks := self._marks(left_out):
            notes[:1] = [" ".join([*self.notes[:1], f"{marks}."])]
        return "\n".join([table, *(textwrap.fill(one_line(note), width, break_on_hyphens=False) for note in notes)])
