"""A data set decoded and resized once, into a clean folder: `<split>/<domain>/<name>.png`, or images and a list.

Files beyond 8-bit RGB become files of the kind that translations into their domain have, of the same type and range.

Images become what training would make of them at this size, so a training on the new folder reads small files and
sees the same. Where training crops at random from larger images (data.zoom), prepare them as large as it loads them.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

from PIL import Image

from i2i.config import PixelFormat, Settings
from i2i.data.image_files.images import Preprocess, decoded
from i2i.data.image_files.open_image import Half
from i2i.data.layouts import CARD, DataSet, ImageFile
from i2i.data.layouts.attribute_lists import write_listing
from i2i.data.layouts.i2i_json import Division
from i2i.errors import UserError
from i2i.utils.progress import Progress
from i2i.utils.safe_paths import check_length

Format = Literal["png", "jpeg"]
SUFFIXES: Mapping[str, str] = {"png": ".png", "jpeg": ".jpg"}
JPEG_QUALITY = 95
IMAGES = "images"


@dataclass(frozen=True)
class Work:
    """One image to be made: of a file or one half of it, to a place below the new folder; its domain, beyond 8 bits."""

    source: Path
    half: Half | None
    target: Path
    domain: str | None = None


def prepare(
    data: DataSet,
    out: Path,
    preprocess: Preprocess,
    format: Format = "png",
    progress: Progress | None = None,
    place: Path | None = None,
) -> list[str]:
    """Write a data set into an empty folder; returns what was done, for people to read.

    Halves become domains A and B of pairs. A data set with attributes keeps its list, with all their attributes.

    Args:
        data: what to write.
        out: an empty folder that exists.
        preprocess: size, channels and what happens to other proportions.
        format: `png`, or `jpeg` of quality 95.
        progress: called with images done and in total.
        place: the manifest that lists their attributes; None: what the folder of the data holds.

    Raises:
        UserError: for an image that cannot be decoded, or a domain whose name is no folder's.
    """
    if data.labels.has_attributes:
        work, notes = _listed(data, place or data.root, out, format)
    else:
        work, notes = _by_domain(data, preprocess, format)
    for one in work:
        check_length(one.target.name, one.source)
    for folder in {one.target.parent for one in work}:
        (out / folder).mkdir(parents=True, exist_ok=True)
    _write_all(work, out, preprocess, progress)
    height, width = preprocess.image_size
    kinds = (
        sorted({one.target.suffix.removeprefix(".").upper() for one in work})
        if preprocess.formats
        else [format.upper()]
    )
    return [f"{len(work):,} images of {height}x{width} px as {' and '.join(kinds)}", *notes]


def _by_domain(data: DataSet, preprocess: Preprocess, format: Format) -> tuple[list[Work], list[str]]:
    work: list[Work] = []
    renamed = 0
    for split, found in data.splits.items():
        names: dict[str, list[str]] = {domain: unique_names(found.get(domain, ())) for domain in data.domains}
        for domain in data.domains:
            own = names[data.domains[0] if data.paired else domain]
            folder = Path(split, _folder_name(domain))
            suffix = preprocess.of_domain(domain).suffix if preprocess.formats else SUFFIXES[format]
            for image, name in zip(found.get(domain, ()), own, strict=True):
                renamed += name != image.path.stem
                work.append(Work(image.path, image.half, folder / (name + suffix), domain))
    return work, [f"{renamed:,} of them renamed: names must differ without their suffixes"] if renamed else []


def write_card(
    data: DataSet, out: Path, division: Division | None = None, formats: Mapping[str, PixelFormat] | None = None
) -> None:
    """Tell in the new folder what its domains are, whether they hold pairs, how its splits were made, and what values
    beyond 8-bit RGB mean: those that were measured before they were resized, too."""
    of_domains = {"name": data.name, "domains": list(data.domains), "paired": data.paired}
    card = {
        **({} if data.labels.has_attributes else of_domains),
        **({"division": division.model_dump()} if division else {}),
        **({"pixel_formats": {domain: _declared(own) for domain, own in formats.items()}} if formats else {}),
    }
    if card:
        (out / CARD).write_text(json.dumps(card, indent=1))


def _declared(own: PixelFormat) -> Settings:
    """What the card of files says that hold the channels alone that were taken."""
    return own.model_dump(mode="json", include={"range", "fill", "bands", "window"}, exclude_none=True)


def unique_names(images: Sequence[ImageFile]) -> list[str]:
    """Names of images without suffix; one that was taken before, in any case of letters, gets a number."""
    taken: set[str] = set()
    names = []
    for image in images:
        stem = image.stem
        free = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        name = next(name for name in free if name.casefold() not in taken)
        taken.add(name.casefold())
        names.append(name)
    return names


def _listed(data: DataSet, place: Path, out: Path, format: Format) -> tuple[list[Work], list[str]]:
    """All images in one folder, beside the list of their attributes."""
    files = sorted({one.path for found in data.splits.values() for own in found.values() for one in own})
    names = unique_names([ImageFile(path) for path in files])
    targets = {path: f"{IMAGES}/{name}{SUFFIXES[format]}" for path, name in zip(files, names, strict=True)}
    line = write_listing(data, place, out, targets)
    return [Work(path, None, Path(target)) for path, target in targets.items()], [line]


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
    def write_values(one: Work) -> None:
        own = preprocess.of_domain(one.domain)
        own.write(out / one.target, own.values_of(one.source, one.half), one.source)

    def write(one: Work) -> None:
        with decoded(one.source, one.half) as stored:
            pixels = preprocess(stored)
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        target = out / one.target
        if target.suffix == ".png":
            image.save(target, compress_level=1)
        else:
            image.save(target, quality=JPEG_QUALITY, subsampling=0)

    return write_values if preprocess.formats else write
