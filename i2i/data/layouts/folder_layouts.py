"""Layouts that folders alone make: of domains, of splits, of both, and of aligned images.

Each says of a relative path to which split and domain it belongs, and how many of its parts tell so. What is below is
the image's name: sub-folders belong to the domain that they lie in.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from i2i.data.image_files.image_file import ImageFile
from i2i.data.image_files.open_image import Half
from i2i.data.layouts.by_domain import domain_data
from i2i.data.layouts.data_set import DataSet
from i2i.data.layouts.image_folder import ImageFolder, Parts, name_of
from i2i.data.layouts.recognize import Choices, Layout, recognize
from i2i.errors import UserError
from i2i.utils.split_names import SPLITS, lettered, split_of

Place = tuple[str, str, int]
"""Split and domain of a path, and how many of its parts say so."""
HALF_OF: Mapping[str, Half] = {"A": "left", "B": "right"}


def scan(root: Path, choices: Choices | None = None) -> DataSet:
    """Recognise the layout of a folder.

    Raises:
        UserError: if the folder is missing or empty, its layout is none of the known ones or could be two of them, or
            it has a single domain; the text says what was found.
    """
    return recognize(root, FOLDER_LAYOUTS, choices or Choices())


def _domain_in_split(parts: Parts) -> Place | None:
    split = split_of(parts[0]) if len(parts) > 2 else None
    return (split, parts[1], 2) if split else None


def _split_in_domain(parts: Parts) -> Place | None:
    split = split_of(parts[1]) if len(parts) > 2 and split_of(parts[0]) is None else None
    return (split, parts[0], 2) if split else None


def _letter(parts: Parts) -> Place | None:
    found = lettered(parts[0]) if len(parts) > 1 else None
    return (*found, 1) if found else None


def _loose(parts: Parts) -> Place | None:
    split = split_of(parts[0]) if len(parts) == 2 else None
    return (split, "", 1) if split else None


Places = Callable[[Parts], Place | None]


def _placed(folder: ImageFolder, place: Places) -> Iterator[tuple[Parts, Place]]:
    return ((parts, found) for parts in folder.images if (found := place(parts)) is not None)


def _evidence(place: Places, folder: ImageFolder) -> Path | None:
    """The folder of the first image that has a place, of the training split if that has one."""
    found = min(_placed(folder, place), key=lambda one: SPLITS.index(one[1][0]), default=None)
    return found and folder.root.joinpath(*found[0][: found[1][2]])


def _direct_evidence(place: Places, folder: ImageFolder) -> Path | None:
    """The same of an image that lies in no sub-folder: else it may be one of several data sets side by side."""
    return _evidence(lambda parts: found if (found := place(parts)) and len(parts) == found[2] + 1 else None, folder)


def _first_loose(folder: ImageFolder) -> Path | None:
    return next((folder.root.joinpath(*parts) for parts, _ in _placed(folder, _loose)), None)


def _grouped(folder: ImageFolder, place: Places) -> dict[str, dict[str, list[ImageFile]]]:
    """Images by split and domain; UserError where two folders spell the same of these."""
    found: dict[str, dict[str, list[ImageFile]]] = {split: {} for split in SPLITS}
    spelled: dict[tuple[str, str], Parts] = {}
    for parts, (split, domain, depth) in _placed(folder, place):
        first = spelled.setdefault((split, domain), parts[:depth])
        if first != parts[:depth]:
            raise UserError(
                f"{folder.root}: {'/'.join(first)} and {'/'.join(parts[:depth])} both stand for the split {split}: "
                "move the images of one into the other"
            )
        found[split].setdefault(domain, []).append(_image(folder.root, parts, depth))
    return {split: own for split, own in found.items() if own}


def _image(root: Path, parts: Parts, depth: int) -> ImageFile:
    """An image; members of a pair have the same sub-folder in common as well."""
    own = parts[depth:]
    return ImageFile(root.joinpath(*parts), pair=name_of(own) if len(own) > 1 else "")


def _read(words: str, place: Places, folder: ImageFolder, choices: Choices) -> DataSet:
    splits = {
        split: {domain: tuple(images) for domain, images in own.items()}
        for split, own in _grouped(folder, place).items()
    }
    return domain_data(folder.root, words, splits, choices)


def _read_halves(folder: ImageFolder, choices: Choices) -> DataSet:
    splits = {
        split: {domain: tuple(replace(one, half=half) for one in own[""]) for domain, half in HALF_OF.items()}
        for split, own in _grouped(folder, _loose).items()
    }
    return domain_data(folder.root, HALVES, splits, choices, paired=True)


DOMAINS, BY_SPLIT = "a folder per domain", "a folder per domain, with splits in it"
LETTERS, HALVES = "trainA/trainB folders", "aligned side by side"


FOLDER_LAYOUTS = (
    Layout("domains", DOMAINS, partial(_evidence, _domain_in_split), partial(_read, DOMAINS, _domain_in_split)),
    Layout("splits", BY_SPLIT, partial(_direct_evidence, _split_in_domain), partial(_read, BY_SPLIT, _split_in_domain)),
    Layout("letters", LETTERS, partial(_evidence, _letter), partial(_read, LETTERS, _letter)),
    Layout("halves", HALVES, _first_loose, _read_halves),
)
