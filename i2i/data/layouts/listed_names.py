"""Names of files in lists that others wrote: read as text, and kept inside the folder that they are about."""

import os
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath

from i2i.errors import UserError
from i2i.utils.fingerprint import blake2b


def read_text(path: Path) -> str:
    """A text file in UTF-8, or in UTF-16 where its first bytes say so, as of PowerShell; UserError if it is none."""
    try:
        contents = path.read_bytes()
        return contents.decode("utf-16" if contents.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as text in UTF-8 ({error}): repair it") from None


def content_hash(path: Path) -> str:
    """Hash of a file's contents, 32 hex digits; read again in one process only when the file has changed."""
    state = path.stat()
    return _hash(path, state.st_size, state.st_mtime_ns)


@cache
def _hash(path: Path, size: int, changed: int) -> str:
    return blake2b(path, 16).hex()


def refuse_outside(name: str) -> str | None:
    """What makes a relative name unfit to stay inside a folder, or None."""
    if not name or "\0" in name:
        return "is empty or holds a NUL"
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or name.startswith("\\"):
        return "is an absolute path"
    if ".." in PureWindowsPath(name).parts:  # which are parted by / as well
        return "leads out of the folder by .."
    return None


class Inside:
    """Files below a folder by their relative names; links that lead out of it are refused.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._real = root, root.resolve()
        self._resolved = cache(self._resolve)

    def file(self, name: str, place: str) -> Path:
        """The existing file of that name.

        Raises:
            UserError: at `place`, if the name leads out of the folder or there is no such file.
        """
        reason = refuse_outside(name)
        if reason:
            raise UserError(f"{place}: {name!r} {reason}: names must stay inside {self._root}")
        path = self._root / name
        try:
            real = path.resolve() if path.is_symlink() else self._resolved(path.parent) / path.name
            there = real.is_file()
        except (OSError, RuntimeError, ValueError):  # too long, a circle of links, not encodable
            there = False
        if not there:
            raise UserError(f"{place}: there is no file {name!r} in {self._root}: repair the name or remove it")
        if not real.is_relative_to(self._real):
            raise UserError(f"{place}: {name!r} is a link out of {self._root}: copy the file there")
        return path

    @staticmethod
    def _resolve(folder: Path) -> Path:
        return Path(os.path.realpath(folder))
