"""Faces with attributes, in the files in which CelebA is published (Liu et al. 2015).

    list_attr_celeba.txt              a count, the names, and a line per image: its file and 1 or -1 per attribute
    list_eval_partition.txt           a line per image: its file and 0 (train), 1 (val) or 2 (test); may be missing
    img_align_celeba/ or images/      the images

The lists may also lie in Anno/ and Eval/, the images in Img/, as they are distributed. They may be CSV files of the
same names, with a header and without a count, as on Kaggle.
"""

import csv
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import torch

from i2i.data.layouts import DataSet, ImageFile, Layout, check_names, own_name, with_own_names
from i2i.data.layouts.image_folder import is_named_as_image
from i2i.data.layouts.listed_names import Inside, read_text, refuse_outside
from i2i.errors import UserError, unknown
from i2i.labels import LabelSet, LabelSpace
from i2i.utils.split_names import SPLITS

LIST = "list_attr_celeba.txt"
PARTITION = "list_eval_partition.txt"
# The attributes of StarGAN's experiments on CelebA (section 5.2); hair colours replace one another, as in its code.
ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
NAMES = frozenset(
    """
    5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair
    Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male
    Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks
    Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace
    Wearing_Necktie Young
    """.split()  # noqa: SIM905
)
# Without a partition file as many images are kept for the test as in StarGAN (section 5.2), of few a tenth.
TEST_IMAGES = 2_000
TEST_SHARE = 0.1
SPLIT_SEED = 0


def label_set(attributes: Sequence[str] | None, exclusive: Sequence[Sequence[str]] | None) -> LabelSet:
    """The label set of some attributes.

    Args:
        attributes: names; None: those of StarGAN's experiments.
        exclusive: groups that exclude one another; None: the hair colours among the attributes.
    """
    chosen = tuple(attributes or ATTRIBUTES)
    hair = tuple(name for name in chosen if name in HAIR)
    groups = ((hair,) if len(hair) > 1 else ()) if exclusive is None else tuple(tuple(group) for group in exclusive)
    return LabelSet(chosen, groups)


def scan_listed(
    root: Path, attributes: Sequence[str] | None = None, exclusive: Sequence[Sequence[str]] | None = None
) -> DataSet:
    """The data set of a folder with an attribute list.

    Raises:
        UserError: for a damaged list, an attribute that it does not have, or listed images that are missing.
    """
    path = list_of(root)
    if path is None:
        raise UserError(f"{root} has no {LIST}")
    one = label_set(attributes, exclusive)
    names, files, values = read_list(path)
    for attribute in one.columns:
        if attribute not in names:
            raise unknown(f"attribute for {path}:", attribute, names)
    has = values[:, [names.index(attribute) for attribute in one.columns]]
    _check_names(path, files)
    folder = _image_folder(root, files[0])
    _check_present(path, folder, files)
    images = [ImageFile(folder / file) for file in files]
    owner = _splits(root, files)
    return attributes_data(own_name(root), root, f"attributes of {LIST}", one, images, has, owner)


def attributes_data(
    name: str,
    root: Path,
    layout: str,
    one: LabelSet,
    images: Sequence[ImageFile],
    has: np.ndarray,
    owner: Sequence[str],
) -> DataSet:
    """The data set of images with attributes, given what each has, bool [images, columns], and its split."""
    check_names(root, one.columns)
    described = [
        replace(image, attributes=tuple(name for name, own in zip(one.columns, row, strict=True) if own))
        for image, row in zip(with_own_names(root, images), has.tolist(), strict=True)
    ]
    of = np.array(owner)
    splits = {split: _by_domain(one, described, has, of == split) for split in SPLITS if (of == split).any()}
    return DataSet(name, root, layout, LabelSpace((one,)), False, splits)


def partition_of(root: Path) -> Path | None:
    """The file that tells the splits of a folder with an attribute list, if it has one."""
    return _first(root, "Eval", PARTITION)


def list_of(root: Path) -> Path | None:
    """The attribute list of a folder, if it has one."""
    return _first(root, "Anno", LIST)


def _first(root: Path, folder: str, name: str) -> Path | None:
    """A file or its twin in CSV, in the root or else in a folder."""
    names = (name, Path(name).with_suffix(".csv").name)
    return next((path for place in (root, root / folder) for one in names if (path := place / one).is_file()), None)


