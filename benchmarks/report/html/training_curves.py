"""What training runs logged of themselves, thinned out for drawing."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.config import Settings
from i2i.training.validation import read_rows
from i2i.utils.documents import Count, Document

LOG = "metrics.jsonl"
POINTS = 200
"""Of a curve, at most."""

LARGEST = 1e300
"""Below what a value is drawn: what is not finite is not, nor a whole number that is no float."""

Curve = list[tuple[int, float]]


def curves(plan: Plan) -> list[Settings]:
    """By training its model, seed, folder and curves: images seen against each value that was logged."""
    return [
        {
            "model": training.method,
            "seed": training.seed,
            "training": training.folder.name,
            "terms": [[name, _thinned(curve)] for name, curve in found.items()],
        }
        for training in plan.training_runs
        if (found := _read(ResultsFolder(plan.out).run(training)))
    ]


def _read(run: Path) -> dict[str, Curve]:
    found: dict[str, Curve] = {}
    for line in _lines(run / LOG):
        for name, value in _losses(line):
            found.setdefault(name, []).append((line.images, value))
    for row in read_rows(run):
        found.setdefault(f"validation: {row['metric']}", []).append((int(row["images"]), float(row["value"])))
    return found


class _Line(Document):
    images: Count
    losses: dict[str, Any] = Field(default_factory=dict)


def _lines(path: Path) -> Iterator[_Line]:
    """The records of a log; a line cut off by a killed process, or of anything else, is left out."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for line in text.splitlines():
        with suppress(ValidationError):
            yield _Line.model_validate_json(line)


def _losses(line: _Line) -> Iterator[tuple[str, float]]:
    for name, value in line.losses.items():
        if isinstance(value, int | float) and abs(value) < LARGEST:
            yield name, float(f"{value:.5g}")


def _thinned(curve: Curve) -> Curve:
    """At most `POINTS` points, the first and the last among them."""
    if len(curve) <= POINTS:
        return curve
    return [curve[round(place * (len(curve) - 1) / (POINTS - 1))] for place in range(POINTS)]
