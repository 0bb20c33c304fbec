"""What a score job leaves: `scores/NAME.json` with what was measured of directions, and a table of single images."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.results_folder.result_records import write_record
from i2i.errors import Damaged
from i2i.utils.atomic_write import write_text
from i2i.utils.json_documents import Count, Document, Measured, read_document
from i2i.utils.text import csv_row, from_csv_cell, one_line

Entry = dict[str, Any]
"""What was measured, with `source` and `target`."""


class _About(Document):
    source: str
    target: str


class Row(_About):
    """A score."""

    metric: str
    value: Measured
    n: Count


class Interval(_About):
    """Of a score."""

    metric: str
    low: Measured
    high: Measured
    level: Measured


class Flag(_About):
    """Of health."""

    flag: str
    value: Measured
    threshold: Measured
    above: bool
    raised: bool
    says: str


class Confusion(_About):
    """What translations were taken for."""

    predicted: dict[str, Count]


class Spread(_About):
    """Of a kernel distance over subsets."""

    metric: str
    deviation: Measured
    subset: Count


class ByCount(_About):
    """A distance of fewer images."""

    metric: str
    value: Measured
    n: Count


class Features(Document):
    """Whose a distance compares."""

    name: str
    dimensions: Count
    sha256: str


class ScoreFile(Document):
    """What `Scores.write` wrote; older files lack some of it."""

    key: str
    features: Features | None = None
    rows: tuple[Row, ...] = ()
    intervals: tuple[Interval, ...] = ()
    flags: tuple[Flag, ...] = ()
    confusion: tuple[Confusion, ...] = ()
    spreads: tuple[Spread, ...] = ()
    by_n: tuple[ByCount, ...] = ()


REMADE = "remove it, and i2i bench makes it again"


def score_file(path: Path) -> ScoreFile | None:
    """What a score job left; None without a file, `Damaged` if it holds something else."""
    return read_document(ScoreFile, path, REMADE)


IMAGE_COLUMNS = ("source", "target", "image", "metric", "value")


@dataclass(frozen=True)
class Scores:
    """What was measured in some directions. Every entry names its `source` and `target` and holds, by kind:

    Attributes:
        rows: `metric`, `value`, and `n`, the number of scored images.
        intervals: `metric`, `low`, `high`, `level`, of what other images, equally many, would give.
        flags: `flag`, `value`, `threshold`, `above`, `raised`, `says`.
        confusion: `predicted`, how many images the domain classifier put into each domain.
        spreads: `metric`, `deviation` over random subsets, and `subset`, the images in each.
        by_n: `metric`, `value` at `n` of the images.
        images: `image`, `metric`, `value`; these go into a table of their own.
    """

    rows: list[Entry] = field(default_factory=list)
    intervals: list[Entry] = field(default_factory=list)
    flags: list[Entry] = field(default_factory=list)
    confusion: list[Entry] = field(default_factory=list)
    spreads: list[Entry] = field(default_factory=list)
    by_n: list[Entry] = field(default_factory=list)
    images: list[Entry] = field(default_factory=list)

    def add(self, other: "Scores") -> None:
        """Take over what was measured in other directions."""
        for kind in fields(self):
            getattr(self, kind.name).extend(getattr(other, kind.name))

    def write(self, path: Path, key: str, features: Mapping[str, object], made_from: Mapping[str, object]) -> None:
        """Write `path`, which ends in `.json`, and beside it the table of images, which comes first.

        `made_from` is what `keys.identities` gives.
        """
        everything, table = asdict(self), images_path(path)
        write_images(table, everything.pop("images"))
        write_record(path, {"key": key, "features": features, **made_from, **everything}, path.parent, [table])


def entries(direction: Direction, items: Iterable[Mapping[str, object]]) -> list[Entry]:
    """Items with the direction that they are about."""
    return [{"source": direction[0], "target": direction[1], **item} for item in items]


def image_entries(direction: Direction, stems: Sequence[str], metric: str, values: Iterable[float]) -> list[Entry]:
    """One metric of single images, one value for each stem."""
    pairs = zip(stems, values, strict=True)
    return entries(direction, ({"image": stem, "metric": metric, "value": float(value)} for stem, value in pairs))


def images_path(path: Path) -> Path:
    """Where the table of images lies that belongs to a file of scores."""
    return path.with_suffix(".images.csv")


def write_images(path: Path, images: Iterable[Entry]) -> None:
    """Write a table of images, complete or not at all."""
    text = io.StringIO()
    table = csv.DictWriter(text, IMAGE_COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(map(csv_row, images))
    write_text(path, text.getvalue())


def read_images(path: Path) -> pd.DataFrame:
    """What `write_images` wrote; nothing if there is no file. Names such as 007 and NA stay names.

    Raises:
        Damaged: if the file holds something else.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(IMAGE_COLUMNS))
    try:
        read = pd.read_csv(path, dtype=str, keep_default_na=False)[list(IMAGE_COLUMNS)]
        names = {name: read[name].map(from_csv_cell) for name in IMAGE_COLUMNS[:-1]}
        return read.assign(**names, value=[float(value or "nan") for value in read["value"]])
    except (ValueError, KeyError, OverflowError) as error:  # of pandas' parser, of a text that is no number, of UTF-8
        raise Damaged(f"{path} is no table of images ({one_line(str(error))[:200]})", REMADE) from None
