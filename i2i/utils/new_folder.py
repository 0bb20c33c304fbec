"""Folders that are named to be written again, and exist complete or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from i2i.utils.atomic_write import replacing_folder
from i2i.utils.given_paths import check_new_folder


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the name `out` if the block ends well, and goes if it does not.

    Raises:
        UserError: if `out`, or one of its parents, is a file, or it is a folder that holds something.
        OSError: if nothing can be written there.
    """
    check_new_folder(out)
    with replacing_folder(out) as partial:
        yield partial
