"""Scores of the validation split while a training goes on, and the weights that were best by one of them."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import torch

from i2i.config import MOST_COUNTED, RunConfig
from i2i.data.layouts import DataSet
from i2i.errors import Damaged, UserError, unknown
from i2i.metrics.registry import metric_named
from i2i.runs.checkpoint import Best, Position
from i2i.translator import Translator
from i2i.utils.atomic_write import write_text
from i2i.utils.text import csv_cell, from_csv_cell, one_line

FILE = "validation.csv"
COLUMNS = ("step", "images", "seconds", "metric", "value")


@dataclass(frozen=True)
class Evaluator:
    """How a translator is scored in the middle of its training.

    Attributes:
        metric: by which weights are better than others; one of those that `scores` gives.
        scores: metrics by name, of the translator as it is.
    """

    metric: str
    scores: Callable[[Translator], Mapping[str, float]]


class Validation:
    """The scores of a training, in `RUN/validation.csv`, and its best weights so far.

    The weights are those that are trained, not their moving average. Of equal ones the earliest are kept.

    Args:
        run: the run folder.
        evaluator: who scores.
        start: the step that training starts from; lines of the file beyond it are dropped.
        best: what an earlier part of the training had found.
    """

    def __init__(self, run: Path, evaluator: Evaluator, start: int, best: Best | None) -> None:
        self._path, self._evaluator, self.best = run / FILE, evaluator, best
        self._rows = [row for row in read_rows(run) if int(row["step"]) <= start] if start else []
        if self._path.is_file():
            write_text(self._path, _as_csv(self._rows))

    def evaluate(self, translator: Translator, position: Position) -> None:
        """Score, write the scores down, and keep the weights if they are the best.

        Raises:
            UserError: if the metric is not among the scores.
        """
        scores, metric = self._evaluator.scores(translator), self._evaluator.metric
        if metric not in scores:
            raise unknown("metric", metric, scores)
        place = {"step": str(position.step), "images": str(position.images), "seconds": f"{position.seconds:.3f}"}
        self._rows += [{**place, "metric": name, "value": repr(float(value))} for name, value in scores.items()]
        write_text(self._path, _as_csv(self._rows))
        if self.best is None or _is_better(metric, scores[metric], self.best.value):
            weights = {
                name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
                for name, value in translator.state_dict().items()
            }
            self.best = Best(position.step, position.images, metric, float(scores[metric]), weights)


def require_validation(config: RunConfig, data: DataSet) -> None:
    """Check that weights can be chosen by the images of a split that is not tested on.

    Raises:
        UserError: if there is no validation split, a domain is missing in it, or it is the test split.
    """
    split = config.data.val_split
    if split == config.data.test_split:
        raise UserError(f"weights are chosen on the validation split and never on test: data.val_split={split} is both")
    missing = [domain for domain in data.domains if not data.splits.get(split, {}).get(domain)]
    if missing:
        raise UserError(
            f"{data.root} has no validation images of {', '.join(missing)}: add a folder {split}/, name another "
            "split with --set data.val_split=..., or have a built-in dataset drawn with --set data.val_scenes=40"
        )


def read_rows(run: Path) -> list[dict[str, str]]:
    """The lines of a run folder's validation.csv; none if it was not evaluated.

    Raises:
        Damaged: if it holds something else.
    """
    path = run / FILE
    try:
        rows = csv.DictReader(path.read_text().splitlines()) if path.is_file() else []
        return [{**_checked(row), "metric": from_csv_cell(row["metric"])} for row in rows]
    except (ValueError, TypeError, KeyError, csv.Error) as error:  # of UTF-8 too
        raise Damaged(f"{path} is no table of scores ({one_line(str(error))[:200]})", f"remove {path}") from None


def _checked(row: dict[str, str]) -> dict[str, str]:
    """The row, if its numbers are numbers; an error of several kinds if not."""
    counts, measured = (int(row["step"]), int(row["images"])), (float(row["seconds"]), float(row["value"]))
    if not 0 <= min(counts) <= max(counts) <= MOST_COUNTED or not isfinite(measured[0]):
        raise ValueError(f"step {row['step']}, images {row['images']}, seconds {row['seconds']} are no place")
    return {name: row[name] for name in COLUMNS}


def _as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "metric": csv_cell(row["metric"])} for row in rows)
    return text.getvalue()


def _is_better(metric: str, value: float, than: float) -> bool:
    """What is not a number is better than nothing and worse than every number."""
    if value != value or than != than:
        return value == value
    return metric_named(metric).is_better(value, than)
