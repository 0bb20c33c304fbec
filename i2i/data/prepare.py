"""A data set decoded and resized once, into a clean folder: `<split>/<domain>/<name>.png`, or CelebA's lists.

Pictures become what training would make of them at this size, so a training on the new folder reads small files and
sees the same. Where training crops at random from larger pictures (data.zoom), prepare them as large as it loads them.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

from PIL import Image

from i2i.data import celeba
from i2i.data.images import Half, Preprocess, read_picture
from i2i.data.layouts import CARD, SPLITS, DataSet, Picture
from i2i.data.pictures import Progress
from i2i.errors import UserError

Format = Literal["png", "jpeg"]
SUFFIXES: Mapping[str, str] = {"png": ".png", "jpeg": ".jpg"}
JPEG_QUALITY = 95
IMAGES = "images"


@dataclass(frozen=True)
class Work:
    """One picture to be made: of a file or one half of it, to a place below the new folder."""

    source: Path
    half: Half | None
    target: Path


def prepare(
    data: DataSet, out: Path, preprocess: Preprocess, format: Format = "png", progress: Progress | None = None
) -> list[str]:
    """Write a data set into an empty folder; returns what was done, for people to read.

    Halves become domains A and B of pairs. A data set with attributes keeps its lists, with all their attributes.

    Args:
        data: what to write.
        out: an empty folder that exists.
        preprocess: size, channels and what happens to other proportions.
        format: `png`, or `jpeg` of quality 95.
        progress: called with pictures done and in total.

    Raises:
        UserError: for a picture that cannot be decoded, a domain whose name is no folder's, or a full disk.
    """
    with _disk(out):
        if data.labels.has_attributes:
            work, notes = _listed(data, out, format)
        else:
            work, notes = _by_domain(data, format)
        for folder in {one.target.parent for one in work}:
            (out / folder).mkdir(parents=True, exist_ok=True)
        _write_all(work, out, preprocess, progress)
    height, width = preprocess.image_size
    return [f"{len(work):,} pictures of {height}x{width} px as {format.upper()}", *notes]


def _by_domain(data: DataSet, format: Format) -> tuple[list[Work], list[str]]:
    work: list[Work] = []
    renamed = 0
    for split, found in data.splits.items():
        names: dict[str, list[str]] = {domain: unique_names(found.get(domain, ())) for domain in data.domains}
        for domain in data.domains:
            own = names[data.domains[0] if data.paired else domain]
            folder = Path(split, _folder_name(domain))
            for picture, name in zip(found.get(domain, ()), own, strict=True):
                renamed += name != picture.path.stem
                work.append(Work(picture.path, picture.half, folder / (name + SUFFIXES[format])))
    return work, [f"{renamed:,} of them renamed: names must differ without their suffixes"] if renamed else []


def write_card(data: DataSet, out: Path) -> None:
    """Tell in the new folder what its domains are and whether they hold pairs."""
    if not data.labels.has_attributes:
        card = {"name": data.name, "domains": list(data.domains), "paired": data.paired}
        (out / CARD).write_text(json.dumps(card, indent=1))


def unique_names(pictures: Sequence[Picture]) -> list[str]:
    """Names of pictures without suffix; one that was taken before, in any case of letters, gets a number."""
    taken: set[str] = set()
    names = []
    for picture in pictures:
        stem = picture.stem
        free = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        name = next(name for name in free if name.casefold() not in taken)
        taken.add(name.casefold())
        names.append(name)
    return names


def _listed(data: DataSet, out: Path, format: Format) -> tuple[list[Work], list[str]]:
    """CelebA's layout: the lists copied with the new names, all pictures in one folder."""
    pictures = [picture for found in data.splits.values() for own in found.values() for picture in own]
    files = sorted({picture.path for picture in pictures})
    names = dict(zip((p.name for p in files), unique_names([Picture(p) for p in files]), strict=True))
    new = {old: name + SUFFIXES[format] for old, name in names.items()}
    source = next(
        (path for path in (data.root / celeba.LIST, data.root / "Anno" / celeba.LIST) if path.is_file()), None
    )
    if source is None:
        raise UserError(f"{data.root} has attributes but no {celeba.LIST}: only that list can be written again")
    (out / celeba.LIST).write_text(_with_new_names(source, new))
    owners = {p.path.name: split for split, found in data.splits.items() for own in found.values() for p in own}
    parts = [f"{new[name]} {SPLITS.index(split)}" for name, split in sorted(owners.items())]
    (out / celeba.PARTITION).write_text("\n".join(parts) + "\n")
    work = [Work(path, None, Path(IMAGES, new[path.name])) for path in files]
    return work, [f"with {celeba.LIST} and {celeba.PARTITION}"]


def _with_new_names(path: Path, new: Mapping[str, str]) -> str:
    """An attribute list with other names of files; lines of files that have none are left out."""
    _, attributes, *lines = path.read_text().splitlines()
    rows = [line.split(maxsplit=1) for line in lines if line.strip()]
    kept = [f"{new[row[0]]} {row[1]}" for row in rows if row[0] in new]
    return "\n".join([str(len(kept)), attributes, *kept]) + "\n"


def _folder_name(domain: str) -> str:
    if domain != Path(domain).name or domain.startswith("."):
        raise UserError(f"domain {domain!r} cannot be the name of a folder: rename it, or leave it out")
    return domain


def _write_all(work: Sequence[Work], out: Path, preprocess: Preprocess, progress: Progress | None) -> None:
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for done, _ in enumerate(pool.map(_writer(out, preprocess), work), 1):
            if progress:
                progress(done, len(work))
    finally:
        pool.shutdown(cancel_futures=True)


def _writer(out: Path, preprocess: Preprocess) -> Callable[[Work], None]:
    def write(one: Work) -> None:
        pixels = preprocess(read_picture(one.source, one.half))
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        target = out / one.target
        if target.suffix == ".png":
            image.save(target, compress_level=1)
        else:
            image.save(target, quality=JPEG_QUALITY, subsampling=0)

    return write


@contextmanager
def _disk(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{out} cannot be written ({error.strerror or error}): make room or choose another --out"
        ) from None
