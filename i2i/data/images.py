"""The one place where files become pixels and pixels become tensors, and back.

Three forms, named the same everywhere: a *picture* is a file or a PIL image, `pixels` are uint8, `images` are
float tensors [B, C, H, W] in [-1, 1].
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from i2i.errors import UserError

Half = Literal["left", "right"]
MAX_PIXELS = 178_956_970
"""The largest picture that is decoded, 2 GiB as 32-bit floats of three channels: a small file can claim any size."""
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "PPM", "GIF")
"""Known by contents. Others PIL knows are left out: their decoders call other programs, or are seldom tried."""
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})


@dataclass(frozen=True)
class Preprocess:
    """How a picture becomes model input; saved with every model and used whenever it translates.

    The picture is upright (EXIF), on white where transparent, scaled with antialiased bicubic resampling so
    that it just covers `image_size`, and cropped around its centre. Training adds a random crop and flip.

    Attributes:
        image_size: height and width in pixels.
        channels: 3 for RGB, 1 for greyscale.
    """

    image_size: tuple[int, int]
    channels: int = 3

    def description(self) -> dict[str, str | int | list[int]]:
        """What is done to a picture, in words that can stand in a protocol."""
        return {
            "decode": "upright by EXIF, 8 bits per channel, on white where transparent",
            "image_size": list(self.image_size),
            "channels": self.channels,
            "resize": "bicubic, antialiased, to cover the image size",
            "crop": "centre",
        }

    def __call__(self, picture: Image.Image, zoom: float = 1.0) -> np.ndarray:
        """Pixels uint8 [H * zoom, W * zoom, channels]."""
        height, width = (round(side * zoom) for side in self.image_size)
        upright = _on_white(ImageOps.exif_transpose(picture)).convert("RGB" if self.channels == 3 else "L")
        if upright.size != (width, height):
            upright = ImageOps.fit(upright, (width, height), Image.Resampling.BICUBIC)
        pixels = np.asarray(upright)
        return pixels if pixels.ndim == 3 else pixels[:, :, None]


def read_picture(path: Path, half: Half | None = None) -> Image.Image:
    """Decode a picture, upright and with 8 bits per channel, or one half of an aligned one.

    Raises:
        UserError: naming the file, if it is missing, empty, not decodable, or of more than `MAX_PIXELS`.
    """
    try:
        with Image.open(path, formats=FORMATS) as picture:
            _refuse_large(picture)
            decoded = _eight_bit(ImageOps.exif_transpose(picture))
            decoded.info.pop("exif", None)  # done with, and where it is broken PIL would stumble over it later
            return decoded if half is None else _half(decoded, half)
    except FileNotFoundError:
        raise UserError(f"there is no picture {path}") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = _reason(path, error)
        raise UserError(f"{path} cannot be read as a picture ({reason}): repair or remove it") from None


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 [H, W, C] as PNG, complete or not at all."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        image.save(partial, format="PNG", compress_level=1)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


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


def is_picture(path: Path) -> bool:
    """Whether the name looks like a picture's; hidden files are none."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _refuse_large(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width}x{height} are {width * height:,} pixels and the limit is {MAX_PIXELS:,}")


def _reason(path: Path, error: Exception) -> str:
    if path.stat().st_size == 0:
        return "it is empty"
    return "it is of no known format" if isinstance(error, UnidentifiedImageError) else str(error)


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits: PIL by itself clips it to white. ValueError for ranges nobody can know."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture)
    if picture.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError("it holds neither 8-bit nor 16-bit values")
    return Image.fromarray((values / 257 + 0.5).astype(np.uint8))


def _half(picture: Image.Image, half: Half) -> Image.Image:
    width, height = picture.size
    if width < 2:
        raise ValueError("it is too narrow to hold two pictures side by side")
    middle = width // 2
    return picture.crop((0, 0, middle, height) if half == "left" else (width - middle, 0, width, height))


def _on_white(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture
    layered = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
