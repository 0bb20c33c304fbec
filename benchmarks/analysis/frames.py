"""What the score files hold beside averages: intervals, flags, confusion, values of single images.

Older files lack some of it; the frames are then shorter or empty, and the report leaves the part out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from i2i.benchmarks.results_folder.score_file import read_images

MODEL = ("model", "seed")
DIRECTION = ("source", "target")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "intervals": (*MODEL, *DIRECTION, "metric", "low", "high", "level"),
    "flags": (*MODEL, *DIRECTION, "flag", "value", "threshold", "above", "raised", "says"),
    "confusion": (*MODEL, *DIRECTION, "predicted", "count"),
    "spreads": (*MODEL, *DIRECTION, "metric", "deviation", "subset"),
    "by_n": (*MODEL, *DIRECTION, "metric", "n", "value"),
    "images": (*MODEL, *DIRECTION, "image", "metric", "value"),
}


@dataclass(frozen=True)
class Details:
    """Tidy frames, all with the columns model, seed, source and target.

    Attributes:
        intervals: of a score: metric, low, high, level.
        flags: of health, raised or not: flag, value, threshold, above, raised, says.
        confusion: what the classifier took translations for: predicted, count.
        spreads: of the kernel distance over subsets: metric, deviation, subset.
        by_n: Frechet distances of fewer images: metric, n, value.
        images: scores of single images: image (its stem), metric, value.
    """

    intervals: pd.DataFrame
    flags: pd.DataFrame
    confusion: pd.DataFrame
    spreads: pd.DataFrame
    by_n: pd.DataFrame
    images: pd.DataFrame

    @classmethod
    def gather(cls, found: Iterable["ScoreFrames"] = ()) -> Self:
        """The frames of all score files together; of none, empty ones."""
        found = list(found)
        return cls(**{part: _frame(part, [one.part(part) for one in found]) for part in COLUMNS})

    def where(self, source: str | None, target: str) -> Self:
        """Those of one direction; of every direction to the target if `source` is None. Real images stay in."""
        return replace(self, **{part.name: within(getattr(self, part.name), source, target) for part in fields(self)})


@dataclass(frozen=True)
class ScoreFrames:
    """A score file's contents, and the table of single images beside it.

    Attributes:
        model, seed: whose.
        contents: of the JSON file.
        images: path of the CSV file; it may be missing.
    """

    model: str
    seed: int
    contents: Mapping[str, Any]
    images: Path

    def part(self, name: str) -> pd.DataFrame:
        """One frame, without columns where the file lacks it."""
        if name == "images":
            frame = read_images(self.images)
        else:
            listed: Sequence[Mapping[str, Any]] = self.contents.get(name, ())
            frame = pd.DataFrame(_predictions(listed) if name == "confusion" else listed)
        return frame.assign(model=self.model, seed=self.seed) if len(frame) else frame


def within(frame: pd.DataFrame, source: str | None, target: str) -> pd.DataFrame:
    """Rows of one direction, or to one target if `source` is None; those of real images of the target stay in."""
    kept = frame["target"] == target
    if source is not None:
        kept &= (frame["source"] == source) | (frame["source"] == target)
    return frame[kept]


def _frame(part: str, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    columns = list(COLUMNS[part])
    return pd.concat(filled, ignore_index=True)[columns] if filled else pd.DataFrame(columns=columns)


def _predictions(listed: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    return [
        {"source": row["source"], "target": row["target"], "predicted": predicted, "count": count}
        for row in listed
        for predicted, count in row["predicted"].items()
    ]
