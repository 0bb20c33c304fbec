"""Memory: how it is kept, and what a machine lacks of it, which every library tells in words of its own."""

import ctypes
import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from i2i.errors import OutOfMemory, UserError, did_you_mean

if TYPE_CHECKING:
    import torch

WORDS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "alloc_failed",
    "invalid buffer size",
    "unable to allocate",
    "bad allocation",
    "std::bad_alloc",
)
"""In errors of torch, cuDNN, cuBLAS and numpy, lower case; some are a plain RuntimeError."""


DEVICES = ("cuda", "mps", "cpu")
"""Kinds of devices that errors name; whatever else torch can use is taken too."""


def usable_device(device: object, said: str = "device") -> "torch.device":
    """The device of that name, once something was put there.

    Args:
        device: a name such as `cuda:1`, or a device of torch's.
        said: how it was said, for the error.

    Raises:
        UserError: if torch knows no such device, this machine has none, or it keeps no values.
    """
    import torch  # takes seconds

    try:
        found: torch.device = torch.device(device)  # type: ignore[call-overload]
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        if reason.startswith("Expected one of"):  # and twenty kinds of devices that torch was not built for follow
            kind = str(device).partition(":")[0].replace("gpu", "cuda")
            reason = f"there is no such kind, only {', '.join(DEVICES)}{did_you_mean(kind, DEVICES)}"
    else:
        if found.type != "meta":
            return found
        reason = "it keeps no values"
    raise UserError(f"{said} {device} cannot be used here ({reason}): leave it out, or take cpu")


def most_resident() -> int:
    """The largest resident size of this process, bytes.

    Linux is asked for the process's own: `getrusage` also counts that of the one that started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        (kibibytes,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(kibibytes) * 1024
    import resource  # which Windows lacks

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@contextmanager
def many_objects() -> Iterator[None]:
    """Search for no cycles in the block, which makes very many objects that stay: every search would visit them all."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
"""Of `mallopt`, from malloc.h: what may lie free at the end, what is mapped by itself, and how many such blocks."""
MOST_MAPPED, MAPPED_FROM = 65_536, 32 * 2**20
"""Of glibc: how many blocks it maps, and from what size on where it has adapted, on 64 bits; twice that it returns."""


_keeping = 0
"""Blocks of `freed_memory_kept` that are open."""
_changing = Lock()


def keeping() -> bool:
    """Whether freed memory is being kept."""
    return _keeping > 0


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep on the CPU what is freed in the block, for what is allocated next; all is given back to the system after it.

    Else glibc maps every large tensor anew, and the system fills its pages with zeros: a quarter of the time of a
    StarGAN step at 128 px, a seventh of pix2pix' at 256 px. It is so for the whole process, but
    for tensors over 64 MiB in threads that are not the main one. Blocks may lie within each other. Without glibc, or
    where the environment says how it is to allocate, nothing is changed.
    """
    libc = _glibc()
    try:
        if libc:
            _open(libc)
        yield
    finally:
        if libc:
            _close(libc)


def _glibc() -> ctypes.CDLL | None:
    """The C library, if it can be told to keep memory and the environment has not told it what to do."""
    if any(name.startswith("MALLOC_") for name in os.environ) or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return None
    try:
        libc = ctypes.CDLL(None)
        return libc if libc.mallopt and libc.malloc_trim else None
    except (AttributeError, OSError, TypeError):
        return None


def _open(libc: ctypes.CDLL) -> None:
    global _keeping
    with _changing:
        _keeping += 1
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, -1)


def _close(libc: ctypes.CDLL) -> None:
    global _keeping
    with _changing:
        _keeping -= 1
        if not _keeping:
            libc.mallopt(M_MMAP_MAX, MOST_MAPPED)
            libc.mallopt(M_MMAP_THRESHOLD, MAPPED_FROM)
            libc.mallopt(M_TRIM_THRESHOLD, 2 * MAPPED_FROM)
            libc.malloc_trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory, on the CPU or an accelerator."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    # torch.OutOfMemoryError is a RuntimeError as well.
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in WORDS)


@contextmanager
def explained_memory_errors(what: str, remedy: str) -> Iterator[None]:
    """Turn whatever want of memory raises in the block into one `OutOfMemory`: "WHAT: not enough memory: REMEDY"."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OutOfMemory) or not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"{what}: there is not enough memory{asked_for(error)}: {remedy}") from None


def asked_for(error: BaseException) -> str:
    """What was asked for and, of a GPU, what there is and was free, in parentheses, where the library says so."""
    sentences = " ".join(str(error).split()).split(". ")
    sentences_on_memory = [part for part in sentences if "allocate" in part.lower()][:1]
    sentences_on_memory += [part for part in sentences if "total capacity" in part][:1]
    return f" ({'; '.join(part[-120:] for part in sentences_on_memory)})" if sentences_on_memory else ""
