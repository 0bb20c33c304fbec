"""Full disks, which every library that writes words differently."""

import errno
import shutil
from pathlib import Path

from i2i.errors import DiskFull, ExportError, TrainingError, UserError

FULL = 1 << 20  # bytes; with less than this a disk counts as full
SURE = ("no space left", "os error 28", "enospc")
"""In errors of safetensors and others that have no number: what the system has said."""
PERHAPS = ("write", "writing", "written", "unexpected pos")
"""In errors of torch, numpy and Pillow that do not say why; the last is torch's of a write that was cut short."""


def is_disk_full(error: Exception, folder: Path) -> bool:
    """Whether an error of writing into `folder` comes from a full disk.

    Where its words leave that open the free space decides, so ask before what was being written is removed.
    """
    if isinstance(error, (UserError, TrainingError, ExportError)):
        return isinstance(error, DiskFull)
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    words = str(error).lower()
    if any(word in words for word in SURE):
        return True
    writing = any(word in words for word in PERHAPS)
    return writing and folder.is_dir() and shutil.disk_usage(folder).free < FULL
