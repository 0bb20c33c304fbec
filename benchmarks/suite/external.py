"""Methods whose images were made elsewhere: `--external NAME=DIR`, scored like the translations of a model."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from i2i.benchmarks.directions import Direction
from i2i.config import Section
from i2i.data.image_files.images import Preprocess, read_size
from i2i.data.layouts import ImageFile
from i2i.data.layouts.image_folder import ImageFolder, left_out_line
from i2i.errors import UserError
from i2i.utils.fingerprint import sha256
from i2i.utils.joined_names import direction_name

NAMED = 3  # files in an error

Inputs = Mapping[Direction, Sequence[ImageFile]]
"""By direction the test images to be translated."""


class External(Section):
    """Where images lie that were made elsewhere."""

    folder: Path = Field(description="holds SOURCE2TARGET/STEM.png; with a single direction also STEM.png")
    intersection: bool = Field(False, description="score what is there, and nothing else")


@dataclass(frozen=True)
class Survey:
    """What an external folder holds of the images that a bench asks for.

    Attributes:
        files: by direction and stem; the same stems in all directions of a source.
        partial: whether some images were left out.
        sha256: of the names and contents of the files.
    """

    files: Mapping[Direction, Mapping[str, Path]]
    partial: bool
    sha256: str

    @property
    def stems(self) -> dict[str, list[str]]:
        """Names of the images by source domain."""
        return {source: list(found) for (source, _), found in self.files.items()}

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of images by name of the direction."""
        return {direction_name(direction): len(found) for direction, found in self.files.items()}


def parse(texts: Sequence[str], intersection: bool) -> dict[str, External]:
    """Methods by name from texts NAME=DIR.

    Raises:
        UserError: for another form, a name given twice, or --intersection without any.
    """
    if intersection and not texts:
        raise UserError("--intersection is about external translations: name them with --external NAME=DIR")
    found: dict[str, External] = {}
    for text in texts:
        name, equals, folder = (part.strip() for part in text.partition("="))
        if not (name and equals and folder):
            raise UserError(f"--external {text!r} must look like NAME=DIR, as in --external DRIT=results/drit")
        if name in found:
            raise UserError(f"--external names {name} twice: give each folder a name of its own")
        found[name] = External(folder=Path(folder).resolve(), intersection=intersection)
    return found


def survey(name: str, external: External, inputs: Inputs, preprocess: Preprocess) -> Survey:
    """Compare a folder with what a bench asks for.

    Args:
        name: of the method, for messages.
        external: the folder, and whether the intersection will do.
        inputs: the test images of every direction.
        preprocess: of the data; translations have its size.

    Raises:
        UserError: with counts and the first three names, if images are missing, extra or of another size, or one
            cannot be read.
    """
    listed = {direction: _folder_of(external.folder, direction, len(inputs) == 1) for direction in inputs}
    found = {direction: folder.by_name() for direction, folder in listed.items()}
    wanted = {direction: [image.stem for image in images] for direction, images in inputs.items()}
    missing = list(
        _paths(
            (direction, stem) for direction, stems in wanted.items() for stem in stems if stem not in found[direction]
        )
    )
    extra = list(
        _paths(
            (direction, stem) for direction, own in found.items() for stem in own if stem not in set(wanted[direction])
        )
    )
    files = {
        direction: {stem: found[direction][stem] for stem in stems}
        for direction, stems in _common(wanted, found).items()
    }
    size, unlike = preprocess.image_size, _unlike(files, preprocess)
    faults = {} if external.intersection else {"missing": missing, "extra": extra}
    faults[f"not of {size[0]}x{size[1]} pixels"] = unlike
    if any(faults.values()):
        hint = "" if unlike or external.intersection else "; --intersection scores only what all sides have"
        ignored = "".join(f"; {line}" for folder in listed.values() for line in left_out_line(folder.left_out))
        raise UserError(
            f"{name}: {external.folder} does not hold what this bench asks for: {_fault_text(faults)}{hint}{ignored}"
        )
    few = [direction_name(direction) for direction, own in files.items() if len(own) < 2]
    if few:
        raise UserError(f"{name}: {external.folder} has fewer than two of the test images for {', '.join(few)}")
    return Survey(files, bool(missing), _digest(files))


def _folder_of(folder: Path, direction: Direction, single: bool) -> ImageFolder:
    place = folder / direction_name(direction)
    if single and folder.is_dir() and not place.is_dir():
        place = folder
    if not place.is_dir():
        raise UserError(f"there is no folder {place}: external translations lie in SOURCE2TARGET/STEM.png")
    return ImageFolder(place)


def _common(
    wanted: Mapping[Direction, Sequence[str]], found: Mapping[Direction, Mapping[str, Path]]
) -> dict[Direction, list[str]]:
    """Of each direction the stems that are there in all directions of its source, in the data's order."""
    return {
        (source, target): [
            stem for stem in stems if all(stem in own for direction, own in found.items() if direction[0] == source)
        ]
        for (source, target), stems in wanted.items()
    }


def _unlike(files: Mapping[Direction, Mapping[str, Path]], preprocess: Preprocess) -> list[str]:
    """Those of another size, by their headers; the others are decoded, so that a broken one is found now."""
    flat = [(direction, stem, path) for direction, own in files.items() for stem, path in own.items()]
    with ThreadPoolExecutor() as pool:
        fits = list(pool.map(lambda found: _fits(found[2], preprocess.of_written(found[0][1])), flat))
    return list(_paths((direction, stem) for (direction, stem, _), fit in zip(flat, fits, strict=True) if not fit))


def _fits(path: Path, preprocess: Preprocess) -> bool:
    if read_size(path, native=preprocess.own is not None) != preprocess.image_size:
        return False
    preprocess.size_of(path)
    return True


def _paths(found: Iterator[tuple[Direction, str]]) -> Iterator[str]:
    return (f"{direction_name(direction)}/{stem}" for direction, stem in found)


def _fault_text(faults: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(
        f"{len(names)} {fault} ({', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''})"
        for fault, names in faults.items()
        if names
    )


def _digest(files: Mapping[Direction, Mapping[str, Path]]) -> str:
    lines = [
        f"{direction_name(direction)}/{stem} {sha256(path)}\n"
        for direction, own in files.items()
        for stem, path in own.items()
    ]
    return hashlib.sha256("".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest()
