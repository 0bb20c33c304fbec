"""Data sets that are drawn by the program itself, so that the first command needs no data and no network."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i.config import DataConfig
from i2i.data.image_files.images import write_image
from i2i.data.layouts import CARD, DataSet, scan
from i2i.data.synthetic.landscapes import SMALLEST_SIDE
from i2i.data.synthetic.processes import draw_scenes
from i2i.data.synthetic.seasons import SEASONS
from i2i.data.synthetic.styles import STYLES
from i2i.errors import UserError, unknown
from i2i.utils.atomic_write import replacing_folder
from i2i.utils.cache_folder import cache_folder
from i2i.utils.given_paths import check_folder, check_new_folder
from i2i.utils.progress import Progress

# Raised whenever a set is drawn differently, so that cached images of an older drawing are not used.
DRAWING_VERSION = 4


class EmbeddedSet(NamedTuple):
    """A procedural data set: `draw(scene, domain, size, seed)` gives uint8 [H, W, 3], sides from `smallest_side` on."""

    domains: tuple[str, ...]
    draw: Callable[[int, str, tuple[int, int], int], np.ndarray]
    smallest_side: int


EMBEDDED: dict[str, EmbeddedSet] = {
    painted.name: EmbeddedSet(painted.domains, painted.draw, SMALLEST_SIDE) for painted in (SEASONS, STYLES)
}


def make(
    name: str,
    out: Path,
    size: tuple[int, int] = (256, 256),
    train: int = 400,
    test: int = 60,
    seed: int = 0,
    progress: Progress | None = None,
    val: int = 0,
) -> None:
    """Draw a built-in dataset into `out/<split>/<domain>/<scene>.png`; no scene is in two splits.

    Args:
        name: which set.
        out: a folder that does not exist yet or is empty.
        size: height and width, pixels.
        train, test: scenes per split; every scene is drawn once per domain.
        seed: of the scenes.
        progress: called with scenes drawn and in total.
        val: scenes of a validation split; 0: there is none. Training and test scenes are the same either way.

    Raises:
        UserError: for an unknown set, a size it cannot be drawn at, or a place that is not a new or empty folder.
    """
    _check_size(name, size)
    check_new_folder(out)
    _make(name, out, size, ["train"] * train + ["test"] * test + ["val"] * val, seed, progress)


def _check_size(name: str, size: tuple[int, int]) -> None:
    embedded = _find(name)
    if min(size) < embedded.smallest_side:
        height, width = size
        raise UserError(f"{name} cannot be drawn at {height}x{width} pixels: sides from {embedded.smallest_side} on")


def _make(name: str, out: Path, size: tuple[int, int], splits: list[str], seed: int, progress: Progress | None) -> None:
    """Draw a scene per entry of `splits` into `out`, unless another process has meanwhile."""
    with replacing_folder(out, shared=True) as scratch:
        _draw_all(name, scratch, size, splits, seed, progress)


def cache_place(name: str, config: DataConfig) -> Path:
    """Where a built-in dataset is kept once it is drawn at the config's size and number of scenes."""
    height, width = config.image_size
    scenes = f"{config.scenes}+{config.test_scenes}+{config.val_scenes}"
    return cache_folder() / f"{name}-{height}x{width}-{scenes}-v{DRAWING_VERSION}"


def _find(name: str) -> EmbeddedSet:
    if name not in EMBEDDED:
        raise unknown("built-in dataset", name, EMBEDDED)
    return EMBEDDED[name]


def _draw_all(
    name: str, root: Path, size: tuple[int, int], splits: list[str], seed: int, progress: Progress | None
) -> None:
    """Draw scene number i for the split `splits[i]`, for all i."""
    for split in set(splits):
        for domain in EMBEDDED[name].domains:
            (root / split / domain).mkdir(parents=True, exist_ok=True)
    order = {"name": name, "root": str(root.absolute()), "size": size, "seed": seed, "splits": splits}
    draw_scenes(order, lambda scene: draw_scene(name, root, size, seed, scene, splits[scene]), progress)
    card = {"name": name, "domains": list(EMBEDDED[name].domains), "paired": True}
    (root / CARD).write_text(json.dumps(card, indent=1))


def cached(name: str, config: DataConfig, progress: Progress | None = None) -> DataSet:
    """A built-in dataset at the config's size and number of scenes, drawn into the cache when it is not there."""
    folder = cache_place(name, config)
    if not folder.is_dir():
        _check_size(name, config.image_size)
        splits = ["train"] * config.scenes + ["test"] * config.test_scenes + ["val"] * config.val_scenes
        check_folder(folder)
        _make(name, folder, config.image_size, splits, 0, progress)
    return scan(folder)


def draw_scene(name: str, root: Path, size: tuple[int, int], seed: int, scene: int, split: str) -> None:
    """Draw a scene into `root/<split>/<domain>/` of all domains, folders that are there."""
    embedded = EMBEDDED[name]
    for domain in embedded.domains:
        write_image(root / split / domain / f"{scene:05d}.png", embedded.draw(scene, domain, size, seed))
