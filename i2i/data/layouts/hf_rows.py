"""Rows of a table of Hugging Face's `datasets` as files of images: which column is what, and how they are written.

Two readings are known:

    a column of images and one of classes           domains are the classes
    two or more columns of images                   aligned pairs; domains are the columns
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from i2i.data.layouts.by_domain import check_names
from i2i.data.layouts.image_folder import SIGNATURES
from i2i.errors import UserError
from i2i.utils.split_names import SPLITS

COLUMNS_HELP = (
    "--set data.columns=IMAGE,CLASS for a column of images and one of classes, or "
    "--set data.columns=DOMAIN=IMAGE,DOMAIN=IMAGE for pairs"
)


@dataclass(frozen=True)
class Reading:
    """What the columns of a table are.

    Attributes:
        images: the column of images of each domain; with classes the only one, whatever its domain is called.
        classes: the column that says the domain; None: the images of a row are one pair.
    """

    images: Mapping[str, str]
    classes: str | None = None

    @classmethod
    def by_class(cls, images: str, classes: str) -> "Reading":
        """A column of images and one of classes."""
        return cls({"": images}, classes)

    @property
    def paired(self) -> bool:
        """Whether rows are pairs."""
        return self.classes is None


class Table(Protocol):
    """A table of `datasets`, as far as it is used here."""

    features: Mapping[str, object]

    def __iter__(self) -> Iterator[Mapping[str, object]]: ...

    def cast_column(self, column: str, feature: object) -> "Table":
        """The table with a column of another type."""


def undecoded(table: Table) -> Table:
    """The table with images as the bytes of their files."""
    import datasets

    for column in columns_of(table.features, "Image"):
        table = table.cast_column(column, datasets.Image(decode=False))
    return table


def columns_of(features: Mapping[str, object], kind: str) -> list[str]:
    """Names of the columns of a kind: `Image`, `ClassLabel`, `Value`."""
    return [name for name, feature in features.items() if type(feature).__name__ == kind]


def reading_of(features: Mapping[str, object], columns: Sequence[str] | None, place: object) -> Reading:
    """Which column is what: as `data.columns` says, or without it where there is one way only.

    Args:
        features: of the table, by column.
        columns: `IMAGE, CLASS` or `DOMAIN=IMAGE, ...`; None: not said.
        place: of the data, for errors.

    Raises:
        UserError: for a column that is not there or of another kind, or if it has to be said.
    """
    if columns:
        return _chosen(features, columns, place)
    images, classes = columns_of(features, "Image"), columns_of(features, "ClassLabel")
    if len(images) == 1 and len(classes) == 1:
        return Reading.by_class(images[0], classes[0])
    if len(images) > 1 and not classes:
        return Reading({name: name for name in images})
    raise UserError(f"{place} has {_column_list(features)}; say which to read:\n{COLUMNS_HELP}")


def _chosen(features: Mapping[str, object], columns: Sequence[str], place: object) -> Reading:
    pairs = [column.partition("=") for column in columns]
    if len(columns) == 2 and not any(equals for _, equals, _ in pairs):
        images, classes = columns
        _require(features, images, ("Image",), place)
        _require(features, classes, ("ClassLabel", "Value"), place)
        return Reading.by_class(images, classes)
    named = {domain: column for domain, _, column in pairs if domain and column}
    if len(named) < 2 or len(named) < len(columns):
        raise UserError(f"data.columns={','.join(columns)} names no columns of domains:\n{COLUMNS_HELP}")
    for column in named.values():
        _require(features, column, ("Image",), place)
    return Reading(named)


def _require(features: Mapping[str, object], column: str, kinds: Sequence[str], place: object) -> None:
    if column not in columns_of(features, "Image") + columns_of(features, "ClassLabel") + columns_of(features, "Value"):
        raise UserError(f"{place} has no column {column!r}; it has {_column_list(features)}:\n{COLUMNS_HELP}")
    if type(features[column]).__name__ not in kinds:
        raise UserError(f"column {column!r} of {place} does not hold {_WORDS[kinds[0]]}:\n{COLUMNS_HELP}")


_WORDS = {"Image": "images", "ClassLabel": "classes", "Value": "other values"}


def _column_list(features: Mapping[str, object]) -> str:
    """Columns by what they hold."""
    found = {words: columns_of(features, kind) for kind, words in _WORDS.items()}
    return "; ".join(f"{words}: {', '.join(names)}" for words, names in found.items() if names) or "no columns"


def write_split(table: Table, reading: Reading, split: str, place: Path) -> None:
    """Write the images of a split as DOMAIN/ROW.SUFFIX, the bytes as they are stored.

    Args:
        table: with images as `{"bytes": ...}`.
        reading: which column is what.
        split: one of the known splits.
        place: the folder of the split.

    Raises:
        UserError: for another split, a row without image or class, or a name that can be no folder.
    """
    if split not in SPLITS:
        raise UserError(f"split {split!r} is none of {', '.join(SPLITS)}: rename it and save the data again")
    names = _class_names(table, reading)
    check_names(place, names or (() if reading.classes else list(reading.images)))
    for position, domain, image in _images(table, reading, names):
        encoded = image.get("bytes") if isinstance(image, dict) else None
        if not isinstance(encoded, bytes):
            raise UserError(
                f"split {split}, row {position}: no image is stored in it: save the data set with its images"
            )
        folder = place / domain
        if not folder.is_dir():
            check_names(place, [domain])
            folder.mkdir(parents=True)
        (folder / f"{position:07d}{_suffix(encoded)}").write_bytes(encoded)


def _images(table: Table, reading: Reading, names: Sequence[str]) -> Iterator[tuple[int, str, object]]:
    """Position of the row, domain and image."""
    for position, row in enumerate(table):
        if reading.classes is None:
            yield from ((position, domain, row[column]) for domain, column in reading.images.items())
        else:
            (column,) = reading.images.values()
            yield position, _class(row[reading.classes], names, position, reading.classes), row[column]


def _class(value: object, names: Sequence[str], position: int, column: str) -> str:
    if names and isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    if names or value is None or value == "":
        raise UserError(f"row {position} of the data set has no {column}: give every image one")
    return str(value)


def _class_names(table: Table, reading: Reading) -> Sequence[str]:
    """The names of the classes that rows give by number; empty where they give them by name."""
    feature = table.features[reading.classes] if reading.classes else None
    return list(getattr(feature, "names", ()))


def _suffix(encoded: bytes) -> str:
    """By the first bytes; for others one that decodes by contents too."""
    return next((suffix for start, suffix in SIGNATURES.items() if encoded.startswith(start)), ".png")
