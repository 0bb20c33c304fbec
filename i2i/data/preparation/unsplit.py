"""Data that have no splits yet, read as one: folders of domains, loose pairs side by side, CelebA's list alone."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

from i2i.data.audit.checks import LEAST_PAIR_ASPECT
from i2i.data.image_files.images import read_size
from i2i.data.layouts import Choices, DataSet, ImageFile, domain_data
from i2i.data.layouts.archives import is_archive, unpacked
from i2i.data.layouts.celeba import ATTRIBUTE_LIST, partition_of
from i2i.data.layouts.image_folder import ImageFolder, is_named_as_array, name_of
from i2i.data.layouts.manifest import MANIFESTS
from i2i.data.layouts.recognize import accounted, folders_in
from i2i.errors import UserError
from i2i.utils.split_names import SPLITS, names_a_split

DOMAINS, HALVES = "folders of domains", "loose pairs side by side"


def read_undivided(place: Path, choices: Choices) -> DataSet:
    """The data of a folder or an archive; of a list of attributes without a partition, in splits of our own.

    Raises:
        UserError: if there is nothing, it has splits, or it is none of these.
    """
    root = unpacked(place) if place.is_file() and is_archive(place) else place
    if not root.exists():
        raise UserError(f"there is no data folder {root}")
    folder = ImageFolder(root)
    if _has_splits(folder):
        raise UserError(f"{place} has splits already: leave --split out")
    if not root.is_dir():
        raise UserError(f"{place} is no folder and no archive: only these can be divided")
    if ATTRIBUTE_LIST.evidence(folder) is not None:
        return accounted(ATTRIBUTE_LIST.read(folder, choices), folder, ATTRIBUTE_LIST.uses)
    return accounted(_read(folder, choices), folder)


def _read(folder: ImageFolder, choices: Choices) -> DataSet:
    loose = tuple(ImageFile(folder.root / parts[0]) for parts in folder.images if len(parts) == 1)
    domains: dict[str, list[ImageFile]] = {}
    for domain, *own in (parts for parts in folder.images if len(parts) > 1):
        pair = name_of(tuple(own)) if len(own) > 1 else ""
        domains.setdefault(domain, []).append(ImageFile(folder.root.joinpath(domain, *own), pair=pair))
    if loose and domains:
        raise UserError(f"{loose[0].path} lies beside folders of domains: move it into one, or elsewhere")
    if loose:
        return _pairs(folder.root, loose, choices)
    return domain_data(folder.root, DOMAINS, {SPLITS[0]: {name: tuple(own) for name, own in domains.items()}}, choices)


def _has_splits(folder: ImageFolder) -> bool:
    """Whether there are folders such as train or trainA, a manifest, or the partition of an attribute list.

    A folder whose name speaks of a split in any other way counts, too: what it holds out must not be learnt.
    """
    if any(layout.evidence(folder) is not None for layout in MANIFESTS):
        return True
    if ATTRIBUTE_LIST.evidence(folder) is not None:
        return partition_of(folder.root) is not None
    return any(names_a_split(own.name) for own in folders_in(folder.root))


def _pairs(root: Path, loose: Sequence[ImageFile], choices: Choices) -> DataSet:
    """A on the left and B on the right of every image; UserError if they do not look like it."""
    aspects = list(_aspects(loose))
    if choices.layout != "halves" and aspects and median(aspects) < LEAST_PAIR_ASPECT:
        raise UserError(
            f"{len(loose)} images lie loose in {root}, only {median(aspects):.2f} times as wide as high: put each "
            "domain into a folder of its name or, if they are pairs side by side, say --set data.layout=halves"
        )
    left, right = (tuple(replace(one, half=half) for one in loose) for half in ("left", "right"))
    return domain_data(root, HALVES, {SPLITS[0]: {"A": left, "B": right}}, choices, paired=True)


def _aspects(images: Sequence[ImageFile]) -> Iterator[float]:
    """Width by height, of those that can be read."""
    for image in images:
        with suppress(UserError):
            height, width = read_size(image.path, native=is_named_as_array(image.path.name))
            yield width / height
