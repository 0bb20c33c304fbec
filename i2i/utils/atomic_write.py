"""Files and folders that are complete or not there, also after a power cut, and that are never written through a link.

Everything that i2i writes beside other files goes through `replacing` or `replacing_folder`. What is being written has
a hidden name of its own, made again without following a link, so a folder from elsewhere cannot lead a write out of
itself. The folder itself is not looked at: paths that come from a file are built by `i2i.utils.safe_paths`.

Errors name the place that was asked for, and whatever a full disk makes a library raise becomes one error.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from i2i.utils.disk_full import is_disk_full
from i2i.utils.given_paths import check_new_folder


@contextmanager
def replacing(path: Path, sync: bool = True) -> Iterator[Path]:
    """Yields the name of an empty file to write to, which takes the name `path` if the block ends well.

    Whatever was at `path`, a link included, is replaced. The file has the permissions that the umask gives, whatever
    the writer made of them.

    Args:
        path: the file to be; its folder exists.
        sync: wait until contents and name are on the disk; without it a power cut may leave an empty file.

    Raises:
        OSError: if the folder cannot be written to, or the disk is full (ENOSPC); then `path` is as it was.
    """
    partial = partial_name(path)
    try:
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # nobody knows the hidden name
    try:
        mode = os.fstat(descriptor).st_mode & 0o777
        os.close(descriptor)
        with _errors_naming(path, partial):
            yield partial
            if partial.stat().st_mode & 0o777 != mode:
                partial.chmod(mode)
            if sync:
                sync_to_disk(partial)
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    if sync:
        sync_to_disk(path.parent)


@contextmanager
def replacing_folder(path: Path, shared: bool = False, sync: bool = False) -> Iterator[Path]:
    """Yields an empty hidden folder, which takes the name `path` if the block ends well, and goes if it does not.

    It lies in the nearest folder above that exists; those between are made at the end.

    Args:
        path: the folder to be; an empty one there is replaced.
        shared: where somebody else has put a folder there meanwhile, that one stays, as good as this.
        sync: wait until the name is on the disk; the block sees to the contents.

    Raises:
        OSError: if nothing can be written there, the disk is full (ENOSPC), or `path` holds something, not shared.
    """
    final = path.absolute()
    partial = partial_name(next(parent for parent in final.parents if parent.is_dir()) / final.name)
    if partial.is_symlink():
        partial.unlink()
    shutil.rmtree(partial, ignore_errors=True)  # of a process that had the same number
    try:
        with _errors_naming(path, partial):
            partial.mkdir()
            yield partial
            final.parent.mkdir(parents=True, exist_ok=True)
            try:
                partial.rename(final)  # replaces an empty folder
            except OSError:
                if not (shared and final.is_dir()):
                    raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if sync:
        sync_to_disk(final.parent)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the name `out`, which a user gave, if the block ends well, and else goes.

    Raises:
        UserError: if `out`, or one of its parents, is a file, or it is a folder that holds something.
        OSError: if nothing can be written there.
    """
    check_new_folder(out)
    with replacing_folder(out) as partial:
        yield partial


@contextmanager
def _errors_naming(path: Path, partial: Path) -> Iterator[None]:
    """Errors of the block that name the hidden `partial`, or something in it, name `path`, which the user knows.

    Raises:
        OSError: with ENOSPC, whatever a full disk has made a library raise: of `path`, or of the file that it names.
    """
    try:
        yield
    except Exception as error:
        said = getattr(error, "filename", None)
        named = Path(said) if isinstance(said, str | os.PathLike) else partial
        inside = named.is_relative_to(partial)
        if is_disk_full(error, partial.parent):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path if inside else named)) from None
        if isinstance(error, OSError) and said and inside:
            error.filename = str(path / named.relative_to(partial))
        raise


def write_text(path: Path, text: str, sync: bool = True) -> None:
    """Replace a text file, UTF-8 with plain line ends; its folder is made if need be.

    What cannot be encoded, such as bytes of a name that is no UTF-8, becomes an escape that JSON understands.
    """
    write_bytes(path, text.encode(errors="backslashreplace"), sync)


def write_bytes(path: Path, contents: bytes, sync: bool = True) -> None:
    """Replace a file; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, sync) as partial:
        partial.write_bytes(contents)


def partial_name(path: Path) -> Path:
    """The hidden name under which a file or folder is written: short, however long its own is."""
    digest = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
    return path.with_name(f".{digest}.{os.getpid()}.part")


def sync_to_disk(path: Path) -> None:
    """Wait until a file's contents, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
