"""Layouts that folders alone make: of domains, of splits, of both, and of aligned pictures."""

from pathlib import Path

from i2i.data.images import is_picture
from i2i.data.layouts.by_domain import Found, domain_data
from i2i.data.layouts.data_set import DataSet, Picture
from i2i.data.layouts.recognise import SPLITS, Choices, Layout, folders_in, recognise


def scan(root: Path, choices: Choices | None = None) -> DataSet:
    """Recognise the layout of a folder.

    Raises:
        UserError: if the folder is missing or empty, its layout is none of the known ones or could be two of them, or
            it has a single domain; the text says what was found.
    """
    return recognise(root, FOLDER_LAYOUTS, choices or Choices())


def _split_folders(root: Path) -> list[Path]:
    return [root / split for split in SPLITS if (root / split).is_dir()]


def _loose(root: Path) -> Path | None:
    """A picture that lies in a split itself."""
    return next((path for folder in _split_folders(root) for path in _pictures_in(folder)), None)


def _domain_folder(root: Path) -> Path | None:
    """A folder in a split that holds pictures, or an empty one if nothing else does."""
    domains = [domain for split in _split_folders(root) for domain in folders_in(split)]
    filled = next((domain for domain in domains if _pictures_in(domain)), None)
    return filled or (None if _loose(root) else next(iter(domains), None))


def _split_in_domain(root: Path) -> Path | None:
    """A split in a domain, if all folders are domains that hold splits."""
    domains = folders_in(root)
    if not all(domain.name not in SPLITS and _split_folders(domain) for domain in domains):
        return None
    return next((split for domain in domains for split in _split_folders(domain) if _pictures_in(split)), None)


def _lettered(root: Path) -> Path | None:
    return next((path for split in SPLITS for path in _lettered_folders(root, split).values()), None)


def _lettered_folders(root: Path, split: str) -> dict[str, Path]:
    return {domain: root / f"{split}{domain}" for domain in "AB" if (root / f"{split}{domain}").is_dir()}


def _by_domain(root: Path) -> Found:
    return {split.name: {domain.name: _whole(domain) for domain in folders_in(split)} for split in _split_folders(root)}


def _by_split(root: Path) -> Found:
    return {
        split: {domain.name: _whole(domain / split) for domain in folders_in(root) if (domain / split).is_dir()}
        for split in SPLITS
        if any((domain / split).is_dir() for domain in folders_in(root))
    }


def _by_letter(root: Path) -> Found:
    folders = {split: _lettered_folders(root, split) for split in SPLITS}
    return {
        split: {domain: _whole(place) for domain, place in found.items()} for split, found in folders.items() if found
    }


def _by_half(root: Path) -> Found:
    halves = {"A": "left", "B": "right"}
    return {
        split.name: {
            domain: tuple(Picture(path, "left" if half == "left" else "right") for path in _pictures_in(split))
            for domain, half in halves.items()
        }
        for split in _split_folders(root)
    }


def _whole(folder: Path) -> tuple[Picture, ...]:
    return tuple(Picture(path) for path in _pictures_in(folder))


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_picture(path) and path.is_file())


DOMAINS, BY_SPLIT = "a folder per domain", "a folder per domain, with splits in it"
LETTERS, HALVES = "trainA/trainB folders", "aligned side by side"

FOLDER_LAYOUTS = (
    Layout(
        "domains", DOMAINS, _domain_folder, lambda root, choices: domain_data(root, DOMAINS, _by_domain(root), choices)
    ),
    Layout(
        "splits",
        BY_SPLIT,
        _split_in_domain,
        lambda root, choices: domain_data(root, BY_SPLIT, _by_split(root), choices),
    ),
    Layout("letters", LETTERS, _lettered, lambda root, choices: domain_data(root, LETTERS, _by_letter(root), choices)),
    Layout("halves", HALVES, _loose, lambda root, choices: domain_data(root, HALVES, _by_half(root), choices, True)),
)
