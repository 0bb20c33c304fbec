"""Places that a command line names for what is to be written, looked at before the work begins."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

from i2i.errors import UserError, refuse_file
from i2i.utils.safe_paths import LONGEST

LONGEST_SHOWN = 100
"""Characters of a value that a message shows."""


def given_path(name: str, value: object) -> Path:
    """An argument of a Python function as a path; UserError if it is none."""
    if isinstance(value, str | os.PathLike):
        return Path(value)
    shown = repr(value)
    shown = shown if len(shown) <= LONGEST_SHOWN and "\n" not in shown else f"of type {type(value).__name__}"
    raise UserError(f"{name} is {shown}: give the path of a file or folder")


def check_texts(**given: object) -> None:
    """UserError, with its name, for an argument of a Python function that is no text."""
    for name, text in given.items():
        if not isinstance(text, str):
            raise UserError(f"{name} is {text!r}: give it as text")


def check_folder(out: Path) -> None:
    """Refuse a folder, there or not, that could not be written into.

    Raises:
        UserError: if it, or a parent, is a file.
        OSError: naming the place, if nothing can be written there.
    """
    refuse_file(out)
    _check_names(out)
    place = next(parent for parent in (out, *out.absolute().parents) if _is_there(parent))
    try:
        with TemporaryFile(dir=place):  # the only proof: permissions are not all that can forbid it
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(place)) from None


def check_new_folder(out: Path) -> None:
    """Refuse a folder that is to be new, if it could not be written or holds something.

    Raises:
        UserError: if it, or a parent, is a file, it is not empty, or it is the current folder.
        OSError: naming the place, if nothing can be written there.
    """
    check_folder(out)
    if out.resolve() == Path.cwd():
        raise UserError(f"{out} is the folder you are in: choose a new one with --out")
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty: choose another --out or remove it")


def check_file(path: Path, option: str, new_folder: bool = False) -> None:
    """Refuse a file, there or not, that could not be written; `option` named it.

    A folder that is to be made for it is a slip of the hand, unless `new_folder` says that it will be made.

    Raises:
        UserError: if it is a folder, a device or the like, lies in a file, or its folder is not there and will not be.
        OSError: naming the place, if nothing can be written there.
    """
    _check_names(path)
    if _is_there(path) and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device or pipe"
        raise UserError(f"{option} {path} is no place for a file, it is {kind}: name a file")
    for parent in path.parents:
        if parent.exists() and not parent.is_dir():
            raise UserError(f"{option} {path} is no place for a file, {parent} is no folder: name another")
    if not (new_folder or path.parent.exists()):
        raise UserError(f"{option} {path}: there is no folder {path.parent}; make it, or name another")
    check_folder(path.parent)


def marks(path: Path) -> set[Path | tuple[int, int]]:
    """Two paths that share any of these are one file or folder: by links, hard links or another spelling."""
    found: set[Path | tuple[int, int]] = {Path(os.path.realpath(path))}
    try:
        status = path.stat()
    except (OSError, ValueError):
        return found
    return {*found, (status.st_dev, status.st_ino)}


def lies_in(path: Path, place: Path) -> bool:
    """Whether a path, there or not, is a file or folder or lies in it at any depth, by links and other spellings too.

    A link that lies in a folder lies in it wherever it leads, as images are looked for through links.
    """
    named = Path(os.path.realpath(path)), path.absolute()
    ways = [way for way in named if ".." not in way.parts]
    own = marks(place)
    return any(own & marks(parent) for way in ways for parent in (way, *way.parents))


def refuse_among_inputs(out: Path, inputs: Iterable[Path], option: str = "--out") -> None:
    """UserError for an output that is, or lies in, a file or folder that is read; `option` named the output."""
    for place in inputs:
        if lies_in(out, place):
            where = f"lies in {place}" if marks(out).isdisjoint(marks(place)) else f"is {place}"
            raise UserError(f"{option} {out} {where}, which is read: choose another place, outside of it")


def _check_names(path: Path) -> None:
    """Of folders that are still to be made, which nobody else would look at before the first ones are there."""
    for part in path.parts:
        if len(os.fsencode(part)) > LONGEST:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), part)


def _is_there(path: Path) -> bool:
    """Whether there is something of that name; OSError where that cannot be known, as for names that are too long."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
