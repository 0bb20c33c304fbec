"""Whether images of several domains are pairs, by their names, and which of them lack a partner."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from i2i.data.image_files.image_file import ImageFile
from i2i.data.layouts.data_set import Splits
from i2i.errors import UserError
from i2i.utils.wording import some

ONLY_NUMBERS = "names are equal in all domains, but only numbers: if they are pairs, --set data.paired=true"
FEW = 10
"""Where one in so many names lacks a partner, or fewer, the others look like pairs."""


def said_by_names(splits: Splits, domains: Sequence[str]) -> tuple[bool, str]:
    """Whether names declare pairs, and what to know where they nearly do.

    They do where every domain of every split has the same names, each once. Names that differ in nothing but numbers,
    with or without gaps, never do: cameras and scripts number images of any scene.
    """
    without, numbers = unpaired_stems(splits, domains), _only_numbers(splits, domains)
    if not without:
        return not numbers, ONLY_NUMBERS if numbers else ""
    return False, _nearly(splits, domains, without, numbers)


def _nearly(splits: Splits, domains: Sequence[str], without: Sequence[str], numbers: bool) -> str:
    """What to do where all images but a few have partners; empty where more do not."""
    images = sum(len(own.get(domain, ())) for own in splits.values() for domain in domains)
    # Equal numbers say little, so that of few images nothing is told.
    if len(without) > max(0 if numbers else 1, images // len(domains) // FEW):
        return ""
    remedy = "add what is missing or remove what stands alone"
    told = f"names are equal in all domains but for {some(without)}"
    if numbers:
        return f"{told}, but only numbers: if they are pairs, {remedy}, and --set data.paired=true"
    return f"{told}: {remedy}, and they are pairs, or say that they are none by --set data.paired=false"


def unpaired_stems(splits: Splits, domains: Sequence[str]) -> list[str]:
    """Images as `split/domain/name` that not every domain of the split has, or that have their name twice."""
    found = []
    for split, own in splits.items():
        scenes = {domain: _scenes(own, domain) for domain in domains}
        everywhere = Counter(set.intersection(*(set(names) for names in scenes.values())))
        found += [f"{split}/{domain}/{name}" for domain in domains for name in sorted(scenes[domain] - everywhere)]
    return found


def in_pairs(root: Path, splits: Splits, domains: Sequence[str]) -> dict[str, dict[str, tuple[ImageFile, ...]]]:
    """Images in the order of their pairs.

    Raises:
        UserError: naming those without a partner.
    """
    for split, found in splits.items():
        for domain in domains[1:]:
            ours, theirs = _scenes(found, domains[0]), _scenes(found, domain)
            if ours != theirs:
                alone = sorted((ours - theirs) + (theirs - ours))
                raise UserError(
                    f"{root} is declared as paired, but in {split} {domains[0]} and {domain} differ: "
                    f"{some(alone, shown=3)}"
                )
    return {
        split: {domain: tuple(sorted(own, key=lambda image: image.scene)) for domain, own in found.items()}
        for split, found in splits.items()
    }


def only_numbers(names: Sequence[str]) -> bool:
    """Whether names differ in nothing but numbers."""
    frames = {re.sub("[0-9]+", "#", name) for name in names}
    return len(frames) == 1 and "#" in frames.pop()


def _only_numbers(splits: Splits, domains: Sequence[str]) -> bool:
    """Whether that holds in some split; a single image tells nothing beside others."""
    names = [[image.scene for image in found.get(domain, ())] for found in splits.values() for domain in domains]
    return any(map(only_numbers, [own for own in names if len(own) > 1] or names))


def _scenes(found: Mapping[str, Sequence[ImageFile]], domain: str) -> Counter[str]:
    return Counter(image.scene for image in found.get(domain, ()))
