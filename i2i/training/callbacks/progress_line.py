"""Speed, losses and the time left of a training run, on the terminal."""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self, TextIO, cast

from i2i.runs.checkpoint import Position
from i2i.training.callbacks.base import Callback, Record
from i2i.training.rollback import Rollback
from i2i.utils.progress import is_live
from i2i.utils.wording import duration

if TYPE_CHECKING:
    from rich.progress import ProgressColumn


class _TolerantStream:
    """A stream to which nothing is written any more once its terminal is gone, which is no reason to end a training."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


class ProgressLine(Callback):
    """Shows images/s, the time left and the losses: one live line on a terminal, lines now and then elsewhere.

    Where the terminal is too narrow, losses are cut short first, then the bar goes, then the losses, then the speed.
    Share and time left always stay.
    """

    BAR_FROM, LOSSES_FROM, SPEED_FROM = 76, 60, 50
    """Columns of a terminal that has room for them."""

    def __init__(self, title: str, stream: TextIO | None = None, seconds_between: float = 15.0) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._console = Console(file=cast(TextIO, _TolerantStream(stream or sys.stderr)))
        self._between, self._printed = seconds_between, time.monotonic()
        self._title, self._losses = title, ""
        self._bar: Progress | None = None
        if is_live(self._console):
            self._bar = Progress(
                *self._columns(self._console.width),
                console=self._console,
                expand=self._console.width >= self.LOSSES_FROM,
            )
            self._task = self._bar.add_task(title, total=None, speed="", losses="")

    def _columns(self, width: int) -> "list[ProgressColumn]":
        """What fits into a terminal of that many columns."""
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.table import Column

        whole = partial(Column, no_wrap=True)
        rest = Column(no_wrap=True, overflow="ellipsis", ratio=1)
        found: list[tuple[int, ProgressColumn]] = [
            (0, TextColumn("{task.description}", markup=False, table_column=whole())),
            (self.BAR_FROM, BarColumn(bar_width=20, table_column=whole())),
            (0, TextColumn("{task.percentage:>3.0f}%", table_column=whole())),
            (self.SPEED_FROM, TextColumn("{task.fields[speed]}", markup=False, table_column=whole())),
            (0, TimeRemainingColumn(table_column=whole())),
            (0, TextColumn("left", table_column=whole())),
            (self.LOSSES_FROM, TextColumn("{task.fields[losses]}", markup=False, table_column=rest)),
        ]
        return [column for needed, column in found if width >= needed]

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar:
            self._bar.stop()

    def on_loading(self, done: int, total: int) -> None:
        """Move the bar while images are decoded."""
        if self._bar:
            self._bar.update(self._task, description="decoding images", completed=done, total=total)

    def on_step(self, position: Position) -> None:
        """Move the bar."""
        if self._bar:
            self._bar.update(self._task, description=self._title, completed=position.step, total=position.steps)

    def on_rollback(self, rollback: Rollback) -> None:
        """Say it."""
        self._say(f"{self._title}: {rollback}")

    def on_record(self, record: Record) -> None:
        """Show speed and losses."""
        position = record.position
        self._losses = _losses_text(record.losses)
        speed = f"{record.images_per_second:.1f} images/s"
        if self._bar:
            self._bar.update(self._task, speed=speed, losses=self._losses)
        elif time.monotonic() - self._printed > self._between or position.step in (1, position.steps):
            self._printed = time.monotonic()
            done, left = f"step {position.step}/{position.steps}", f"{duration(position.seconds_left)} left"
            self._say(f"{self._title}: {done}, {speed}, {left}, {self._losses}")

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)


def _losses_text(losses: Mapping[str, float]) -> str:
    """Terms grouped by phase: `critic: real 0.1, fake 0.2; generator: ...`."""
    phases: dict[str, list[str]] = {}
    for name, value in losses.items():
        phase, _, term = name.partition("/")
        phases.setdefault(phase, []).append(f"{term} {value:.3g}")
    return "; ".join(f"{phase}: {', '.join(terms)}" for phase, terms in phases.items())
