"""Pairs whose members have other proportions: cropped by themselves they would no longer show the same place."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from i2i.data.layouts import DataSet
from i2i.utils.wording import number

Pair = tuple[Path, Path]
Size = tuple[int, int]
"""Width and height of an upright image, pixels."""
ROUNDING = 1.0  # pixels that resizing may add to a side


def pairs_of(data: DataSet, split: str) -> list[Pair]:
    """The files of a split that show one scene, two at a time: those of the first domain with each other one's."""
    if not data.paired or split not in data.splits:
        return []
    first, *others = (data.splits[split].get(domain, ()) for domain in data.domains)
    pairs = [(ours, theirs) for other in others for ours, theirs in zip(first, other, strict=True)]
    return [(ours.path, theirs.path) for ours, theirs in pairs if ours.half is None]


def apart(pairs: Iterable[Pair], sizes: Mapping[Path, Size]) -> list[Pair]:
    """Those whose proportions differ, as far as sizes are known."""
    known = ((pair, sizes.get(pair[0]), sizes.get(pair[1])) for pair in pairs)
    return [pair for pair, ours, theirs in known if ours and theirs and not _alike(ours, theirs)]


def apart_line(data: DataSet, found: Sequence[Pair], sizes: Mapping[Path, Size], looked_at: str = "") -> str:
    """What is wrong and what to do, in a line; of at least one pair."""
    shown = " and ".join(f"{data.relative(path)} {sizes[path][0]}x{sizes[path][1]}" for path in found[0])
    return (
        f"{number(len(found), 'pair')}{looked_at} with members of other proportions, such as {shown} (width x height): "
        "fitted to the image by themselves, they no longer show the same place; cut both alike"
    )


def _alike(ours: Size, theirs: Size) -> bool:
    """Whether one is the other resized, up to rounding of the smaller one."""
    (width, height), (other_width, other_height) = sorted((ours, theirs))
    return abs(other_width * height / other_height - width) <= ROUNDING or (
        abs(other_height * width / other_width - height) <= ROUNDING
    )
