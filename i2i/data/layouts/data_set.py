"""The images of a data folder by split and domain, whatever its layout, and several such sets joined."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

from i2i.data.image_files.image_file import ImageFile
from i2i.data.layouts.i2i_json import DeclaredFormat, refuse_repeated
from i2i.data.layouts.image_folder import LeftOut, left_out_line
from i2i.errors import UserError, unknown
from i2i.labels import LabelSet, LabelSpace
from i2i.utils import fingerprint
from i2i.utils.text import one_line

Splits = Mapping[str, Mapping[str, "tuple[ImageFile, ...]"]]
"""Images by split and domain."""


@dataclass(frozen=True)
class DataSet:
    """The images of a data folder by split and domain.

    Attributes:
        name: short name for tables and run folders.
        root: the folder.
        layout: the recognised layout, in words.
        labels: what can be said of its images.
        paired: whether equal positions in two domains of a split show the same scene.
        splits: images by split and domain, sorted by name.
        hint: what else it could be, and how to say so.
        left_out: what else lies in the folder.
        formats: what the card says of the values of images beyond 8-bit RGB, by domain.
    """

    name: str
    root: Path
    layout: str
    labels: LabelSpace
    paired: bool
    splits: Splits
    hint: str = ""
    left_out: tuple[LeftOut, ...] = field(default=(), compare=False)
    formats: Mapping[str, DeclaredFormat] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name or "\0" in self.name or self.name.startswith("."):
            raise UserError(f"data cannot be called {self.name!r}: their name is part of a folder's, choose another")

    @property
    def unused(self) -> tuple[LeftOut, ...]:
        """What lies in the folder and is not used: what the layout leaves out, and images of other domains."""
        others = tuple(
            self.relative(image.path)
            for found in self.splits.values()
            for domain, own in found.items()
            if domain not in self.domains
            for image in own
        )
        return (*((LeftOut("image", "of domains that were not chosen", others),) if others else ()), *self.left_out)

    def relative(self, path: Path) -> str:
        """A file as it is told: below the data folder where it lies there."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    @cached_property
    def native(self) -> bool:
        """Whether images are taken as their files hold them, and not as 8 bits."""
        return any(image.native for found in self.splits.values() for own in found.values() for image in own)

    @property
    def recognized(self) -> str:
        """One line for the user: what was understood, what else it could be, and what is not used."""
        return "; ".join([str(self), *([self.hint] if self.hint else []), *left_out_line(self.unused)])

    @property
    def domains(self) -> tuple[str, ...]:
        """Names in the order that models index them."""
        return self.labels.domains

    def images(self, split: str, domain: str) -> tuple[ImageFile, ...]:
        """The images of a domain in a split; UserError when there are none."""
        if split not in self.splits:
            found = ", ".join(self.splits)
            raise UserError(
                f"{self.root} has no split {split!r} (found {found}): add it, or choose others with "
                "--set data.train_split=... and --set data.test_split=..."
            )
        images = self.splits[split].get(domain, ())
        if not images:
            raise UserError(f"{self.root} has no images of domain {domain!r} in its split {split!r}")
        return images

    def restricted(self, domains: Sequence[str]) -> "DataSet":
        """The same data with only `domains`, in that order; UserError for an unknown or repeated one."""
        refuse_repeated(domains, "data.domains")
        for domain in domains:
            if domain not in self.domains:
                listed = """, with commas in names --set 'data.domains=["A, a", B]'"""
                commas = listed if any("," in known for known in self.domains) else ""
                raise UserError(
                    f"{unknown('domain', domain, self.domains)}. Choose some with --set data.domains=A,B{commas}, "
                    "or all with --set data.domains=null"
                )
        return replace(self, labels=self.labels.restricted(domains))

    def trimmed(self) -> "DataSet":
        """The same data without the images of domains that were not chosen."""
        splits = {
            split: {domain: found[domain] for domain in self.domains if domain in found}
            for split, found in self.splits.items()
        }
        return replace(self, splits=splits)

    def fingerprint(self, blake2b: Callable[[Path], bytes] | None = None, splits: Collection[str] | None = None) -> str:
        """Hash of the names and contents of every image of these domains; the folder's own path is left out.

        Args:
            blake2b: gives the BLAKE2b digest of a file's contents, 64 bytes; None: every file is read.
            splits: the images of these alone; None: of all.
        """
        digest = hashlib.blake2b(digest_size=16)
        digest.update(json.dumps([self.labels.settings(), self.paired, self.layout]).encode())
        contents = blake2b or cache(fingerprint.blake2b)
        for split, domains in sorted(self.splits.items()):
            for domain in self.domains if splits is None or split in splits else ():
                for image in domains.get(domain, ()):
                    digest.update(
                        f"{split}\0{domain}\0{image.path.name}\0{image.half}\0".encode(errors="surrogateescape")
                    )
                    digest.update(contents(image.path))
        return digest.hexdigest()

    def __str__(self) -> str:
        counts = "; ".join(
            f"{split}: " + ", ".join(f"{domain} {len(found.get(domain, ()))}" for domain in self.domains)
            for split, found in self.splits.items()
        )
        return one_line(f"{self.name} ({self.layout}{', paired' if self.paired else ''}) {counts}")


def join(parts: Mapping[str, DataSet]) -> DataSet:
    """Several data sets as one, each with labels of its own; its domains are named `dataset/domain`.

    Where one holds data beyond 8-bit RGB, the files of all are taken as they are; UserError for one with attributes.
    """
    sets = tuple(replace(_only_set(name, part), name=name) for name, part in parts.items())
    splits: dict[str, dict[str, tuple[ImageFile, ...]]] = {}
    for one, part in zip(sets, parts.values(), strict=True):
        for split, found in part.splits.items():
            named = {one.prefix + domain: images for domain, images in found.items() if domain in part.domains}
            splits.setdefault(split, {}).update(named)
    roots = " and ".join(str(part.root) for part in parts.values())
    layout = " and ".join(part.layout for part in parts.values())
    left_out = tuple(group for part in parts.values() for group in part.unused)
    formats = {
        one.prefix + domain: own
        for one, part in zip(sets, parts.values(), strict=True)
        for domain, own in part.formats.items()
    }
    native = any(part.native for part in parts.values())
    if native and any(part.labels.has_attributes for part in parts.values()):
        raise UserError(
            f"{' and '.join(parts)} hold data beyond 8-bit RGB and a list of attributes, which has no domains "
            "to say the range of: leave one of them out"
        )
    held = as_held(splits) if native else splits
    space = LabelSpace(sets)
    return DataSet("+".join(parts), Path(roots), layout, space, False, held, left_out=left_out, formats=formats)


def as_held(splits: Splits) -> dict[str, dict[str, tuple[ImageFile, ...]]]:
    """Images that are taken as their files hold them."""
    return {
        split: {domain: tuple(replace(image, native=True) for image in own) for domain, own in found.items()}
        for split, found in splits.items()
    }


def _only_set(name: str, part: DataSet) -> LabelSet:
    if len(part.labels.sets) > 1:
        raise UserError(f"data set {name} is a joint one itself: name its parts instead")
    return part.labels.sets[0]
