"""Values of images beyond 8-bit RGB, and folders of them."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from i2i.data.decoding.native import write_native

Kinds = Mapping[str, tuple[str, str, int]]
"""By domain the ending, type and channels of its files."""


def needing(suffix: str, dtype: str = "uint8", channels: int = 1) -> None:
    """Skip a test of files whose library is not installed."""
    if suffix in (".tif", ".tiff"):
        pytest.importorskip("tifffile")
    if suffix == ".png" and dtype == "uint16" and channels > 1:
        pytest.importorskip("png")


def random_values(dtype: str, channels: int, size: tuple[int, int] = (16, 16), seed: int = 0) -> np.ndarray:
    """[H, W, C] all over what whole numbers of the type can be, or normal ones."""
    rng, shape = np.random.default_rng(seed), (*size, channels)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 10, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def folder(root: Path, kinds: Kinds, card: Mapping[str, object] | None = None, count: int = 3) -> Path:
    """A folder of random images of 16 pixels: `train` and `test`, names that make pairs, and a card."""
    for place, split in enumerate(("train", "test")):
        for domain, (suffix, dtype, channels) in kinds.items():
            (root / split / domain).mkdir(parents=True)
            for number in range(count):
                values = random_values(dtype, channels, seed=place * count + number)
                write_native(root / split / domain / f"{'abcdef'[number]}x{suffix}", values)
    if card is not None:
        (root / "i2i.json").write_text(json.dumps(card))
    return root
