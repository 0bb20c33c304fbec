"""Which file of a checkpoint, or which part of it, holds which network."""

import re
from collections.abc import Iterable, Mapping

from i2i.errors import UserError
from i2i.interop.family import Family, Place, Reference


def assign(model: str, reference: Reference, families: Mapping[Place, Family]) -> dict[Place, str]:
    """Which of the reference's networks lies where, in the reference's order.

    Names decide: of a file or, in a bundle, of the network. Files without one of the reference's names take the places
    of their family in order. They must fill them, but for a single generator, which takes the first.

    Args:
        model: name of the translator, for errors.
        reference: its reference.
        families: family of what lies in each place, one of the reference's.

    Raises:
        UserError: if that leaves a doubt, a name belies what is in the file, or there is no generator.
    """
    named = {place: name for place, family in families.items() if (name := _named(place, family, reference))}
    _refuse_doubled(named)
    for place, name in named.items():
        if families[place] is not reference.files[name].family:
            raise UserError(f"{place} is {families[place].title} and its name says {name}: rename it")
    for family in dict.fromkeys(families.values()):
        places = [name for name, part in reference.files.items() if part.family is family]
        free = [name for name in places if name not in named.values()]
        nameless = [place for place in families if families[place] is family and place not in named]
        alone = family.generator and len(nameless) == 1 and free == places
        if nameless and len(nameless) != len(free) and not alone:
            raise _ambiguous(model, reference, families)
        named |= dict(zip(nameless, free, strict=False))
    if len(set(named.values())) < len(families):
        raise _ambiguous(model, reference, families)
    if not any(family.generator for family in families.values()):
        raise UserError(
            f"{', '.join(map(str, families))}: there is no generator, and without one nothing translates: "
            f"give its file too, as in {', '.join(reference.file_names())}"
        )
    return {place: name for name in reference.files for place, own in named.items() if own == name}


def _refuse_doubled(named: Mapping[Place, str]) -> None:
    """UserError if two bundles hold the same network, as one of the last weights and one of their average do."""
    first: dict[str, Place] = {}
    for place, name in named.items():
        if place.entry and name in first:
            raise UserError(f"{first[name]} and {place} are the same network of two files: give one of them")
        first.setdefault(name, place)


def _named(place: Place, family: Family, reference: Reference) -> str | None:
    """The network that a file's name ends with, as in 55_net_G_A.pth or 200000-G.ckpt, or of that name in a bundle."""
    if place.entry:
        return _in_bundle(place.entry, family, reference)
    longest_first = sorted(reference.files, key=len, reverse=True)
    return next((name for name in longest_first if re.search(rf"(^|[_-]){name}$", place.path.stem)), None)


def _in_bundle(entry: str, family: Family, reference: Reference) -> str | None:
    """The network that bundles hold under a name; networks of different families may have the same one."""
    keys = [bundle.networks[entry] for bundle in reference.bundles if entry in bundle.networks]
    return next((key for key in keys if reference.files[key].family is family), keys[0] if keys else None)


def _ambiguous(model: str, reference: Reference, places: Iterable[Place]) -> UserError:
    return UserError(
        f"it is not clear which network of {model} each file holds ({', '.join(map(str, places))}): "
        f"name them as the reference does, {', '.join(reference.file_names())}"
    )
