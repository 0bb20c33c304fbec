"""How a command ends that cannot go on: one line that names the place, the reason and the remedy, and a status."""

import errno
from typing import Any

from i2i.errors import ContractBroken, ExportError, TrainingError, UserError
from i2i.utils.memory import is_out_of_memory
from i2i.utils.text import one_line

INTERRUPTED = 130

REASONS = {
    **dict.fromkeys((errno.EACCES, errno.EPERM), "permission is denied: change its permissions or name another place"),
    errno.EROFS: "its file system is read-only: name another place",
    errno.ENOENT: "is not there, or nothing can be made there: check the name, or name another place",
    errno.ENOTDIR: "lies below a file: name another place",
    errno.EISDIR: "is a folder: name a file",
    errno.EEXIST: "is there already: name another place or remove it",
    errno.ENOTEMPTY: "is not empty: name another place or remove it",
    errno.ENAMETOOLONG: "is longer than file systems allow: use shorter names",
    errno.ELOOP: "is a circle of links: remove them",
    errno.EBUSY: "is in use: try again later",
    errno.ETXTBSY: "is in use: try again later",
    errno.EXDEV: "lies on another file system: name another place",
    errno.ENXIO: "is a pipe or device that nobody reads: name a file",
    errno.ESPIPE: "is a pipe or device: name a file",
    errno.EFBIG: "is larger than is allowed here: make room with ulimit -f, or name another place",
    errno.EIO: "cannot be read or written, its device reports an error: check the disk",
    errno.ESTALE: "is gone from its file server: run it again",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "too many files are open: allow more with ulimit -n"),
    errno.ENOMEM: "there is not enough memory: close other programs or use fewer --workers",
}
DEEP = "an input is nested too deeply: simplify it"
MEMORY = (
    "there is not enough memory: use smaller images (--size), smaller batches (train.batch_size) or fewer --workers"
)


def ending(error: BaseException) -> tuple[str, int] | None:
    """The line and the exit status for an error; None for one that is a mistake of the program itself."""
    if isinstance(error, UserError):
        return str(error), 2
    if isinstance(error, (TrainingError, ExportError, ContractBroken)):
        return str(error), getattr(error, "status", 1)
    if hasattr(error, "format_message"):  # of click, which some versions of typer hold inside
        return _of_the_usage(error)
    if isinstance(error, OSError):
        return _of_the_system(error), 1
    if is_out_of_memory(error):  # torch has no class of its own for the CPU
        return MEMORY, 1
    if isinstance(error, RecursionError):
        return DEEP, 2
    if isinstance(error, UnicodeEncodeError):
        return f"{one_line(str(error.object)[:200])!r} is no text of {error.encoding}: rename it", 2
    if isinstance(error, UnicodeDecodeError):
        return f"a file is no text of {error.encoding} (byte {error.start}): save it as UTF-8", 2
    return None


def _of_the_usage(error: Any) -> tuple[str, int]:
    """Of wrong usage; without words where help was printed because there were no arguments."""
    words, context = error.format_message(), getattr(error, "ctx", None)
    help_with = f"; `{context.command_path} --help` tells what there is" if words and context else ""
    return words.rstrip(".") + help_with, error.exit_code


def _of_the_system(error: OSError) -> str:
    place = _place(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk of {place or 'the output'} is full: make room and run it again"
    reason = REASONS.get(error.errno or 0) or error.strerror or _first_line(error)
    return f"{place}: {reason}" if place else reason


def _place(error: OSError) -> str:
    """The file or folder at fault; of a renaming the new name, because the old one is hidden."""
    found: Any = error.filename2 or error.filename
    if found is None or isinstance(found, int):
        return ""
    return one_line(found.decode(errors="surrogateescape") if isinstance(found, bytes) else str(found))


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
