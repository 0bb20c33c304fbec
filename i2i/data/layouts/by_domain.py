"""From images by split and domain to a data set: the card, the order of domains, and whether there are pairs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from i2i.data.image_files.image_file import ImageFile
from i2i.data.image_files.readers_and_writers import NATIVE_ONLY
from i2i.data.layouts.data_set import DataSet, as_held
from i2i.data.layouts.i2i_json import CARD, Card, read_card
from i2i.data.layouts.pairs import in_pairs, said_by_names
from i2i.data.layouts.recognize import Choices
from i2i.errors import NoLayout, UserError, unknown
from i2i.labels import LabelSpace

LONGEST_NAME = 100  # bytes; two of them make the name of a direction's folder
Found = dict[str, dict[str, tuple[ImageFile, ...]]]


def domain_data(
    root: Path, layout: str, splits: Found, choices: Choices, paired: bool | None = None, name: str | None = None
) -> DataSet:
    """A data set of exclusive domains.

    Whether there are pairs is said by `choices`, else by the card, else by `paired`, else by the images' names.

    Raises:
        UserError: for a card that does not fit, fewer than two domains, or pairs that lack a member.
    """
    card = read_card(root)
    domains = _domains(root, splits, card)
    splits = _named_apart(root, splits)
    hint = ""
    said = next((word for word in (choices.paired, card.paired, paired) if word is not None), None)
    if said is None:
        said, hint = said_by_names(splits, domains)
        layout = f"{layout}, equal names" if said else layout
    if said:
        splits = in_pairs(root, splits, domains)
    named = card.name or name or own_name(root)
    formats = card.pixel_formats or {}
    for domain in formats:
        if domain not in domains:
            raise unknown(f"domain in {root / CARD}: pixel_formats:", domain, domains)
    splits = _as_held(splits, card.pixel_formats is not None)
    return DataSet(named, root, layout, LabelSpace.of_domains(domains), bool(said), splits, hint, formats=formats)


def own_name(folder: Path) -> str:
    """What data are called after their folder; it can name another one."""
    return folder.resolve().name.lstrip(".") or "data"


def check_names(place: Path, names: Iterable[str]) -> None:
    """UserError for a name of a domain or attribute that cannot name a folder, or part of a file's name."""
    for name in names:
        encoded = name.encode(errors="surrogateescape")
        parted = "/" in name or "\0" in name or name.startswith(".")
        if not name or parted or len(encoded) > LONGEST_NAME or not _is_text(encoded):
            raise UserError(
                f"{place}: {name[:LONGEST_NAME]!r} is no name for a domain or attribute: write one in UTF-8 without / "
                f"and without a dot at its start, of at most {LONGEST_NAME} bytes"
            )


def _is_text(encoded: bytes) -> bool:
    try:
        return bool(encoded.decode())
    except UnicodeDecodeError:
        return False


def _domains(root: Path, splits: Found, card: Card) -> tuple[str, ...]:
    found = tuple(sorted({domain for domains in splits.values() for domain in domains}))
    declared = found if card.domains is None else card.domains
    for domain in declared:
        if domain not in found:
            raise unknown(f"domain in {root / CARD}:", domain, found)
    check_names(root, declared)
    if len(declared) < 2:
        kind = NoLayout if card.domains is None else UserError
        raise kind(
            f"{root} has only one domain, {', '.join(declared) or 'none'}: translation needs at least two; "
            "put the images of another beside them"
        )
    return declared


def _as_held(splits: Found, declared: bool) -> Found:
    """Images that are taken as their files hold them: all where the card says so, or 8 bits cannot hold one of them."""
    every = (image for found in splits.values() for own in found.values() for image in own)
    if not declared and not any(image.path.suffix.lower() in NATIVE_ONLY for image in every):
        return splits
    return as_held(splits)


def _named_apart(root: Path, splits: Found) -> Found:
    """Images of one name in a domain get longer ones: their translations must not overwrite each other."""
    return {
        split: {domain: with_own_names(root, own) for domain, own in found.items()} for split, found in splits.items()
    }


def with_own_names(root: Path, images: Sequence[ImageFile]) -> tuple[ImageFile, ...]:
    """Images of which no two have the same name, whatever their files are called."""
    stems = Counter(own := [image.stem for image in images])
    if len(stems) == len(own):
        return tuple(images)
    names = Counter(image.path.name for image in images)

    def longer(image: ImageFile) -> str:
        """The name with its suffix, or the whole path below the root in one word."""
        once = names[image.path.name] == 1
        return image.path.name if once else "%".join(image.path.relative_to(root).parts)

    return tuple(
        image if stems[stem] == 1 else replace(image, name=longer(image))
        for image, stem in zip(images, own, strict=True)
    )
