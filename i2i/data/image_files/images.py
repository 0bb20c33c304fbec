"""The one place where files become pixels and pixels become tensors, and back.

Three forms, named the same everywhere: a *image* is a file or a PIL image, `pixels` are uint8, `images` are
float tensors [B, C, H, W] in [-1, 1].
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile
from torch import Tensor

from i2i.config import DataConfig, Fit, PixelFormat
from i2i.data.image_files.decode_memory import BYTES_PER_PIXEL, DECODING
from i2i.data.image_files.eight_bits import EightBits, by_bands
from i2i.data.image_files.open_image import Half, opened
from i2i.data.image_files.png_notes import png_depth
from i2i.data.image_files.readers_and_writers import ENDINGS, SIZES, filled, native_size, read_native, write_native
from i2i.data.image_files.value_range import (
    Dtype,
    as_tensor,
    normalized,
    rendered,
    rendering_line,
    restored,
    rounded,
    stored_type,
    values_line,
    within_range,
)
from i2i.errors import UserError
from i2i.utils.atomic_write import replacing
from i2i.utils.text import option
from i2i.utils.wording import number

SUFFIXES = frozenset(
    ".png .jpg .jpeg .jpe .jfif .bmp .webp .tif .tiff .ppm .pgm .pbm .pnm .gif".split()  # noqa: SIM905
)
"""How names of images end; others are known by their contents."""
DECIDE_PIXELS = {"dtype", "range", "fill", "take"}
"""What of a format pixels depend on; the range in borders alone."""
RANGE = 255.0
"""From the least to the largest value of 8 bits."""


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes model input; saved with every model and used whenever it translates.

    The image is upright (EXIF), on the background where transparent, and brought to `image_size` with antialiased
    bicubic resampling. Training adds a random crop and flip.

    Attributes:
        image_size: height and width in pixels.
        channels: 3 for RGB, 1 for greyscale.
        fit: what happens to an image of other proportions. `crop`: it just covers the image and is cropped around its
            centre; `resize`: both sides are resized, whatever becomes of the proportions; `pad`: it lies within the
            image, in the middle of a border.
        background: colour behind transparency and of the border.
        formats: by domain, of data beyond 8-bit RGB; empty: 8 bits.
        own: the format of the one domain that `of_domain` chose; borders are then the lower end of its range.
    """

    image_size: tuple[int, int]
    channels: int = 3
    fit: Fit = "crop"
    background: str = "white"
    formats: Mapping[str, PixelFormat] = field(default_factory=dict)
    own: PixelFormat | None = None

    @classmethod
    def of(cls, data: DataConfig) -> "Preprocess":
        """As the settings say."""
        return cls(data.image_size, data.channels, data.fit, data.background, data.pixel_formats or {})

    def of_domain(self, domain: str | None) -> "Preprocess":
        """The same for images of one domain; itself where all are of 8 bits.

        Raises:
            UserError: where formats differ by domain and none is named.
        """
        if not self.formats:
            return self
        if domain is None:
            raise UserError(f"say which domain the images are of, by {' or '.join(map(_source, self.formats))}")
        own = self.formats[domain]
        return replace(self, formats={}, own=own, channels=own.channels)

    def of_written(self, domain: str) -> "Preprocess":
        """The same for translations into a domain, whose files hold the channels alone that were taken."""
        one = self.of_domain(domain)
        return one if one.own is None else replace(one, own=one.own.model_copy(update={"take": None}))

    def description(self) -> dict[str, object]:
        """What is done to an image, in words that can stand in a protocol."""
        eight_bits: dict[str, object] = {
            "decode": f"upright by EXIF, 8 bits per channel, on {self.background} where transparent",
            "image_size": list(self.image_size),
            "channels": self.channels,
        }
        as_held = {
            "decode": "values as files hold them",
            "image_size": list(self.image_size),
            "values": {domain: values_line(own) for domain, own in self.formats.items()},
            "rendering": self.renderings,
        }
        return {
            **(as_held if self.formats else eight_bits),
            **{
                "crop": {"resize": "bicubic, antialiased, to cover the image size", "crop": "center"},
                "resize": {"resize": "bicubic, antialiased, to the image size, proportions not kept"},
                "pad": {
                    "resize": "bicubic, antialiased, to lie within the image size",
                    "pad": f"with {'the least value' if self.formats else self.background}, image in the centre",
                },
            }[self.fit],
        }

    def __call__(self, image: Image.Image, zoom: float = 1.0) -> np.ndarray:
        """Pixels uint8 [H * zoom, W * zoom, channels]."""
        height, width = (round(side * zoom) for side in self.image_size)
        opaque = self._opaque(image)
        return _pixels(opaque if opaque.size == (width, height) else self._fitted(opaque, (width, height)))

    @property
    def renderings(self) -> dict[str, str]:
        """By domain, how values are shown to people and to networks that score; empty for images of 8 bits."""
        return {domain: rendering_line(own) for domain, own in self.formats.items()}

    @property
    def data_range(self) -> float:
        """From the least to the largest of what `measured` gives."""
        return RANGE if self.own is None else self.own.range[1] - self.own.range[0]

    @property
    def dtype(self) -> Dtype:
        """Of pixels: uint8, or for a domain with a format uint8, uint16 or float32."""
        return np.dtype(np.uint8) if self.own is None else stored_type(self.own)

    @property
    def written(self) -> Dtype:
        """Of the values of translations, as files hold them."""
        return np.dtype(np.uint8 if self.own is None else self.own.dtype)

    @property
    def suffix(self) -> str:
        """How files of translations end."""
        return ".png" if self.own is None else ENDINGS[self.own.file]

    def treatment(self) -> dict[str, object]:
        """What is done to files, as far as pixels depend on it."""
        own = {"own": self.own.model_dump(include=DECIDE_PIXELS)} if self.own else {}
        common = {"image_size": self.image_size, "channels": self.channels, "fit": self.fit}
        return {**common, "background": self.background, **own}

    def pixels_of(self, path: Path, half: Half | None = None, zoom: float = 1.0) -> np.ndarray:
        """Pixels [H * zoom, W * zoom, channels] of a file; UserError naming it if it cannot be read."""
        if self.own is None:
            with decoded(path, half) as image:
                return self(image, zoom)
        height, width = (round(side * zoom) for side in self.image_size)
        return self._fitted_values(_native(path, half, self.own), (width, height), self.dtype)

    def values_of(self, path: Path, half: Half | None = None) -> np.ndarray:
        """Values of a file at the image size, [H, W, C] of the type that files have; UserError as `pixels_of`."""
        if self.own is None:
            return self.pixels_of(path, half)
        return self._fitted_values(_native(path, half, self.own), self.image_size[::-1], self.written)

    def both_of(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of a file at the image size and at its own, of one reading; UserError naming it if that fails."""
        if self.own is None:
            stored = read_image(path)
            return self(stored), self.whole(stored)
        values = _native(path, None, self.own)
        return self._fitted_values(values, self.image_size[::-1], self.dtype), rounded(values, self.dtype)

    def size_of(self, path: Path) -> tuple[int, int]:
        """Height and width of a file that is decoded whole; UserError naming it if it cannot be read."""
        if self.own is None:
            return read_image(path).size[::-1]
        height, width = _native(path, None, self.own).shape[:2]
        return height, width

    def to_images(self, pixels: np.ndarray | Tensor) -> Tensor:
        """Pixels [B, H, W, C] (array) or [B, C, H, W] (tensor, of `as_tensor`) to float32 [B, C, H, W] in [-1, 1]."""
        if self.own is None:
            return to_images(pixels)
        if isinstance(pixels, np.ndarray):
            stored = rounded(pixels, self.dtype)
            pixels = as_tensor(np.require(stored, requirements=["C", "W"])).permute(0, 3, 1, 2)
        return normalized(pixels, self.own)

    def to_arrays(self, images: Tensor) -> np.ndarray:
        """Float [B, C, H, W] in [-1, 1] to arrays [B, H, W, C] as files hold them."""
        return to_arrays(images) if self.own is None else restored(images, self.own)

    def shown(self, arrays: np.ndarray) -> np.ndarray:
        """What people see of pixels, or of arrays as files hold them: uint8 [..., 1 or 3]."""
        return arrays if self.own is None else rendered(arrays, self.own)

    def measured(self, arrays: np.ndarray) -> np.ndarray:
        """Values [..., C] as PSNR, SSIM and L1 compare them, from 0 to `data_range`; pixels of 8 bits themselves."""
        return arrays if self.own is None else within_range(arrays, self.own)

    def write(self, path: Path, values: np.ndarray, source: Path | None = None) -> None:
        """Write [H, W, C], as `to_arrays` gives it, complete or not at all; the path ends with `suffix`.

        `source` is the file that was translated, whose geometry is carried over where both formats have it.
        """
        if self.own is None:
            write_image(path, values)
        else:
            write_native(path, values, source)

    def whole(self, image: Image.Image) -> np.ndarray:
        """Pixels uint8 [height, width, channels] of the image at its own size."""
        return _pixels(self._opaque(image))

    def _opaque(self, image: Image.Image) -> Image.Image:
        return opaque(image, self.background, "RGB" if self.channels == 3 else "L")

    def _fitted(self, image: Image.Image, size: tuple[int, int]) -> Image.Image:
        if self.fit == "crop":
            return ImageOps.fit(image, size, Image.Resampling.BICUBIC)
        if self.fit == "pad":
            return padded(image, size, self.background if self.own is None else self.own.range[0])
        return image.resize(size, Image.Resampling.BICUBIC)

    def _fitted_values(self, values: np.ndarray, size: tuple[int, int], dtype: Dtype) -> np.ndarray:
        """Values [H, W, C] brought to (width, height), channel by channel; themselves where they have that size."""
        if values.shape[1::-1] == size:
            return rounded(values, dtype)
        floats = np.moveaxis(values, 2, 0).astype(np.float32)
        fitted = [np.asarray(self._fitted(Image.fromarray(band), size)) for band in floats]
        return rounded(np.stack(fitted, 2), dtype)


def opaque(image: Image.Image, background: str, mode: Literal["RGB", "L"] = "RGB") -> Image.Image:
    """The image upright and on a background, in colours or grey; itself where it is that already."""
    upright = _upright(image)
    if upright.mode == mode and not _is_transparent(upright):
        return upright
    return by_bands(upright, lambda band: _on_background(band, background).convert(mode))


def padded(image: Image.Image, size: tuple[int, int], background: str | float) -> Image.Image:
    """As ImageOps.pad does, (width, height), but however narrow the image is, a pixel of it stays."""
    (width, height), (wide, high) = image.size, size
    if width / height > wide / high:
        inner = wide, max(1, round(height / width * wide))
    else:
        inner = max(1, round(width / height * high)), high
    whole = Image.new(image.mode, size, background)
    place = round((wide - inner[0]) / 2), round((high - inner[1]) / 2)
    whole.paste(image.resize(inner, Image.Resampling.BICUBIC), place)
    return whole


@contextmanager
def decoded(path: Path, half: Half | None = None) -> Iterator[Image.Image]:
    """An image, upright and with 8 bits per channel, or one half of an aligned one, within the memory for decoding.

    Where many threads decode, what they make of the image belongs into the block.

    Raises:
        UserError: naming the file, if it is missing, empty, not decodable, of more than `MAX_PIXELS`, or of values or
            colours that are not known.
    """
    with opened(path) as stored, DECODING.taken(BYTES_PER_PIXEL * stored.width * stored.height):
        yield _decode(stored, path, half)


def read_image(path: Path, half: Half | None = None) -> Image.Image:
    """The image that `decoded` yields."""
    with decoded(path, half) as image:
        return image


def decode_once(path: Path, half: Half | None, native: bool) -> None:
    """Read an image, as 8 bits or as the file holds it, to see whether it can be read; UserError naming it if not."""
    if native:
        read_native(path, half)
    else:
        read_image(path, half)


def read_size(path: Path, half: Half | None = None, native: bool = False) -> tuple[int, int]:
    """Height and width of the upright image, or of one half of an aligned one, from the file's header.

    `native` images are those that are taken as their files hold them.

    Raises:
        UserError: naming the file, if it is missing, empty or of no known format.
    """
    if native and path.suffix.lower() in SIZES:
        return native_size(path, half)
    with opened(path) as image:
        turned = exif_orientation(image) >= 5
        # Newer versions of PIL give the size of a TIFF file as it will be turned, older ones as it is stored.
        stored = _stored_size(image) if isinstance(image, TiffImageFile) else image.size
        width, height = stored[::-1] if turned else stored
        return height, width if half is None else width // 2


def write_image(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 [H, W, C] as PNG, complete or not at all."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    with replacing(path, sync=False) as partial:
        image.save(partial, format="PNG", compress_level=1)


def to_images(pixels: np.ndarray | Tensor) -> Tensor:
    """uint8 [B, H, W, C] (array) or [B, C, H, W] (tensor) to float32 [B, C, H, W] in [-1, 1]."""
    if isinstance(pixels, np.ndarray):
        pixels = torch.from_numpy(np.require(pixels, requirements=["C", "W"])).permute(0, 3, 1, 2)
    images = pixels.float()
    # A divisor on the device: for a plain number an accelerator multiplies by its inverse, which rounds otherwise.
    return images.div_(images.new_full((), 127.5)).sub_(1.0)


def to_pixels(images: Tensor) -> Tensor:
    """Float [B, C, H, W] in [-1, 1] to the nearest uint8 [B, C, H, W]; values beyond are clipped."""
    return images.detach().float().add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def to_arrays(images: Tensor) -> np.ndarray:
    """Float [B, C, H, W] in [-1, 1] to uint8 arrays [B, H, W, C], as files hold them."""
    return to_pixels(images).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def exif_orientation(image: Image.Image) -> int:
    """The EXIF orientation of an image that was opened, 1 for none, from the file's header."""
    # To look for what may stand behind the pixels of a PNG file, PIL would decode them.
    has_orientation = image.format != "PNG" or "exif" in image.info
    return int(image.getexif().get(ExifTags.Base.Orientation, 1)) if has_orientation else 1


def _stored_size(image: TiffImageFile) -> tuple[int, int]:
    return image.tag_v2[ExifTags.Base.ImageWidth], image.tag_v2[ExifTags.Base.ImageLength]


def _native(path: Path, half: Half | None, own: PixelFormat) -> np.ndarray:
    """The channels of a file that are read, [H, W, C], all values finite."""
    values = read_native(path, half)
    wanted = values.shape[2] if own.take is None else max(own.take) + 1
    if wanted > values.shape[2] or (own.take is None and wanted != own.channels):
        needed = own.channels if own.take is None else f"at least {wanted}"
        raise UserError(
            f"{path} has {number(values.shape[2], 'channel')} and its domain has {needed}:\ngive a file of as many, or "
            'before a training choose channels that all files have in i2i.json, as by "take": [0]'
        )
    return filled(values if own.take is None else values[:, :, list(own.take)], own.fill, path)


def _source(domain: str) -> str:
    return option("--source", domain)


def _pixels(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _decode(stored: Image.Image, path: Path, half: Half | None) -> Image.Image:
    eight_bits = EightBits(stored, png_depth(path) if stored.format == "PNG" else None)
    image = eight_bits(_upright(stored))
    image.info.pop("exif", None)  # done with, and where it is broken PIL would stumble over it later
    return image if half is None else _half(image, half)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as EXIF says; the image itself where that is nothing, for PIL would copy it."""
    image.load()
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    return ImageOps.exif_transpose(image) if turned else image


def _half(image: Image.Image, half: Half) -> Image.Image:
    width, height = image.size
    if width < 2:
        raise ValueError("it is too narrow to hold two images side by side")
    middle = width // 2
    return image.crop((0, 0, middle, height) if half == "left" else (width - middle, 0, width, height))


def _is_transparent(image: Image.Image) -> bool:
    return bool({"A", "a"} & set(image.getbands())) or "transparency" in image.info


def _on_background(image: Image.Image, background: str) -> Image.Image:
    if not _is_transparent(image):
        return image
    layered = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, background), layered)
