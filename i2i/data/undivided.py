"""Data that have no splits yet, read as one: folders of domains, loose pairs side by side, CelebA's list alone."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

from i2i.data.archives import is_archive, unpacked
from i2i.data.celeba import ATTRIBUTE_LIST, partition_of
from i2i.data.findings import LEAST_PAIR_ASPECT
from i2i.data.images import is_picture, read_size
from i2i.data.layouts import SPLITS, Choices, DataSet, Picture, domain_data
from i2i.data.layouts.recognise import folders_in
from i2i.data.manifest import MANIFESTS
from i2i.errors import UserError

DOMAINS, HALVES = "folders of domains", "loose pairs side by side"


def read_undivided(place: Path, choices: Choices) -> DataSet:
    """The data of a folder or an archive; of a list of attributes without a partition, in splits of our own.

    Raises:
        UserError: if there is nothing, it has splits, or it is none of these.
    """
    root = unpacked(place) if place.is_file() and is_archive(place) else place
    if not root.exists():
        raise UserError(f"there is no data folder {root}")
    if _has_splits(root):
        raise UserError(f"{place} has splits already: leave --split out")
    if not root.is_dir():
        raise UserError(f"{place} is no folder and no archive: only these can be divided")
    if ATTRIBUTE_LIST.evidence(root) is not None:
        return ATTRIBUTE_LIST.read(root, choices)
    domains = {folder.name: own for folder in folders_in(root) if (own := _pictures_in(folder))}
    loose = _pictures_in(root)
    if loose and domains:
        raise UserError(f"{loose[0].path} lies beside folders of domains: move it into one, or elsewhere")
    if loose:
        return _pairs(root, loose, choices)
    return domain_data(root, DOMAINS, {SPLITS[0]: domains}, choices)


def _has_splits(root: Path) -> bool:
    """Whether there are folders such as train or trainA, a manifest, or the partition of an attribute list."""
    if any(layout.evidence(root) is not None for layout in MANIFESTS):
        return True
    if ATTRIBUTE_LIST.evidence(root) is not None:
        return partition_of(root) is not None
    splits = {split + domain for split in SPLITS for domain in ("", "A", "B")}
    return not splits.isdisjoint(folder.name for folder in folders_in(root))


def _pairs(root: Path, loose: Sequence[Picture], choices: Choices) -> DataSet:
    """A on the left and B on the right of every picture; UserError if they do not look like it."""
    aspects = list(_aspects(loose))
    if choices.layout != "halves" and aspects and median(aspects) < LEAST_PAIR_ASPECT:
        raise UserError(
            f"{len(loose)} pictures lie loose in {root}, only {median(aspects):.2f} times as wide as high: put each "
            "domain into a folder of its name or, if they are pairs side by side, say --set data.layout=halves"
        )
    left, right = (tuple(Picture(one.path, half) for one in loose) for half in ("left", "right"))
    return domain_data(root, HALVES, {SPLITS[0]: {"A": left, "B": right}}, choices, paired=True)


def _aspects(pictures: Sequence[Picture]) -> Iterator[float]:
    """Width by height, of those that can be read."""
    for picture in pictures:
        with suppress(UserError):
            height, width = read_size(picture.path)
            yield width / height


def _pictures_in(folder: Path) -> tuple[Picture, ...]:
    return tuple(Picture(path) for path in sorted(folder.iterdir()) if is_picture(path) and path.is_file())
