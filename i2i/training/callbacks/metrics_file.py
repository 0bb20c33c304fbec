"""The log of a training run, which survives what a training survives."""

import errno
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from i2i.errors import UserError
from i2i.training.callbacks.base import Callback, Record
from i2i.training.rollback import Rollback
from i2i.utils.atomic_write import sync_to_disk, write_text


class MetricsFile(Callback):
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


def _step_of(line: str) -> float:
    """The step of a line of the log; infinite for what is no such line, as a killed process or a power cut leaves."""
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return float("inf")
    return step if isinstance(step, int) else float("inf")
