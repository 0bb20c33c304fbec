"""Values of a `PixelFormat` and what models see: [-1, 1] over the range of the domain, and back; and what people see.

Values are carried as 32-bit floats on the way, which hold integers of up to 24 bits exactly.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.config import Limits, PixelFormat
from i2i.utils.wording import number

Dtype = np.dtype[Any]
"""The type of an array's values."""


def stored_type(pixels: PixelFormat) -> Dtype:
    """The type in which decoded values wait: as in files with up to 16 bits and no sign, else 32-bit floats."""
    return np.dtype(pixels.dtype if pixels.dtype in ("uint8", "uint16") else "float32")


def rounded(values: np.ndarray, dtype: Dtype | str) -> np.ndarray:
    """Numbers in another type: whole ones are the nearest that the type has."""
    kind = np.dtype(dtype)
    if kind.kind in "ui" and values.dtype != kind:
        limits = np.iinfo(kind)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(kind, copy=False)


def as_tensor(pixels: np.ndarray) -> Tensor:
    """An array as a tensor; 16 bits without sign become int16 of the same bits, which every device works on."""
    return torch.from_numpy(pixels.view(np.int16) if pixels.dtype == np.uint16 else pixels)


def normalized(stored: Tensor, pixels: PixelFormat) -> Tensor:
    """Stored values [B, C, H, W], as `as_tensor` gives them, to float32 in [-1, 1]; what is beyond is cut off."""
    values = stored.int().bitwise_and_(0xFFFF).float() if stored.dtype == torch.int16 else stored.float()
    middle, half = _middle_and_half(pixels)
    # A divisor on the device: for a plain number an accelerator multiplies by its inverse, which rounds otherwise.
    return values.sub(middle).div_(values.new_full((), half)).clamp_(-1.0, 1.0)


def restored(images: Tensor, pixels: PixelFormat) -> np.ndarray:
    """Float [B, C, H, W] in [-1, 1] to values as files hold them, [B, H, W, C]; NaN to the lower end of the range."""
    middle, half = _middle_and_half(pixels)
    finite = images.detach().float().nan_to_num(nan=-1.0)
    shares = finite.clamp(-1.0, 1.0).permute(0, 2, 3, 1).cpu().numpy().astype(np.float64)
    return rounded(shares * half + middle, pixels.dtype)


def within_range(values: np.ndarray, pixels: PixelFormat) -> np.ndarray:
    """Values [..., C] as float32 from 0, the lower end of the range, to its width; what is beyond is cut off."""
    low, high = pixels.range
    return (np.clip(values.astype(np.float64), low, high) - low).astype(np.float32)


def rendered(values: np.ndarray, pixels: PixelFormat) -> np.ndarray:
    """What people and feature extractors see of values [..., C]: uint8 [..., 1 or 3]."""
    low, high = pixels.window or pixels.range
    shares = (values[..., list(_bands(pixels))].astype(np.float64) - low) / (high - low)
    return rounded(np.clip(shares, 0, 1) * 255, "uint8")


def values_line(pixels: PixelFormat) -> str:
    """What the values are, in words: `2 channels of float32, range -25 to 5`."""
    channels = number(pixels.channels, "channel")
    return f"{channels} of {pixels.dtype}, range {_ends(pixels.range)}"


def rendering_line(pixels: PixelFormat) -> str:
    """How the values are shown, in words: `channels 2, 1, 0 as red, green, blue, 0 to 3000 as black to white`."""
    bands = _bands(pixels)
    named = ", ".join(map(str, bands))
    shown = f"channel {named} as grey" if len(bands) == 1 else f"channels {named} as red, green, blue"
    return f"{shown}, {_ends(pixels.window or pixels.range)} as black to white"


def stretched(values: np.ndarray) -> np.ndarray:
    """What can be shown of values [H, W, C] without a window: uint8 [H, W, 1 or 3], from the least to the largest."""
    shown = values[..., : 3 if values.shape[2] >= 3 else 1].astype(np.float64)
    finite = np.isfinite(shown)
    low, high = (shown[finite].min(), shown[finite].max()) if finite.any() else (0.0, 0.0)
    shares = (np.where(finite, shown, low) - low) / (high - low or 1.0)
    return rounded(shares * 255, "uint8")


def _bands(pixels: PixelFormat) -> tuple[int, ...]:
    return pixels.bands or ((0, 1, 2) if pixels.channels >= 3 else (0,))


def _ends(limits: Limits) -> str:
    return f"{limits[0]:g} to {limits[1]:g}"


def _middle_and_half(pixels: PixelFormat) -> tuple[float, float]:
    low, high = pixels.range
    return (low + high) / 2, (high - low) / 2
