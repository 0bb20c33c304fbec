"""Paths that are built from names which a file holds: they stay in their folder, whatever the file says."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from i2i.errors import UserError

LONGEST = 255  # bytes of a name


def check_length(name: str, source: object) -> None:
    """UserError if the file made from `source`, which would have this name, is longer than file systems allow."""
    length = len(os.fsencode(name))
    if length > LONGEST:
        raise UserError(f"{source}: what is made of it would be a name of {length} bytes, at most {LONGEST}: rename it")


def invalid_name(name: str) -> str | None:
    """What makes a text unfit to name one file or folder, or None."""
    if not name or any(unicodedata.category(char) == "Cc" for char in name):
        return "is empty or holds control characters"
    if "/" in name or "\\" in name or PureWindowsPath(name).drive:
        return "holds a separator of paths"
    if name.startswith("."):
        return "starts with a dot"
    if len(name.encode(errors="surrogateescape")) > LONGEST:
        return "is longer than file systems allow"
    return None


def plain_name(name: str, place: str) -> str:
    """The name, if it can name one file or folder; UserError at `place`, such as "bench/plan.json", if not."""
    reason = invalid_name(name)
    if reason:
        raise UserError(f"{place}: the name {name!r} {reason}: names must stay inside their folder")
    return name


def inside(root: Path, relative: str, place: str) -> Path:
    """The path `root / relative`, whose parts are separated by /, if it lies inside of `root`.

    Args:
        root: a folder; it may itself be reached by a link.
        relative: as a file holds it.
        place: that file, for messages.

    Raises:
        UserError: if the text is absolute, a part is empty or starts with a dot, or a link on the way leads out.
    """
    parts = PurePosixPath(relative).parts
    if not parts or PurePosixPath(relative).is_absolute():
        raise UserError(f"{place}: {relative!r} is no path inside of {root}")
    path = root.joinpath(*(plain_name(part, place) for part in parts))
    refuse_link_out(root, path, place)
    return path


def refuse_link_out(root: Path, path: Path, place: str) -> None:
    """UserError if `path`, which need not exist, leads out of the folder `root` by a link."""
    try:
        real, home = path.resolve(), root.resolve()
    except (OSError, RuntimeError):  # a circle of links
        raise UserError(f"{place}: {path} is a link that leads nowhere: remove it") from None
    if not real.is_relative_to(home):
        raise UserError(f"{place}: {path} is a link out of {root}: put a copy of the file there")


def refuse_links_out(root: Path) -> None:
    """UserError if anything in the folder `root`, at any depth, is a link that leads out of it, or no file or folder.

    For folders that may come from elsewhere: what is read below `root` afterwards is read from it.
    """
    for entry in _entries(root):
        if entry.is_symlink():
            refuse_link_out(root, Path(entry), str(root))
        elif not (entry.is_file() or entry.is_dir()):
            raise UserError(f"{root}: {entry.path} is neither a file nor a folder: remove it")


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """Whatever a folder holds, at any depth; links are not followed."""
    waiting = [str(folder)] if folder.is_dir() else []
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
