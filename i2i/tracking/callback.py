"""A training that trackers follow: Weights & Biases, MLflow, Aim, TensorBoard."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from i2i.config import Settings
from i2i.errors import Damaged
from i2i.runs.checkpoint import Position
from i2i.tracking.process import TrackerProcess
from i2i.training.callbacks.base import Callback, Record
from i2i.training.sample_grid import grid_path
from i2i.training.validation import read_rows
from i2i.translator import Translator


class Tracked(Callback):
    """Passes records, sample grids and scores of the validation split on to trackers.

    Use it as a context manager: how the block ends is how the trackers' runs end.

    Args:
        run: the run folder.
        trackers: their names; `trackers_named` has found them usable.
        name: of the run, for people.
        group: the bench it belongs to; None: of none.
        warn: gets a warning for each tracker that fails.
    """

    def __init__(
        self, run: Path, trackers: Sequence[str], name: str, group: str | None, warn: Callable[[str], None]
    ) -> None:
        self._run, self._names, self._warn = run, trackers, warn
        self._about = {"folder": str(run.absolute()), "name": name, "group": group}
        self._processes: list[TrackerProcess] = []
        self._final: dict[str, float] = {}
        self._evaluated = 0

    def begun(self, settings: Settings) -> Self:
        """This, with the trackers started, which is to wait until the run folder is held."""
        self._processes = [TrackerProcess(name, self._run, self._warn) for name in self._names]
        self._send("begin", **self._about, settings=flat(settings))
        return self

    def on_record(self, record: Record) -> None:
        """Pass on losses, rates, speed, and what the validation has found since."""
        values = {
            **{f"loss/{name}": value for name, value in record.losses.items()},
            **{f"learning_rate/{name}": value for name, value in record.learning_rates.items()},
            "images_per_second": record.images_per_second,
            "data_share": record.data_share,
        }
        images = record.position.images
        self._scalars(values, images)
        self._validation()
        self._final |= {"steps": record.position.step, "seconds": record.position.seconds, "images_shown": images}

    def on_sample(self, translator: Translator, position: Position) -> None:
        """Pass on the grid that was just written."""
        path = grid_path(self._run, position.step)
        if path.is_file():
            self._send("image", name="samples", path=str(path.absolute()), images=position.images)

    def _validation(self) -> None:
        try:
            rows = [row for row in read_rows(self._run) if int(row["step"]) > self._evaluated]
        except Damaged:
            return
        for row in rows:
            self._evaluated = int(row["step"])
            values = {f"validation/{row['metric']}": float(row["value"])}
            self._scalars(values, int(row["images"]))
            self._final |= values

    def _scalars(self, values: Mapping[str, float], images: int) -> None:
        self._send("scalars", values=finite(values), images=images)

    def _send(self, kind: str, **values: object) -> None:
        for process in self._processes:
            process.send(kind, **values)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._send("summary", values=finite(self._final))
        for process in self._processes:
            process.close("failed" if kind else "finished")


def flat(settings: Settings, start: str = "") -> dict[str, object]:
    """Nested settings by the names that `--set` gives them.

    >>> flat({"train": {"images": 8}})
    {'train.images': 8}
    """
    found: dict[str, object] = {}
    for name, value in settings.items():
        found |= flat(value, f"{start}{name}.") if isinstance(value, dict) else {f"{start}{name}": value}
    return found


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Those that are numbers, which JSON and trackers take."""
    return {name: value for name, value in values.items() if math.isfinite(value)}
