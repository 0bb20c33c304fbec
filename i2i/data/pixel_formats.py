"""What the values of data beyond 8-bit RGB are: as their card says it, and where it does not, as the files have it."""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from typing import Any, Literal, Self

import numpy as np

from i2i.config import DataConfig, PixelFormat, Settings, validate
from i2i.data.image_files.file_index import FileIndex
from i2i.data.image_files.readers_and_writers import filled, native_window, read_native
from i2i.data.layouts import DataSet, ImageFile
from i2i.data.layouts.i2i_json import CARD, DeclaredFormat
from i2i.errors import UserError

FILES: dict[str, Literal["png", "tiff", "npy"]] = {".npy": "npy", ".tif": "tiff", ".tiff": "tiff"}
"""What translations are written as, by the ending of a domain's files; others become PNG where that holds them."""


@dataclass(frozen=True)
class Extent:
    """What is found of the values of some files.

    Attributes:
        dtype: of the values.
        channels: of an image, those that are read.
        low, high: least and largest finite value.
    """

    dtype: str
    channels: int
    low: float
    high: float

    @classmethod
    def of(cls, image: ImageFile, declared: DeclaredFormat) -> Self:
        """Of one file.

        Raises:
            UserError: naming the file, if it cannot be read, lacks a channel, or has values that are not finite and
                nothing is declared to stand for them.
        """
        values = read_native(image.path, image.half)
        if declared.take is not None:
            if max(declared.take) >= values.shape[2]:
                raise UserError(
                    f"{image.path} has {values.shape[2]} channels and {CARD} says take {list(declared.take)}: "
                    f"name channels from 0 to {values.shape[2] - 1}"
                )
            values = values[:, :, list(declared.take)]
        values = filled(values, declared.fill, image.path)
        return cls(values.dtype.name, values.shape[2], float(values.min()), float(values.max()))


def with_formats(config: DataConfig, data: DataSet, index: FileIndex | None = None) -> Settings:
    """The `data` settings that the formats of data beyond 8-bit RGB are; none for other data, or where they are set.

    Args:
        config: the settings.
        data: the images.
        index: knows what was found of files before, and learns the rest.

    Raises:
        UserError: for files that cannot be read, hold values that are not finite, or unlike ones in one domain; or a
            range that cannot be told from them.
    """
    formats = formats_of(config, data, index)
    if config.pixel_formats is not None or formats is None:
        return {}
    return {"pixel_formats": {domain: own.model_dump(mode="json") for domain, own in formats.items()}}


def formats_of(config: DataConfig, data: DataSet, index: FileIndex | None = None) -> Mapping[str, PixelFormat] | None:
    """The format of each domain, as the settings say or the files of the training split have it; None: 8 bits."""
    if config.pixel_formats is not None:
        _check_known(config, data)
        return config.pixel_formats
    if not data.native:
        return None
    return {domain: format_of(data, config.train_split, domain, index) for domain in data.domains}


def measured_ranges(formats: Mapping[str, PixelFormat], data: DataSet) -> tuple[str, ...]:
    """The domains whose range neither the card says nor 8 bits."""
    undeclared = {domain for domain in formats if data.formats.get(domain, DeclaredFormat()).range is None}
    return tuple(domain for domain, own in formats.items() if domain in undeclared and own.dtype != "uint8")


def format_of(data: DataSet, split: str, domain: str, index: FileIndex | None = None) -> PixelFormat:
    """The format of a domain, whose range is measured on a split unless the card says it."""
    return format_of_images(data.images(split, domain), data.formats.get(domain, DeclaredFormat()), domain, index)


def format_of_images(
    images: Sequence[ImageFile], declared: DeclaredFormat, domain: str, index: FileIndex | None = None
) -> PixelFormat:
    """The format of the images of a domain, whose range is measured on them unless it is declared."""
    extents = extents_of(images, declared, index)
    first = extents[0]
    for image, extent in zip(images, extents, strict=True):
        if (extent.dtype, extent.channels) != (first.dtype, first.channels):
            raise UserError(
                f"{image.path} holds {_kind(extent)} and {images[0].path} {_kind(first)}: give all files of {domain} "
                f'one type and number of channels, or choose channels in {CARD} by "take"'
            )
    told: dict[str, Any] = {
        **declared.model_dump(exclude_none=True),
        "file": _file(images[0], first),
        "dtype": first.dtype,
        "channels": first.channels,
        "range": declared.range or _measured(domain, extents),
        "window": declared.window or native_window(images[0].path),
    }
    return validate(PixelFormat, told, f"data.pixel_formats.{domain}")


def extents_of(images: Sequence[ImageFile], declared: DeclaredFormat, index: FileIndex | None = None) -> list[Extent]:
    """What is found in each of some files, or was before."""

    def extent(image: ImageFile) -> Extent:
        if index is None:
            return Extent.of(image, declared)
        asked = f"extent {image.half} {declared.take} {declared.fill}"
        dtype, channels, *limits = index.fact(image.path, asked, lambda: [*astuple(Extent.of(image, declared))])
        return Extent(str(dtype), int(channels), *map(float, limits))

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(extent, images))


def _measured(domain: str, extents: Iterable[Extent]) -> tuple[float, float]:
    """All of 8 bits, or else what is between the least and the largest value; UserError where they are one."""
    found = list(extents)
    if found[0].dtype == "uint8":
        return 0.0, 255.0
    low, high = min(one.low for one in found), max(one.high for one in found)
    if low < high:
        return low, high
    raise UserError(
        f"all values of {domain} are {low:g}, which makes no range:\nsay it in {CARD}, as by "
        f'"pixel_formats": {{"{domain}": {{"range": [{low:g}, {low + 1:g}]}}}}'
    )


def _file(image: ImageFile, extent: Extent) -> Literal["png", "tiff", "npy"]:
    """What holds such values, if it can be the kind of the file itself."""
    fits_png = extent.dtype in ("uint8", "uint16") and extent.channels <= 4
    return FILES.get(image.path.suffix.lower(), "png" if fits_png else "npy")


def _kind(extent: Extent) -> str:
    return f"{extent.channels} x {np.dtype(extent.dtype).name}"


def _check_known(config: DataConfig, data: DataSet) -> None:
    for domain in data.domains:
        if config.pixel_formats and domain not in config.pixel_formats:
            raise UserError(
                f"data.pixel_formats says nothing of {domain}, only of {', '.join(config.pixel_formats)}: add it, or "
                "leave data.pixel_formats out to have it measured"
            )
