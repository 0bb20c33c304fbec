"""Folders of pictures that have no splits yet, divided into some."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from i2i.data.images import is_picture
from i2i.data.layouts import SPLITS, DataSet, Picture
from i2i.errors import UserError
from i2i.labels import LabelSpace

Shares = tuple[float, float, float]
"""Of train, val and test."""


def parse_shares(text: str) -> Shares:
    """Shares such as `0.8,0.1,0.1`; UserError unless they are three that add up to 1, the first above 0."""
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) != 3 or not all(0 <= share <= 1 for share in shares) or not shares[0] or abs(sum(shares) - 1) > 1e-6:
        raise UserError(f"--split {text} must be the shares of train, val and test, which add up to 1: 0.8,0.1,0.1")
    return shares[0], shares[1], shares[2]


def has_splits(root: Path) -> bool:
    """Whether a folder holds one of the splits, or one for a domain such as trainA."""
    names = {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
    return bool(names & {split + domain for split in SPLITS for domain in ("", "A", "B")})


def divide(root: Path, shares: Shares, seed: int) -> DataSet:
    """The data set of folders of domains, `root/<domain>/*`, divided at random.

    Where all domains have pictures of the same names, those of one name come into the same split, so that no scene is
    both learnt and scored.

    Raises:
        UserError: for a missing folder, pictures that lie loose, or fewer than two domains.
    """
    if not root.is_dir():
        raise UserError(f"there is no data folder {root}")
    loose = _pictures_in(root)
    if loose:
        raise UserError(f"{loose[0]} lies beside folders of domains: move it into one, or elsewhere")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    domains = {folder.name: own for folder in folders if (own := _pictures_in(folder))}
    if len(domains) < 2:
        raise UserError(
            f"{root} has only one domain, {', '.join(domains) or 'none'}: there must be a folder of pictures for each"
        )
    aligned = len({tuple(path.stem for path in own) for own in domains.values()}) == 1
    owners = {
        domain: _owners(len(own), shares, f"{seed}" if aligned else f"{seed} {domain}")
        for domain, own in domains.items()
    }
    splits = {
        split: {
            domain: tuple(Picture(path) for path, owner in zip(own, owners[domain], strict=True) if owner == split)
            for domain, own in domains.items()
        }
        for split, share in zip(SPLITS, shares, strict=True)
        if share
    }
    layout = "folders of domains, divided" + (", equal names together" if aligned else "")
    return DataSet(root.resolve().name, root, layout, LabelSpace.of_domains(tuple(domains)), False, splits)


def _owners(count: int, shares: Shares, seed: str) -> list[str]:
    """The split of each of `count` places: as many as the shares say, at least one where there is a share."""
    order = list(range(count))
    random.Random(seed).shuffle(order)
    wanted = [max(1, round(share * count)) if share else 0 for share in shares[1:]]
    sizes = (count - sum(wanted), *wanted)
    if sizes[0] < 1:
        raise UserError(f"{count} pictures of a domain are too few to divide into {sum(map(bool, shares))} splits")
    names = [split for split, size in zip(SPLITS, sizes, strict=True) for _ in range(size)]
    owners = dict(zip(order, names, strict=True))
    return [owners[place] for place in range(count)]


def _pictures_in(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.iterdir() if is_picture(path) and path.is_file())


def describe(splits: Mapping[str, Mapping[str, tuple[Picture, ...]]]) -> str:
    """Pictures by split, in a few words."""
    return ", ".join(f"{split} {sum(map(len, found.values())):,}" for split, found in splits.items())
