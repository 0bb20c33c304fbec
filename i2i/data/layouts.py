"""Which pictures a folder holds: splits, domains and pairs, recognised from how it is laid out.

    <split>/<domain>/*                    any number of domains
    trainA/ trainB/ testA/ testB/         two domains, A and B
    <split>/*                             aligned pairs side by side: A is the left half, B the right

A file `i2i.json` beside the splits can say more: `{"name": ..., "domains": [...], "paired": true}`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from i2i.data.images import Half, is_picture
from i2i.errors import UserError, unknown
from i2i.labels import LabelSet, LabelSpace

CARD = "i2i.json"
SPLITS = ("train", "val", "test")
LAYOUTS_HELP = (
    "expected <split>/<domain>/* with splits train, val and test, or trainA/ trainB/ testA/ testB/, "
    "or aligned <split>/*"
)


@dataclass(frozen=True)
class Picture:
    """A picture file, or one half of one; `attributes` are those it has, in a data set that lists them."""

    path: Path
    half: Half | None = None
    attributes: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """Name without suffix; equal for the members of a pair."""
        return self.path.stem


@dataclass(frozen=True)
class DataSet:
    """The pictures of a data folder by split and domain.

    Attributes:
        name: short name for tables and run folders.
        root: the folder.
        layout: the recognised layout, in words.
        labels: what can be said of its pictures.
        paired: whether equal positions in two domains of a split show the same scene.
        splits: pictures by split and domain, sorted by name.
    """

    name: str
    root: Path
    layout: str
    labels: LabelSpace
    paired: bool
    splits: Mapping[str, Mapping[str, tuple[Picture, ...]]]

    @property
    def domains(self) -> tuple[str, ...]:
        """Names in the order that models index them."""
        return self.labels.domains

    def pictures(self, split: str, domain: str) -> tuple[Picture, ...]:
        """The pictures of a domain in a split; UserError when there are none."""
        if split not in self.splits:
            found = ", ".join(self.splits)
            raise UserError(
                f"{self.root} has no split {split!r} (found {found}): add it, or choose others with "
                "--set data.train_split=... and --set data.test_split=..."
            )
        pictures = self.splits[split].get(domain, ())
        if not pictures:
            raise UserError(f"{self.root} has no pictures of domain {domain!r} in its split {split!r}")
        return pictures

    def restricted(self, domains: Sequence[str]) -> "DataSet":
        """The same data with only `domains`, in that order; UserError for an unknown or repeated one."""
        _refuse_repeated(domains, "data.domains")
        for domain in domains:
            if domain not in self.domains:
                raise unknown("domain", domain, self.domains)
        return replace(self, labels=self.labels.restricted(domains))

    def fingerprint(self, blake2b: Callable[[Path], bytes] | None = None) -> str:
        """Hash of the names and contents of every picture of these domains; the folder's own path is left out.

        `blake2b` gives the BLAKE2b digest of a file's contents, 64 bytes; None: every file is read.
        """
        digest = hashlib.blake2b(digest_size=16)
        digest.update(json.dumps([self.labels.settings(), self.paired, self.layout]).encode())
        contents = blake2b or cache(lambda path: hashlib.blake2b(path.read_bytes()).digest())
        for split, domains in sorted(self.splits.items()):
            for domain in self.domains:
                for picture in domains.get(domain, ()):
                    digest.update(f"{split}\0{domain}\0{picture.path.name}\0{picture.half}\0".encode())
                    digest.update(contents(picture.path))
        return digest.hexdigest()

    def __str__(self) -> str:
        counts = "; ".join(
            f"{split}: " + ", ".join(f"{domain} {len(found.get(domain, ()))}" for domain in self.domains)
            for split, found in self.splits.items()
        )
        return f"{self.name} ({self.layout}{', paired' if self.paired else ''}) {counts}"


def join(parts: Mapping[str, DataSet]) -> DataSet:
    """Several data sets as one, each with labels of its own; its domains are named `dataset/domain`."""
    sets = tuple(replace(_only_set(name, part), name=name) for name, part in parts.items())
    splits: dict[str, dict[str, tuple[Picture, ...]]] = {}
    for one, part in zip(sets, parts.values(), strict=True):
        for split, found in part.splits.items():
            named = {one.prefix + domain: pictures for domain, pictures in found.items() if domain in part.domains}
            splits.setdefault(split, {}).update(named)
    roots = " and ".join(str(part.root) for part in parts.values())
    layout = " and ".join(part.layout for part in parts.values())
    return DataSet("+".join(parts), Path(roots), layout, LabelSpace(sets), False, splits)


def _only_set(name: str, part: DataSet) -> LabelSet:
    if len(part.labels.sets) > 1:
        raise UserError(f"data set {name} is a joint one itself: name its parts instead")
    return part.labels.sets[0]


def scan(root: Path) -> DataSet:
    """Recognise the layout of a folder.

    Raises:
        UserError: if the folder is missing or empty, its layout is none of the known ones, or it has a
            single domain; the text says what was found.
    """
    if not root.is_dir():
        raise UserError(f"there is no data folder {root}")
    card = _read_card(root)
    splits, layout = _find_splits(root)
    domains = _domains(root, splits, card)
    paired = bool(card.get("paired", layout.startswith("aligned")))
    if paired:
        _check_pairs(root, splits, domains)
    name = str(card.get("name", root.resolve().name))
    return DataSet(name, root, layout, LabelSpace.of_domains(domains), paired, splits)


Splits = dict[str, dict[str, tuple[Picture, ...]]]


def _find_splits(root: Path) -> tuple[Splits, str]:
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise UserError(f"{root} holds no folders: {LAYOUTS_HELP}")
    splits = _two_domain_splits(root)
    if splits:
        return splits, "trainA/trainB folders"
    present = [root / split for split in SPLITS if (root / split).is_dir()]
    if not present:
        found = ", ".join(folder.name for folder in folders[:5])
        raise UserError(f"{root} has no split folders (found {found}): {LAYOUTS_HELP}")
    by_domain = {folder.name: _by_domain(folder) for folder in present}
    loose = [path for folder in present for path in _pictures_in(folder)]
    if loose:
        if any(pictures for found in by_domain.values() for pictures in found.values()):
            raise UserError(f"{loose[0]} lies beside folders of domains: move it into one, or elsewhere")
        return {folder.name: _halves(folder) for folder in present}, "aligned side by side"
    if not any(by_domain.values()):
        raise UserError(f"{root} holds no pictures: {LAYOUTS_HELP}")
    return by_domain, "a folder per domain"


def _two_domain_splits(root: Path) -> Splits:
    splits: Splits = {}
    for split in SPLITS:
        found = {domain: _whole(root / f"{split}{domain}") for domain in "AB" if (root / f"{split}{domain}").is_dir()}
        if found:
            splits[split] = found
    return splits


def _by_domain(folder: Path) -> dict[str, tuple[Picture, ...]]:
    domains = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return {domain.name: _whole(domain) for domain in domains}


def _whole(folder: Path) -> tuple[Picture, ...]:
    return tuple(Picture(path) for path in _pictures_in(folder))


def _halves(folder: Path) -> dict[str, tuple[Picture, ...]]:
    paths = _pictures_in(folder)
    return {
        "A": tuple(Picture(path, "left") for path in paths),
        "B": tuple(Picture(path, "right") for path in paths),
    }


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_picture(path) and path.is_file())


def _read_card(root: Path) -> dict[str, Any]:
    path = root / CARD
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}): repair or remove it") from None
    if not isinstance(card, dict):
        raise UserError(f"{path} must hold an object with name, domains or paired")
    for key in card:
        if key not in ("name", "domains", "paired"):
            raise unknown(f"entry in {path}:", key, ("name", "domains", "paired"))
    _check_card(path, card)
    return card


def _check_card(path: Path, card: Mapping[str, Any]) -> None:
    domains = card.get("domains", [])
    if not (isinstance(domains, list) and all(isinstance(domain, str) for domain in domains)):
        raise UserError(f'{path}: domains={domains!r} must be a list of names such as ["summer", "winter"]')
    _refuse_repeated(domains, f"{path}: domains")
    if not isinstance(card.get("paired", False), bool):
        raise UserError(f"{path}: paired={card['paired']!r} must be true or false")
    if not isinstance(card.get("name", ""), str):
        raise UserError(f"{path}: name={card['name']!r} must be a text")


def _refuse_repeated(domains: Sequence[str], place: str) -> None:
    for domain, times in Counter(domains).items():
        if times > 1:
            raise UserError(f"{place} names {domain!r} {times} times: name every domain once")


def _domains(root: Path, splits: Splits, card: Mapping[str, Any]) -> tuple[str, ...]:
    found = sorted({domain for domains in splits.values() for domain in domains})
    declared = tuple(card.get("domains", found))
    for domain in declared:
        if domain not in found:
            raise unknown(f"domain in {root / CARD}:", domain, found)
    if len(declared) < 2:
        raise UserError(f"{root} has only one domain, {', '.join(declared) or 'none'}: translation needs at least two")
    return declared


def _check_pairs(root: Path, splits: Splits, domains: tuple[str, ...]) -> None:
    first, *others = domains
    for split, found in splits.items():
        stems = [picture.stem for picture in found.get(first, ())]
        for domain in others:
            theirs = [picture.stem for picture in found.get(domain, ())]
            if theirs != stems:
                ours, other = Counter(stems), Counter(theirs)
                lonely = sorted((ours - other) + (other - ours))[:3]
                raise UserError(
                    f"{root} is declared as paired, but in {split} {first} and {domain} differ: {', '.join(lonely)}"
                )
