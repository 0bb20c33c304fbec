"""Lists of attributes, written again with all their attributes for images that have got other names."""

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import numpy as np

from i2i.data.layouts import DataSet, celeba, manifest
from i2i.errors import UserError
from i2i.utils.split_names import SPLITS


def write_listing(data: DataSet, place: Path, out: Path, names: Mapping[Path, str]) -> str:
    """Write the list of a data set with attributes for images below `out`; returns what was written, in words.

    Args:
        data: the images and their splits.
        place: the manifest, or the folder that holds the list.
        out: a folder that exists.
        names: of each image in the new folder, relative to it.
    """
    table = manifest.table_of(place)
    if data.layout == manifest.ATTRIBUTES and table is not None:
        (out / manifest.NAMES[0]).write_text(_table(table, names), encoding="utf-8", newline="")
        return f"with {manifest.NAMES[0]}"
    source = celeba.list_of(data.root)
    if source is None:
        raise UserError(f"{data.root} has attributes but neither {celeba.LIST} nor a manifest that could be written")
    plain = {path.name: Path(name).name for path, name in names.items()}
    (out / celeba.LIST).write_text(_attribute_list(source, plain), encoding="utf-8")
    (out / celeba.PARTITION).write_text(_partition(data, plain), encoding="utf-8")
    return f"with {celeba.LIST} and {celeba.PARTITION}"


def _table(table: Path, names: Mapping[Path, str]) -> str:
    text = StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(("path", "split", "attributes"))
    for row in manifest.read_rows(table):
        path = table.parent / row.path
        if path in names:
            rows.writerow((names[path], row.split, row.attributes))
    return text.getvalue()


def _attribute_list(source: Path, names: Mapping[str, str]) -> str:
    attributes, files, values = celeba.read_list(source)
    rows = zip(files, np.where(values, "1", "-1").tolist(), strict=True)
    kept = [" ".join((names[file], *row)) for file, row in rows if file in names]
    return "\n".join([str(len(kept)), " ".join(attributes), *kept]) + "\n"


def _partition(data: DataSet, names: Mapping[str, str]) -> str:
    owners = {one.path.name: split for split, found in data.splits.items() for own in found.values() for one in own}
    return "".join(f"{names[name]} {SPLITS.index(split)}\n" for name, split in sorted(owners.items()))
