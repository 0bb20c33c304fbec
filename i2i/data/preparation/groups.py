"""Images that belong together: if one of them is learnt, none of the others may be scored.

- By scene: those of one name in several domains, where all domains have the same names or names are more than numbers.
- By name: what stands before the last separator and number, as in `clip03_0001` or `person7/2`. Where fewer than ten
  such names share the images of a domain, they are cameras or kinds rather than scenes, and count for nothing.
- By what they show: near-duplicates, and equal files.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from i2i.data.audit.inspect import FileInspection, inspect_files
from i2i.data.audit.near_duplicates import alike
from i2i.data.layouts import DataSet, ImageFile
from i2i.data.layouts.pairs import only_numbers
from i2i.utils.progress import Progress
from i2i.utils.wording import number

LEAST_GROUPS = 10
_NUMBERED = re.compile(r"(.+?)[ ._/-]+[0-9]+")

Item = TypeVar("Item", bound=Hashable)
Group = Sequence[Path]


def groups_of(data: DataSet, progress: Progress | None = None) -> tuple[list[Group], list[str]]:
    """Groups of files that belong together, which may overlap, and a line for each reason that makes some.

    Every file is decoded once; `progress` is called with those done and the total.
    """
    whole = {domain: [one for own in data.splits.values() for one in own.get(domain, ())] for domain in data.domains}
    paths = list(dict.fromkeys(one.path for own in whole.values() for one in own))
    by_name = list(_by_name(whole))
    by_duplicates = _by_duplicates([one for one in inspect_files(paths, progress, data.native) if not one.fault])
    notes = [
        f"{number(len(found), 'group')} of {why}, each in one split"
        for found, why in ((by_name, "numbered names"), (merged(by_duplicates), "near-duplicates"))
        if found
    ]
    return [*_by_scene(whole), *by_name, *by_duplicates], notes


def merged(groups: Iterable[Sequence[Item]]) -> list[list[Item]]:
    """Groups without overlap, of those that share members; everything in the order in which it was first met."""
    leader: dict[Item, Item] = {}

    def first(item: Item) -> Item:
        while leader.setdefault(item, item) != item:
            leader[item] = leader[leader[item]]
            item = leader[item]
        return item

    for head, *others in groups:
        for other in (head, *others):
            leader[first(other)] = first(head)
    found: defaultdict[Item, list[Item]] = defaultdict(list)
    for item in leader:
        found[first(item)].append(item)
    return list(found.values())


def _by_scene(whole: Mapping[str, Sequence[ImageFile]]) -> Iterator[Group]:
    names = [[image.scene for image in own] for own in whole.values()]
    equal = all(sorted(own) == sorted(names[0]) for own in names)
    if equal or not any(only_numbers(own) for own in names):
        yield from _shared((one.scene, one.path) for own in whole.values() for one in own)


def _by_name(whole: Mapping[str, Sequence[ImageFile]]) -> Iterator[Group]:
    for own in whole.values():
        named = [(found[1], one.path) for one in own if (found := _NUMBERED.fullmatch(one.scene))]
        if len({name for name, _ in named}) >= LEAST_GROUPS:
            yield from _shared(named)


def _by_duplicates(inspections: Sequence[FileInspection]) -> list[Group]:
    shown = [one for one in inspections if one.fingerprint]
    pairs = alike([one.fingerprint for one in shown if one.fingerprint])
    equal = _shared((one.digest, one.path) for one in inspections)
    return [*equal, *((shown[first].path, shown[second].path) for first, second in pairs)]


def _shared(named: Iterable[tuple[Hashable, Path]]) -> Iterator[Group]:
    """The files of each name that several have."""
    found: defaultdict[Hashable, list[Path]] = defaultdict(list)
    for name, path in named:
        found[name].append(path)
    return (group for group in found.values() if len(group) > 1)
