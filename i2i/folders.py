"""Folders that exist complete or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from i2i.errors import UserError
from i2i.places import check_folder


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the name `out` if the block ends well, and goes if it does not.

    Raises:
        UserError: if `out`, or one of its parents, is a file, or it is a folder that holds something.
        OSError: if nothing can be written there.
    """
    final = out.absolute()
    _refuse(out, final)
    place = next(parent for parent in final.parents if parent.is_dir())
    partial = place / f".{final.name}.{os.getpid()}.part"
    try:
        partial.mkdir()
        yield partial
        final.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(final)  # replaces an empty folder
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _refuse(out: Path, final: Path) -> None:
    check_folder(out)
    if final.exists() and any(final.iterdir()):
        raise UserError(f"{out} is not empty: choose another --out or remove it")
    if final.resolve() == Path.cwd():
        raise UserError(f"{out} is the folder you are in: choose a new one with --out")
