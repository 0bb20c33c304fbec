"""Which file of a checkpoint holds which network."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from i2i.errors import UserError
from i2i.interop.family import Family, Reference


def assign(model: str, reference: Reference, families: Mapping[Path, Family]) -> dict[Path, str]:
    """Which of the reference's networks each file holds, in the reference's order.

    Names decide; files without one of the reference's names take the places of their family in order. They must fill
    them, but for a single generator, which takes the first.

    Args:
        model: name of the translator, for errors.
        reference: its reference.
        families: family of each file, one of the reference's.

    Raises:
        UserError: if that leaves a doubt, a name belies what is in the file, or there is no generator.
    """
    named = {path: name for path in families if (name := _named(path, reference))}
    for path, name in named.items():
        if families[path] is not reference.files[name].family:
            raise UserError(f"{path} is {families[path].title} and its name says {name}: rename it")
    for family in dict.fromkeys(families.values()):
        places = [name for name, part in reference.files.items() if part.family is family]
        free = [name for name in places if name not in named.values()]
        nameless = [path for path in families if families[path] is family and path not in named]
        alone = family.generator and len(nameless) == 1 and free == places
        if nameless and len(nameless) != len(free) and not alone:
            raise _ambiguous(model, reference, families)
        named |= dict(zip(nameless, free, strict=False))
    if len(set(named.values())) < len(families):
        raise _ambiguous(model, reference, families)
    if not any(family.generator for family in families.values()):
        raise UserError(f"{', '.join(map(str, families))}: there is no generator, and without one nothing translates")
    return {path: name for name in reference.files for path, own in named.items() if own == name}


def _named(path: Path, reference: Reference) -> str | None:
    """The network that a file's name ends with, as in 55_net_G_A.pth or 200000-G.ckpt."""
    longest_first = sorted(reference.files, key=len, reverse=True)
    return next((name for name in longest_first if re.search(rf"(^|[_-]){name}$", path.stem)), None)


def _ambiguous(model: str, reference: Reference, paths: Iterable[Path]) -> UserError:
    names = ", ".join(reference.file_name.format(network=name, step=1) for name in reference.files)
    return UserError(
        f"it is not clear which network of {model} each file holds ({', '.join(map(str, paths))}): "
        f"name them as the reference does, {names}"
    )
