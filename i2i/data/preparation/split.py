"""Data without splits, divided into some."""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from i2i.data.layouts import DataSet, ImageFile
from i2i.data.preparation.groups import merged
from i2i.errors import UserError
from i2i.utils.split_names import SPLITS
from i2i.utils.wording import number

Shares = tuple[float, float, float]
"""Of train, val and test."""
Unit = int | Path
"""What comes into one split: a group by its number, or an image of none."""


def parse_shares(text: str) -> Shares:
    """Shares such as `0.8,0.1,0.1`; UserError unless they are three that add up to 1, the first above 0."""
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) != 3 or not all(0 <= share <= 1 for share in shares) or not shares[0] or abs(sum(shares) - 1) > 1e-6:
        raise UserError(f"--split {text} must be the shares of train, val and test, which add up to 1: 0.8,0.1,0.1")
    return shares[0], shares[1], shares[2]


def divide(data: DataSet, shares: Shares, seed: int, together: Iterable[Sequence[Path]] = ()) -> DataSet:
    """The same data in other splits, drawn at random.

    Each split gets its share of every domain, as nearly as groups let it: one that is larger than what is held out
    comes into the first split. An image that is in several domains, by its attributes, is in one split.

    Args:
        data: images, whose splits do not count.
        shares: of train, val and test.
        seed: of the draw.
        together: files that come into the same split.

    Raises:
        UserError: for fewer images, or groups of them, than splits.
    """
    whole = {domain: _all(data, domain) for domain in data.domains}
    unit_of: dict[Path, Unit] = {one.path: one.path for own in whole.values() for one in own}
    unit_of |= {path: number for number, group in enumerate(merged(together)) for path in group}
    if data.labels.has_attributes:
        members = {"": Counter(unit_of[path] for path in sorted({one.path for own in whole.values() for one in own}))}
    else:
        members = {domain: Counter(unit_of[one.path] for one in own) for domain, own in whole.items()}
    owners = _owners(members, shares, seed)
    splits = {
        split: {
            domain: tuple(one for one in own if owners[unit_of[one.path]] == split) for domain, own in whole.items()
        }
        for split, share in zip(SPLITS, shares, strict=True)
        if share
    }
    return replace(data, splits=splits, layout=f"{data.layout}, divided", left_out=data.unused)


def _all(data: DataSet, domain: str) -> tuple[ImageFile, ...]:
    return tuple(image for found in data.splits.values() for image in found.get(domain, ()))


def _owners(members: Mapping[str, Counter[Unit]], shares: Shares, seed: int) -> dict[Unit, str]:
    """The split of every unit, given how many images of each domain it has."""
    common = all(units == next(iter(members.values())) for units in members.values())
    owners: dict[Unit, str] = {}
    for domain, units in members.items():
        _draw(units, owners, shares, f"{seed}" if common else f"{seed} {domain}")
        _require_all(units, owners, shares, domain)
    return owners


def _draw(units: Counter[Unit], owners: dict[Unit, str], shares: Shares, seed: str) -> None:
    """Give every unit that has none a split, as `shares` say of the images of a domain."""
    room = _room(units.total(), shares)
    for unit in units.keys() & owners.keys():
        room[owners[unit]] -= units[unit]
    order = list(units)
    random.Random(seed).shuffle(order)
    held_out = max(room[split] for split in SPLITS[1:])
    # Large groups first: they have to find room, and in no case among what is held out.
    for unit in sorted((unit for unit in order if unit not in owners), key=lambda unit: units[unit] <= held_out):
        owners[unit] = _roomy(room, units[unit])
        room[owners[unit]] -= units[unit]


def _room(count: int, shares: Shares) -> dict[str, int]:
    """How many of `count` images each split is to get, at least one where there is a share."""
    wanted = [max(1, round(share * count)) if share else 0 for share in shares[1:]]
    if count - sum(wanted) < 1:
        raise UserError(f"{count} images of a domain are too few to divide into {sum(map(bool, shares))} splits")
    return dict(zip(SPLITS, (count - sum(wanted), *wanted), strict=True))


def _roomy(room: Mapping[str, int], size: int) -> str:
    """The first split with room for so many, else the one with the most."""
    return next((split for split, left in room.items() if left >= size), max(room, key=lambda split: room[split]))


def _require_all(units: Collection[Unit], owners: Mapping[Unit, str], shares: Shares, domain: str) -> None:
    filled = {owners[unit] for unit in units}
    missing = [split for split, share in zip(SPLITS, shares, strict=True) if share and split not in filled]
    if missing:
        raise UserError(
            f"the images of {domain or 'the list'} belong together in {number(len(units), 'group')}, too few to "
            f"divide: {', '.join(missing)} would be empty; add images of other scenes, or leave a share out"
        )


def describe(data: DataSet) -> str:
    """Images by split, in a few words; one that is in several domains counts once."""
    counts = {
        split: len({(one.path, one.half) for own in found.values() for one in own})
        for split, found in data.splits.items()
    }
    return ", ".join(f"{split} {count:,}" for split, count in counts.items())
