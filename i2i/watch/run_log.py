"""What a training logged of itself: how far it is, and its curves, thinned out for drawing."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from i2i.training.validation import read_rows
from i2i.utils.json_documents import Count, Document

LOG = "metrics.jsonl"
POINTS = 200
"""Of a curve, at most."""

LARGEST = 1e300
"""Below what a value is drawn: what is not finite is not, nor a whole number that is no float."""

Curve = list[tuple[int, float]]
Item = TypeVar("Item")


class Line(Document):
    """A line of the log.

    Attributes:
        step, steps: done and to do; logs of before do not tell the latter.
        images: real ones shown.
        seconds: spent in steps.
        images_per_second: since the line before.
        losses: means since the line before, by `phase/term`.
    """

    images: Count
    step: Count = 0
    steps: Count | None = None
    seconds: float = 0.0
    images_per_second: float = 0.0
    losses: dict[str, Any] = Field(default_factory=dict)


class Rollback(Document):
    """A line about a return to an earlier step."""

    step: Count
    rollback: Count
    reason: str


def lines_of(run: Path) -> tuple[list[Line], list[Rollback]]:
    """The records of a log; a line cut off by a killed process, or of anything else, is left out."""
    lines, rollbacks = list[Line](), list[Rollback]()
    for text in _texts(run / LOG):
        with suppress(ValidationError):
            lines.append(Line.model_validate_json(text))
        with suppress(ValidationError):
            rollbacks.append(Rollback.model_validate_json(text))
    return lines, rollbacks


def curves_of(run: Path) -> dict[str, Curve]:
    """Images shown against each value that was logged.

    Raises:
        Damaged: for a table of validation scores that is none.
    """
    return {**losses_of(lines_of(run)[0]), **scores_of(run)}


def losses_of(lines: Sequence[Line]) -> dict[str, Curve]:
    """The curves of the losses."""
    points = ((name, line.images, value) for line in lines for name, value in line.losses.items())
    return _curves((name, images, value) for name, images, value in points if isinstance(value, int | float))


def scores_of(run: Path) -> dict[str, Curve]:
    """The curves of the validation scores; Damaged for a table that is none."""
    return _curves((f"validation: {row['metric']}", int(row["images"]), float(row["value"])) for row in read_rows(run))


def subsampled(items: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of the items, evenly, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]


def drawable(curves: Mapping[str, Curve]) -> list[tuple[str, Curve]]:
    """Curves as a page draws them."""
    return [(name, subsampled(curve, POINTS)) for name, curve in curves.items()]


def _texts(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ()


def _curves(points: Iterable[tuple[str, int, float]]) -> dict[str, Curve]:
    found: dict[str, Curve] = {}
    for name, images, value in points:
        if abs(value) < LARGEST:
            found.setdefault(name, []).append((images, float(f"{value:.5g}")))
    return found