def read_list(path: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Names of the attributes, files, and bool [files, names]."""
    names, rows = _table(path)
    if not rows or not names:
        raise UserError(
            f"{path} is no attribute list: expected a count, the names, then one line per image or, in a CSV file, a "
            "header of image_id and the names first"
        )
    for number, row in rows.items():
        if len(row) != len(names) + 1 or not {"1", "-1"}.issuperset(row[1:]):
            raise UserError(f"{path}, line {number}: expected a file and {len(names)} values of 1 or -1")
    values = np.array([row[1:] for row in rows.values()]) == "1"
    return names, [row[0] for row in rows.values()], values


def _table(path: Path) -> tuple[list[str], dict[int, list[str]]]:
    """Names of the attributes, and by line a file, whose name may have spaces, and its values."""
    text = read_text(path)
    if path.suffix == ".csv":
        table = list(csv.reader(StringIO(text, newline="")))
        names = [name.strip() for head in table[:1] for name in head[1:]]
        return names, {number: row for number, row in enumerate(table[1:], 2) if row}
    lines = text.splitlines()
    names = lines[1].split() if len(lines) > 1 and lines[0].strip().isdigit() else []
    rows = {number: line.strip() for number, line in enumerate(lines, 1) if number > 2 and line.strip()}
    return names, {number: row.rsplit(maxsplit=len(names)) for number, row in rows.items()}


def _image_folder(root: Path, file: str) -> Path:
    """The folder at most two levels below that holds images such as `file`."""
    places = [root, *sorted(path for path in (*root.glob("*"), *root.glob("*/*")) if path.is_dir())]
    found = [place for place in places if (place / file).is_file()]
    holding = found or [place for place in places if any(is_named_as_image(path.name) for path in place.iterdir())]
    if not holding:
        raise UserError(f"{root} holds no images: put those of {LIST} into {root / 'images'}")
    return holding[0]


def _check_names(path: Path, files: Sequence[str]) -> None:
    """Listed names are plain ones, each once: images lie in one folder."""
    for file in files:
        reason = refuse_outside(file) or ("lies in a folder of its own" if "/" in file else None)
        if reason:
            raise UserError(f"{path}: {file!r} {reason}: list plain names of images in one folder")
    twice = next((file for file, times in Counter(files).items() if times > 1), None)
    if twice:
        raise UserError(f"{path} lists {twice} more than once: leave one line")


def _check_present(path: Path, folder: Path, files: Sequence[str]) -> None:
    with os.scandir(folder) as entries:
        there = {entry.name: entry.is_symlink() for entry in entries}
    missing = [file for file in files if file not in there]
    if missing:
        shown = ", ".join(missing[:3])
        raise UserError(f"{path} lists {len(missing)} images that {folder} does not hold: {shown}")
    inside = Inside(folder)
    for file in files:
        if there[file]:
            inside.file(file, str(path))


def _splits(root: Path, files: Sequence[str]) -> list[str]:
    """The split of every file: the published one, or a shuffle of our own."""
    path = partition_of(root)
    if path is None:
        count = min(TEST_IMAGES, max(1, round(TEST_SHARE * len(files))))
        test = set(np.random.default_rng(SPLIT_SEED).permutation(len(files))[:count].tolist())
        return ["test" if place in test else "train" for place in range(len(files))]
    separator = "," if path.suffix == ".csv" else None
    lines = (line.strip().rsplit(separator, 1) for line in read_text(path).splitlines())
    rows = {parts[0]: parts[1] for parts in lines if len(parts) == 2}
    unassigned = [file for file in files if rows.get(file) not in ("0", "1", "2")]
    if unassigned:
        raise UserError(f"{path} gives {len(unassigned)} images no part 0, 1 or 2: {', '.join(unassigned[:3])}")
    return [SPLITS[int(rows[file])] for file in files]


def _by_domain(
    one: LabelSet, images: Sequence[ImageFile], has: np.ndarray, chosen: np.ndarray
) -> dict[str, tuple[ImageFile, ...]]:
    """The chosen images of every domain, given what each has, bool [images, columns]."""
    rows = torch.from_numpy(has).float()
    members = {domain: one.holds(domain, rows).numpy() & chosen for domain in one.domains}
    return {domain: tuple(images[i] for i in np.flatnonzero(own).tolist()) for domain, own in members.items()}


ATTRIBUTE_LIST = Layout(
    "attribute-list",
    "CelebA's attribute list",
    lambda folder: list_of(folder.root),
    lambda folder, choices: scan_listed(folder.root, choices.attributes, choices.exclusive),
    (LIST, PARTITION, Path(LIST).with_suffix(".csv").name, Path(PARTITION).with_suffix(".csv").name),
)
