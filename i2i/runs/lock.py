"""One training per run folder: the process that trains in it holds a lock, which ends with it at the latest."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from i2i.errors import UserError
from i2i.utils.locks import Lock
from i2i.utils.safe_paths import refuse_link_out
from i2i.utils.text import one_line

FILE = ".lock"


@contextmanager
def sole_training(run: Path) -> Iterator[None]:
    """Hold the run folder for a block; a folder into which nothing was written is gone afterwards.

    Raises:
        UserError: if a training is going on in it, with machine and process, where they are known; or if a link in it
            leads out, for a training writes, renames and removes what is there.
    """
    _refuse_links(run)
    path, new = run / FILE, [folder for folder in (run, *run.parents) if not folder.exists()]
    lock = _take(path)
    if lock is None:
        raise UserError(f"{run} is being trained{_by_whom(path)}: wait for its end, stop it, or choose another --out")
    try:
        with suppress(OSError):  # a full disk; the lock holds without a name
            lock.note(json.dumps({"pid": os.getpid(), "host": platform.node()}))
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        lock.release()
        with suppress(OSError):
            for folder in new:
                folder.rmdir()


def _refuse_links(run: Path) -> None:
    for path in (*run.glob("*"), *run.glob("*/*")):  # what a training writes lies no deeper
        if path.is_symlink():
            refuse_link_out(run, path, "a training writes into its run folder alone")


def _take(path: Path) -> Lock | None:
    """The lock, or None if another process has it. Its file is removed before it is given back."""
    while True:
        lock = Lock(path)
        if not lock.exclusive():
            lock.release()
            return None
        if lock.is_in_place():
            return lock
        lock.release()


def seems_trained(run: Path) -> bool:
    """Whether a training seems to be going on in a run folder, told without taking part in its lock.

    That is for onlookers, who must not be in the way of a training that starts. A process on this machine is looked
    for; that of another is believed to live until its lock file is gone.
    """
    path = run / FILE
    try:
        owner = json.loads(path.read_text())
        pid, host = int(owner["pid"]), owner["host"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True  # just begun, or on a full disk
    return host != platform.node() or _lives(pid)


def _lives(pid: int) -> bool:
    if os.name != "posix":
        return True  # elsewhere signal 0 is no question
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _by_whom(path: Path) -> str:
    try:
        owner = json.loads(path.read_text())
        return f" by process {int(owner['pid'])} on {one_line(str(owner['host'])[:100])}"
    except (OSError, ValueError, KeyError, TypeError):
        return " by another process"
