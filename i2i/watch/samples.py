"""The sample grids of a run folder, of which nothing else is ever opened."""

import os
from contextlib import suppress
from pathlib import Path

from i2i.training.sample_grid import SAMPLES, grid_path


def sample_steps(run: Path) -> list[int]:
    """The steps of which there is a grid, in their order; a link is none."""
    folder = run / SAMPLES
    if folder.is_symlink():
        return []
    steps = {int(path.stem) for path in folder.glob("*.png") if path.stem.isascii() and path.stem.isdecimal()}
    return sorted(step for step in steps if _is_file(grid_path(run, step)))


def sample(run: Path, step: int) -> bytes | None:
    """The PNG file of a step's grid; None if there is none, or a link in its place."""
    if (run / SAMPLES).is_symlink():
        return None
    with suppress(OSError):
        opened = os.open(grid_path(run, step), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(opened, "rb") as file:
            return file.read()
    return None


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
