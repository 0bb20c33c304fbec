"""Data without splits, divided into some."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from i2i.data.layouts import DataSet, Picture
from i2i.errors import UserError
from i2i.splits import SPLITS

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


def divide(data: DataSet, shares: Shares, seed: int) -> DataSet:
    """The same data in other splits, drawn at random.

    Where all domains have pictures of the same names, those of one name come into the same split, so that no scene is
    both learnt and scored. A picture that is in several domains, by its attributes, is in one split.

    Raises:
        UserError: for fewer pictures than splits.
    """
    whole = {domain: _all(data, domain) for domain in data.domains}
    owners = _by_attributes(whole, shares, seed) if data.labels.has_attributes else _by_name(whole, shares, seed)
    splits = {
        split: {
            domain: tuple(one for one, owner in zip(own, owners[domain], strict=True) if owner == split)
            for domain, own in whole.items()
        }
        for split, share in zip(SPLITS, shares, strict=True)
        if share
    }
    return replace(data, splits=splits, layout=f"{data.layout}, divided")


def _all(data: DataSet, domain: str) -> tuple[Picture, ...]:
    return tuple(picture for found in data.splits.values() for picture in found.get(domain, ()))


Pictures = Mapping[str, Sequence[Picture]]


def _by_name(whole: Pictures, shares: Shares, seed: int) -> dict[str, list[str]]:
    """The split of each picture, by domain."""
    aligned = len({tuple(picture.scene for picture in own) for own in whole.values()}) == 1
    return {
        domain: _owners(len(own), shares, f"{seed}" if aligned else f"{seed} {domain}") for domain, own in whole.items()
    }


def _by_attributes(whole: Pictures, shares: Shares, seed: int) -> dict[str, list[str]]:
    files = sorted({picture.path for own in whole.values() for picture in own})
    owner = dict(zip(files, _owners(len(files), shares, f"{seed}"), strict=True))
    return {domain: [owner[picture.path] for picture in own] for domain, own in whole.items()}


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


def describe(data: DataSet) -> str:
    """Pictures by split, in a few words; one that is in several domains counts once."""
    counts = {
        split: len({(one.path, one.half) for own in found.values() for one in own})
        for split, found in data.splits.items()
    }
    return ", ".join(f"{split} {count:,}" for split, count in counts.items())
