"""From pictures by split and domain to a data set: the card, the order of domains, and whether there are pairs."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from i2i.data.layouts.card import CARD, read_card
from i2i.data.layouts.data_set import DataSet, Picture
from i2i.data.layouts.recognise import Choices
from i2i.errors import UserError, unknown
from i2i.labels import LabelSpace

LONGEST_NAME = 100  # bytes; two of them make the name of a direction's folder
Found = dict[str, dict[str, tuple[Picture, ...]]]
HINT = "names are equal in all domains, but only running numbers: if they are pairs, --set data.paired=true"


def domain_data(
    root: Path, layout: str, splits: Found, choices: Choices, paired: bool | None = None, name: str | None = None
) -> DataSet:
    """A data set of exclusive domains.

    Whether there are pairs is said by `choices`, else by the card, else by `paired`, else by the pictures' names: they
    are pairs if every domain of every split has the same names, unless these are mere running numbers.

    Raises:
        UserError: for a card that does not fit, fewer than two domains, or pairs that lack a member.
    """
    card = read_card(root)
    domains = _domains(root, splits, card)
    splits = _named_apart(root, splits)
    hint = ""
    said = next((word for word in (choices.paired, card.get("paired"), paired) if word is not None), None)
    if said is None and _names_agree(splits, domains):
        said = not all(_are_running_numbers(found[domains[0]]) for found in splits.values())
        layout, hint = (f"{layout}, equal names", "") if said else (layout, HINT)
    if said:
        splits = _in_pairs(splits)
        _check_pairs(root, splits, domains)
    named = str(card.get("name", name or root.resolve().name))
    return DataSet(named, root, layout, LabelSpace.of_domains(domains), bool(said), splits, hint)


def check_names(place: Path, names: Iterable[str]) -> None:
    """UserError for a name of a domain or attribute that cannot be part of a file's name."""
    for name in names:
        encoded = name.encode(errors="surrogateescape")
        if not name or "/" in name or "\0" in name or len(encoded) > LONGEST_NAME or not _is_text(encoded):
            raise UserError(
                f"{place}: {name[:LONGEST_NAME]!r} is no name for a domain or attribute: write one in UTF-8 without /, "
                f"of at most {LONGEST_NAME} bytes"
            )


def _is_text(encoded: bytes) -> bool:
    try:
        return bool(encoded.decode())
    except UnicodeDecodeError:
        return False


def _domains(root: Path, splits: Found, card: Mapping[str, Any]) -> tuple[str, ...]:
    found = sorted({domain for domains in splits.values() for domain in domains})
    declared = tuple(card.get("domains", found))
    for domain in declared:
        if domain not in found:
            raise unknown(f"domain in {root / CARD}:", domain, found)
    check_names(root, declared)
    if len(declared) < 2:
        raise UserError(f"{root} has only one domain, {', '.join(declared) or 'none'}: translation needs at least two")
    return declared


def _names_agree(splits: Found, domains: tuple[str, ...]) -> bool:
    """Whether every domain of every split has the same names, each once."""
    for found in splits.values():
        names = [sorted(picture.scene for picture in found.get(domain, ())) for domain in domains]
        if not names[0] or len(set(names[0])) < len(names[0]) or any(other != names[0] for other in names):
            return False
    return True


def _are_running_numbers(pictures: tuple[Picture, ...]) -> bool:
    """Whether names count without gaps, as cameras and scripts name pictures: they tell nothing about a scene."""
    parts = [re.fullmatch(r"(\D*)([0-9]{1,18})(\D*)", picture.scene) for picture in pictures]
    frames = {(part[1], part[3]) for part in parts if part}
    numbers = sorted(int(part[2]) for part in parts if part)
    return len(frames) == 1 and numbers == list(range(numbers[0], numbers[0] + len(pictures)))


def _named_apart(root: Path, splits: Found) -> Found:
    """Pictures of one name in a domain get longer ones: their translations must not overwrite each other."""
    return {
        split: {domain: with_own_names(root, own) for domain, own in found.items()} for split, found in splits.items()
    }


def with_own_names(root: Path, pictures: Sequence[Picture]) -> tuple[Picture, ...]:
    """Pictures of which no two have the same name, whatever their files are called."""
    stems = Counter(picture.stem for picture in pictures)
    names = Counter(picture.path.name for picture in pictures)

    def longer(picture: Picture) -> str:
        """The name with its suffix, or the whole path below the root in one word."""
        once = names[picture.path.name] == 1
        return picture.path.name if once else "%".join(picture.path.relative_to(root).parts)

    return tuple(
        picture if stems[picture.stem] == 1 else replace(picture, name=longer(picture)) for picture in pictures
    )


def _in_pairs(splits: Found) -> Found:
    return {
        split: {domain: tuple(sorted(own, key=lambda picture: picture.scene)) for domain, own in found.items()}
        for split, found in splits.items()
    }


def _check_pairs(root: Path, splits: Found, domains: tuple[str, ...]) -> None:
    first, *others = domains
    for split, found in splits.items():
        ours = Counter(picture.scene for picture in found.get(first, ()))
        for domain in others:
            theirs = Counter(picture.scene for picture in found.get(domain, ()))
            if ours != theirs:
                lonely = sorted((ours - theirs) + (theirs - ours))[:3]
                raise UserError(
                    f"{root} is declared as paired, but in {split} {first} and {domain} differ: {', '.join(lonely)}"
                )
