"""Full disks, which every library that writes words differently."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from i2i.errors import DiskFull

FULL = 1 << 20  # bytes; with less than this a disk counts as full
WORDS = ("write", "no space left", "unexpected pos")
"""In errors of torch and safetensors, which have no number; the last is torch's after a write that was cut short."""


def is_disk_full(error: Exception, folder: Path) -> bool:
    """Whether an error of writing into `folder` comes from a full disk."""
    if isinstance(error, DiskFull):
        return True
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    writing = isinstance(error, OSError) or any(word in str(error).lower() for word in WORDS)
    return writing and folder.is_dir() and shutil.disk_usage(folder).free < FULL


@contextmanager
def one_error_when_full(folder: Path) -> Iterator[None]:
    """Turn whatever a full disk raises in the block into OSError with ENOSPC."""
    try:
        yield
    except Exception as error:
        if not is_disk_full(error, folder):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from None
