"""Manifests: tables with a line per image, CSV with a header or JSON lines.

    path,split,domain,pair            relative to the manifest's folder; pair is optional
    path,split,attributes             names separated by , or ;

`metadata.csv` and `metadata.jsonl` of Hugging Face's imagefolder are manifests too: their column `file_name` is the
path, and columns unknown here are left alone. Without a column `split` paths begin with it: `train/1.png`.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import StringIO
from itertools import chain
from pathlib import Path, PurePosixPath

import numpy as np

from i2i.data.image_files.open_image import FORMATS
from i2i.data.layouts import Choices, DataSet, ImageFile, Layout, domain_data, own_name
from i2i.data.layouts.celeba import attributes_data, label_set
from i2i.data.layouts.image_folder import ImageFolder, is_image
from i2i.data.layouts.listed_names import Inside, read_text
from i2i.errors import UserError, unknown
from i2i.utils.split_names import SPLITS, canonical_split, split_of

COLUMNS = ("path", "split", "domain", "pair", "attributes")
IMAGEFOLDER_PATH = "file_name"
NAMES = ("manifest.csv", "manifest.jsonl", "metadata.csv", "metadata.jsonl")
"""What a manifest in a folder is called."""
LONGEST_HEADER = 1 << 20


@dataclass(frozen=True)
class Row:
    """A line of a manifest; empty texts for what it does not say."""

    line: int
    path: str
    split: str = ""
    domain: str = ""
    pair: str = ""
    attributes: str = ""


def is_manifest(path: Path) -> bool:
    """Whether a file is a manifest by its name."""
    return path.suffix.lower() in (".csv", ".jsonl")


def read_rows(path: Path) -> list[Row]:
    """The lines of a manifest.

    Raises:
        UserError: naming the line, for what is no table of this kind.
    """
    found = _json_rows(path, read_text(path)) if _is_json(path) else _csv_rows(path, read_text(path))
    rows = [_row(path, line, values) for line, values in found]
    if not rows:
        raise UserError(f"{path} lists no images: write one per line, below a header such as path,split,domain")
    return rows


def columns_of(path: Path) -> frozenset[str]:
    """The columns that the first line of a manifest names, `path` for `file_name` too; none if it cannot be read."""
    with path.open("rb") as file:
        first = file.readline(LONGEST_HEADER).decode("utf-8-sig", errors="replace")
    try:
        if _is_json(path):
            return frozenset(name for _, values in _json_rows(path, first) for name in values)
        return frozenset(_header(path, next(csv.reader([first]), [])))
    except (UserError, csv.Error):
        return frozenset()


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".jsonl"


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        header = _header(path, next(reader, []))
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise UserError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells instead of {len(header)}: "
                    f"one each for {', '.join(header)}"
                )
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}: repair the quotes") from None


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}, line {number}: no JSON ({error}): write one object per line") from None
        if not isinstance(values, dict):
            raise UserError(f'{path}, line {number}: no object: write one such as {{"path": ..., "domain": ...}}')
        header = _header(path, list(values), number)
        yield (
            number,
            {name: _text(path, number, name, value) for name, value in zip(header, values.values(), strict=True)},
        )


def _header(path: Path, names: list[str], line: int = 1) -> list[str]:
    """Names of the columns, checked; `file_name` becomes `path` and lets other columns in."""
    names = [name.strip() for name in names]
    foreign = IMAGEFOLDER_PATH in names and "path" not in names
    header = ["path" if foreign and name == IMAGEFOLDER_PATH else name for name in names]
    if "path" not in header:
        raise UserError(
            f"{path}, line {line}: no column path (found {', '.join(map(repr, names[:6])) or 'none'}): "
            f"the columns are {', '.join(COLUMNS)}"
        )
    for name in header:
        if header.count(name) > 1:
            raise UserError(f"{path}, line {line}: column {name!r} stands twice: leave one out")
        if name not in COLUMNS and not foreign:
            raise UserError(f"{path}, line {line}: {unknown('column', name, COLUMNS)}")
    return header


def _text(path: Path, line: int, name: str, value: object) -> str:
    """A JSON value as a cell: a text, a number, nothing, or for attributes a list of texts."""
    if value is None:
        return ""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    if name == "attributes" and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ";".join(value)
    if name not in COLUMNS:
        return ""
    raise UserError(f"{path}, line {line}: {name} must be a text" + (" or a list" if name == "attributes" else ""))


def _row(path: Path, line: int, values: Mapping[str, str]) -> Row:
    cells = {name: values.get(name, "").strip() for name in COLUMNS}
    if not cells["path"]:
        raise UserError(f"{path}, line {line}: no path: name an image")
    split = cells["split"]
    if not split:
        first = PurePosixPath(cells["path"]).parts[0]
        split = split_of(first) or ""
    split = canonical_split(split)
    if split not in SPLITS:
        raise UserError(f"{path}, line {line}: split {split!r} is none of {', '.join(SPLITS)}: say one for every image")
    return Row(**{**cells, "split": split}, line=line)


def table_of(root: Path) -> Path | None:
    """The manifest that a place is or holds."""
    if root.is_file():
        return root if is_manifest(root) else None
    return next((root / name for name in NAMES if (root / name).is_file()), None)


def _evidence(column: str, folder: ImageFolder) -> Path | None:
    """The manifest, if it has that column; one without either is taken for a table of domains, and refused there.

    A `metadata` table may be about something else, and then says nothing.
    """
    root, table = folder.root, table_of(folder.root)
    if table is None:
        return None
    columns = columns_of(table)
    if column in columns or (
        column == "domain" and "attributes" not in columns and (root.is_file() or table.stem != "metadata")
    ):
        return table
    return None


def _images(table: Path, rows: Iterable[Row]) -> Iterator[tuple[Row, ImageFile]]:
    """The image of every row; UserError for one that is outside, absent, or listed twice."""
    inside, seen = Inside(table.parent), dict[Path, int]()
    for row in rows:
        place = f"{table}, line {row.line}"
        path = inside.file(row.path, place)
        if not is_image(path):
            raise UserError(f"{place}: {row.path!r} is no image of a known format: {', '.join(FORMATS)}")
        if path in seen:
            raise UserError(f"{place}: {row.path!r} stands in line {seen[path]} already: list every image once")
        seen[path] = row.line
        yield row, ImageFile(path, pair=row.pair)


def _read_domains(folder: ImageFolder, choices: Choices) -> DataSet:
    table = _required(folder.root)
    rows = read_rows(table)
    for row in rows:
        if not row.domain:
            raise UserError(f"{table}, line {row.line}: no domain: name one, or attributes, for every image")
    paired = any(row.pair for row in rows)
    unpaired = next((row.line for row in rows if paired and not row.pair), None)
    if unpaired is not None:
        raise UserError(
            f"{table}, line {unpaired}: no pair, though other lines name one: name one for every image or none"
        )
    found: dict[str, dict[str, list[ImageFile]]] = {
        split: {} for split in SPLITS if any(row.split == split for row in rows)
    }
    for row, image in _images(table, rows):
        found[row.split].setdefault(row.domain, []).append(image)
    splits = {
        split: {domain: tuple(sorted(own, key=lambda one: one.path)) for domain, own in domains.items()}
        for split, domains in found.items()
    }
    return domain_data(table.parent, DOMAINS, splits, choices, paired, _name(table))


def _read_attributes(folder: ImageFolder, choices: Choices) -> DataSet:
    table = _required(folder.root)
    rows = read_rows(table)
    if choices.paired or any(row.pair for row in rows):
        raise UserError(f"{table}: images with attributes are no pairs: leave out data.paired and the column pair")
    listed = [frozenset(name.strip() for name in re.split("[,;]", row.attributes) if name.strip()) for row in rows]
    names = sorted(set(chain.from_iterable(listed)))
    if not names:
        raise UserError(f"{table} names no attribute: fill its column attributes, or add a column domain")
    one = label_set(choices.attributes or names, choices.exclusive)
    for attribute in one.columns:
        if attribute not in names:
            raise unknown(f"attribute for {table}:", attribute, names)
    images = [image for _, image in _images(table, rows)]
    has = np.array([[name in own for name in one.columns] for own in listed], dtype=bool)
    owner = [row.split for row in rows]
    return attributes_data(_name(table), table.parent, ATTRIBUTES, one, images, has, owner)


def _required(root: Path) -> Path:
    table = table_of(root)
    if table is None:
        raise UserError(f"{root} holds no manifest: expected {', '.join(NAMES)}")
    return table


def _name(table: Path) -> str:
    return own_name(table.resolve().parent) if table.name in NAMES else table.stem.lstrip(".") or "data"


DOMAINS, ATTRIBUTES = "a manifest of domains", "a manifest of attributes"
MANIFESTS = (
    Layout("manifest-domains", DOMAINS, partial(_evidence, "domain"), _read_domains, NAMES),
    Layout("manifest-attributes", ATTRIBUTES, partial(_evidence, "attributes"), _read_attributes, NAMES),
)
