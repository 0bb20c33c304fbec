"""Locks between processes, by the operating system: a process gives its own back at the latest when it dies.

They are advisory locks on files, which stay. Where the system or the file system has none, as on Windows, everything
counts as free. A lock's file is never reached by a link, which could lead anywhere.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from i2i.errors import UserError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:
    fcntl = None

UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def available() -> bool:
    """Whether this system has such locks."""
    return fcntl is not None


class Lock:
    """A lock that many can share or one can hold alone; it ends with `release` or with the process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        try:
            self._file = os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o666), "r+b")
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise UserError(f"{path} is a link, and no lock is taken through one: remove it") from None
            raise

    def exclusive(self, wait: bool = False) -> bool:
        """Hold it alone; False if another process has it and this is not to `wait`. A shared one is exchanged."""
        return self._take("LOCK_EX", wait)

    def shared(self) -> bool:
        """Hold it with others; False, without waiting, if another has it alone. An exclusive one is exchanged."""
        return self._take("LOCK_SH", wait=False)

    def release(self) -> None:
        """Give it back."""
        self._file.close()

    def note(self, text: str) -> None:
        """Write into its file, in place of what is there, for others to read."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text.encode())
        self._file.flush()

    def is_in_place(self) -> bool:
        """Whether its file is still the one at its path; one that was removed meanwhile locks nothing."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def _take(self, way: str, wait: bool) -> bool:
        if fcntl is None:
            return True
        try:
            fcntl.flock(self._file, getattr(fcntl, way) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
        return True


@contextmanager
def tried(path: Path) -> Iterator[bool]:
    """Yields whether the lock was free; then it is held alone until the block ends."""
    lock = Lock(path)
    try:
        yield lock.exclusive()
    finally:
        lock.release()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock alone for a block, after waiting for the process that has it."""
    lock = Lock(path)
    try:
        lock.exclusive(wait=True)
        yield
    finally:
        lock.release()


def is_taken(path: Path) -> bool:
    """Whether a process holds the lock alone."""
    if not path.is_file():
        return False
    lock = Lock(path)
    try:
        return not lock.shared()
    finally:
        lock.release()
