"""What may be wrong with a folder in which no data set was recognised."""

from collections.abc import Iterable
from pathlib import Path

from i2i.data.images import is_picture
from i2i.data.layouts import SPLITS


def diagnose(root: Path) -> str | None:
    """A guess at the mistake, with the remedy; None where there is none to make.

    It knows folders of domains that hold the splits, splits or domains without the other, pictures that lie loose, and
    a folder within the folder.
    """
    if not root.is_dir():
        return None
    folders = _folders(root)
    names = {folder.name for folder in folders}
    loose = _count(root)
    swapped = [folder for folder in folders if names.isdisjoint(SPLITS) and _split_folders(folder)]
    if swapped:
        domain, split = swapped[0].name, _split_folders(swapped[0])[0]
        return f"splits lie within domains: move {domain}/{split} to {split}/{domain}, and the others alike"
    if loose:
        return (
            f"{loose} pictures lie loose in {root}: all pictures of a domain belong in a folder of the domain's name, "
            f"{root / 'train' / 'DOMAIN'}; pairs side by side are divided by i2i data prepare {root} "
            "--split 0.8,0.1,0.1 --size 256 --out DIR"
        )
    only = _only_domain(root, names)
    if only:
        return only
    inner = [folder for folder in folders if {one.name for one in _folders(folder)} & set(SPLITS)]
    if len(inner) == 1:
        return f"the data set seems to be the folder within: {inner[0]}"
    domains = [folder for folder in folders if folder.name not in SPLITS and _count(folder)]
    if len(domains) > 1:
        return (
            f"{', '.join(folder.name for folder in domains[:4])} hold pictures, but there are no splits: divide them "
            f"with i2i data prepare {root} --split 0.8,0.1,0.1 --size 256 --out DIR"
        )
    return None


def _only_domain(root: Path, names: Iterable[str]) -> str | None:
    held = {split: [one for one in _folders(root / split) if _count(one)] for split in SPLITS if split in names}
    domains = {one.name for folders in held.values() for one in folders}
    if len(domains) != 1:
        return None
    (domain,) = domains
    total = sum(_count(one) for folders in held.values() for one in folders)
    return (
        f"all {total} pictures lie in one domain, {domain}: put those of the other domain into "
        f"{root / 'train' / 'OTHER'}"
    )


def _split_folders(folder: Path) -> list[str]:
    """Folders of splits that themselves hold pictures."""
    return [split for split in SPLITS if (folder / split).is_dir() and _count(folder / split)]


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _count(folder: Path) -> int:
    """Pictures directly in a folder."""
    return sum(is_picture(path) and path.is_file() for path in folder.iterdir())
