"""Values of images beyond 8-bit RGB, and folders of them."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from i2i.data.image_files.readers_and_writers import write_native

Kinds = Mapping[str, tuple[str, str, int]]
"""By domain the ending, type and channels of its files."""


LIBRARIES = {".tif": "tifffile", ".tiff": "tifffile", ".dcm": "pydicom", ".nii": "nibabel"}


def needing(suffix: str, dtype: str = "uint8", channels: int = 1) -> None:
    """Skip a test of files whose library is not installed."""
    if suffix in LIBRARIES:
        pytest.importorskip(LIBRARIES[suffix])
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


def modalities(root: Path, count: tuple[int, int] = (4, 4), side: int = 16, card: object = "empty") -> Path:
    """Two contrasts of the same blobs, `t1` and `t2`, 12-bit values in 16-bit PNG files: what is bright in one is dark
    in the other. `count` are the images of the training and of the test split."""
    rng = np.random.default_rng(0)
    for split, number in zip(("train", "test"), count, strict=True):
        for one in range(number):
            tissue = _blobs(rng, side)
            for domain, weights in (("t1", (0.9, 0.2)), ("t2", (0.1, 0.8))):
                signal = (
                    weights[0] * tissue + weights[1] * tissue * (1 - tissue) * 4 + rng.normal(0, 0.01, tissue.shape)
                )
                values = np.clip(signal * 3600, 0, 4095).astype(np.uint16)[:, :, None]
                (root / split / domain).mkdir(parents=True, exist_ok=True)
                write_native(root / split / domain / f"s{one:03}.png", values)
    told = {"paired": True, "pixel_formats": {}} if card == "empty" else card
    (root / "i2i.json").write_text(json.dumps(told))
    return root


def _blobs(rng: np.random.Generator, side: int) -> np.ndarray:
    """A smooth sum of round shapes, 0 to 1, [side, side]."""
    rows, columns = np.mgrid[:side, :side] / side
    found = np.zeros((side, side))
    for y, x, radius, height in rng.uniform((0.2, 0.2, 0.05, 0.4), (0.8, 0.8, 0.2, 1.0), (5, 4)):
        found = np.maximum(found, height * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * radius**2)))
    return found
