"""Those who follow a training: the metrics file, sample grids, the progress line."""

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, TextIO, cast

import numpy as np
import torch
from torch import Tensor

from i2i.data.decoding.images import write_image
from i2i.data.training_images import TrainingImages
from i2i.errors import UserError
from i2i.runs.checkpoint import Position
from i2i.training.events import Observer, Record
from i2i.training.rollback import Rollback
from i2i.training.sample_grid import SAMPLES, grid_path, tile
from i2i.translator import Translator
from i2i.utils.atomic_write import sync_to_disk, write_text
from i2i.utils.progress import is_live

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

SAMPLE_COLUMNS = 4
SAMPLE_DIRECTIONS = 6


class MetricsFile(Observer):
    """Appends records to `RUN/metrics.jsonl`; lines beyond the step training starts or goes on from are dropped.

    Before each checkpoint its lines are on the disk, so that what a resumed training finds is what was written.
    """

    def __init__(self, run: Path, start: int) -> None:
        self._path = run / "metrics.jsonl"
        run.mkdir(parents=True, exist_ok=True)
        self._drop_beyond(start)

    def on_record(self, record: Record) -> None:
        """Write one line."""
        position = record.position
        line = {
            "step": position.step,
            "steps": position.steps,
            "images": position.images,
            "seconds": round(position.seconds, 3),
            "images_per_second": round(record.images_per_second, 2),
            "data_share": round(record.data_share, 4),
            "learning_rates": dict(record.learning_rates),
            "losses": dict(record.losses),
        }
        self._append(line)

    def on_rollback(self, rollback: Rollback) -> None:
        """Write a line that stands for the first step after the return."""
        self._drop_beyond(rollback.step, but='"rollback"')
        self._append({"step": rollback.step + 1, "rollback": rollback.number, "reason": str(rollback.fault)})

    def on_checkpoint(self) -> None:
        """Wait until all lines are on the disk."""
        if self._path.exists():
            sync_to_disk(self._path)
            sync_to_disk(self._path.parent)

    def _append(self, line: Mapping[str, object]) -> None:
        with self._opened("ab") as file:
            size = file.tell()
            try:
                file.write((json.dumps(line) + "\n").encode())
                file.flush()
            except OSError:
                with suppress(OSError):
                    file.truncate(size)  # no half line
                raise

    def _drop_beyond(self, step: int, but: str | None = None) -> None:
        """Drop lines of later steps, save those in which `but` occurs, and lines that are none."""
        if not self._path.exists():
            return
        with self._opened("rb") as file:
            written = file.read()
        lines = written.decode(errors="replace").split("\n")
        kept = [line for line in lines if _step_of(line) <= step or (but is not None and but in line)]
        text = "".join(f"{line}\n" for line in kept)
        if text.encode() != written:
            write_text(self._path, text)

    def _opened(self, mode: str) -> BinaryIO:
        """The file itself, never another that a link in its place leads to."""

        def opener(path: str, flags: int) -> int:
            return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)

        try:
            return cast(BinaryIO, open(self._path, mode, opener=opener))
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise UserError(f"{self._path} is a link, and a log is not written through one: remove it") from None
            raise


class SampleGrids(Observer):
    """Writes `RUN/samples/STEP.png`: per direction a row of inputs above a row of their translations.

    The same first training images are shown every time, so that the files read as a film. Grids beyond the step
    that training starts or goes on from are removed: another training may have drawn them.
    """

    def __init__(self, run: Path, images: TrainingImages, domains: tuple[str, ...], start: int = 0) -> None:
        self._run, self._folder = run, run / SAMPLES
        self._inputs = {domain: next(images.centered(domain, SAMPLE_COLUMNS)) for domain in domains}
        self._preprocess = images.preprocess
        for path in self._folder.glob("*.png"):
            if path.stem.isdecimal() and int(path.stem) > start:
                path.unlink()

    def on_sample(self, translator: Translator, position: Position) -> None:
        """Translate and write."""
        self._folder.mkdir(parents=True, exist_ok=True)
        directions = translator.task.directions[:SAMPLE_DIRECTIONS]
        rows: list[np.ndarray] = []
        for source, target in directions:
            inputs = self._inputs[source].to(_device(translator))
            rows += [self._shown(inputs, source), self._shown(translator.translate(inputs, source, target), target)]
        labels = [text for source, target in directions for text in (source, f"to {target}")]
        path = grid_path(self._run, position.step)
        write_image(path, tile(rows, labels))
        sync_to_disk(path)  # the checkpoint that follows vouches for it

    def _shown(self, images: Tensor, domain: str) -> np.ndarray:
        """uint8 [B, H, W, 1 or 3] of images [B, C, H, W] in [-1, 1]."""
        preprocess = self._preprocess.of_domain(domain)
        return preprocess.shown(preprocess.to_arrays(images))


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


class ProgressLine(Observer):
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


class Callback(Observer):
    """Tells a function after every step."""

    def __init__(self, function: Callable[[Position], None]) -> None:
        self._function = function

    def on_step(self, position: Position) -> None:
        """Tell it."""
        self._function(position)


def duration(seconds: float) -> str:
    """Seconds as people say them: 42 s, 3 min 20 s, 5 h 12 min.

    >>> [duration(seconds) for seconds in (41.6, 200, 18_725)]
    ['42 s', '3 min 20 s', '5 h 12 min']
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _losses_text(losses: Mapping[str, float]) -> str:
    """Terms grouped by phase: `critic: real 0.1, fake 0.2; generator: ...`."""
    phases: dict[str, list[str]] = {}
    for name, value in losses.items():
        phase, _, term = name.partition("/")
        phases.setdefault(phase, []).append(f"{term} {value:.3g}")
    return "; ".join(f"{phase}: {', '.join(terms)}" for phase, terms in phases.items())


def _step_of(line: str) -> float:
    """The step of a line of the log; infinite for what is no such line, as a killed process or a power cut leaves."""
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return float("inf")
    return step if isinstance(step, int) else float("inf")


def _device(translator: Translator) -> torch.device:
    tensors = [*translator.parameters(), *translator.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")
