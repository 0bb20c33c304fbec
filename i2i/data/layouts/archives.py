"""Data in a zip or tar archive: unpacked once into the cache, under the hash of the archive's contents.

Nothing in an archive is trusted: names must stay inside, links and devices are refused, and what comes out is counted
while it comes. Only files that a layout can read are unpacked.
"""

import errno
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from i2i.data.image_files.images import SUFFIXES
from i2i.data.image_files.readers_and_writers import NATIVE_ONLY
from i2i.data.layouts import CARD
from i2i.data.layouts.celeba import ATTRIBUTE_LIST
from i2i.data.layouts.image_folder import LONGEST_SIGNATURE, SIGNATURES, is_hidden, is_image
from i2i.data.layouts.listed_names import content_hash, refuse_outside
from i2i.data.layouts.manifest import MANIFESTS
from i2i.data.layouts.recognize import folders_in
from i2i.errors import UserError
from i2i.utils.atomic_write import replacing_folder
from i2i.utils.cache_folder import cache_folder
from i2i.utils.split_names import names_a_split

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
KEPT = SUFFIXES | NATIVE_ONLY | {".json", ".jsonl", ".csv", ".txt", ".arrow"}
MOST_MEMBERS = 5_000_000
MOST_BYTES = 1 << 40
MOST_GROWTH = 200
"""How many times as large as the archive its contents may be, once they are more than `GROWTH_FROM` bytes."""
GROWTH_FROM = 1 << 28
CHUNK = 1 << 20
LONGEST_SHOWN = 200
READ = {CARD, *(name for layout in (ATTRIBUTE_LIST, *MANIFESTS) for name in layout.uses)}
"""Files that a layout reads, besides images and Arrow files."""
BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(OSError, ValueError, OverflowError, NotImplementedError, RuntimeError, MemoryError, IndexError, KeyError),
)
"""What the readers of the standard library raise on damaged archives."""


@dataclass(frozen=True)
class Member:
    """An entry of an archive: its name, what is wrong with its kind, and how its contents are opened."""

    name: str
    is_folder: bool
    fault: str | None
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Whether a file is an archive by its name."""
    return path.name.lower().endswith(ENDINGS)


def unpacked(path: Path) -> Path:
    """The folder with an archive's contents, in the cache; unpacked there if it is not yet.

    Raises:
        UserError: naming the member, for one that is no plain file inside, or contents that are damaged or too large.
    """
    with _damage_as_error(str(path)):
        home = cache_folder() / "archives" / content_hash(path)
    place = home / _stem(path)  # the name of the data: another for every name that the archive has had
    if not place.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        with replacing_folder(place, shared=True) as partial:
            _unpack(path, partial)
    return _inner(place)


def _stem(path: Path) -> str:
    """The name of the data: that of the archive without its ending."""
    ending = max((ending for ending in ENDINGS if path.name.lower().endswith(ending)), key=len)
    return path.name[: -len(ending)].lstrip(".") or "archive"


def _inner(folder: Path) -> Path:
    """The folder itself, or what the only folder in it holds, if nothing that data are read from lies beside that."""
    folders = folders_in(folder)
    if len(folders) != 1 or names_a_split(folders[0].name) or any(map(_is_of_data, folder.iterdir())):
        return folder
    return _inner(folders[0])


def _is_of_data(path: Path) -> bool:
    """Whether a file beside folders belongs to a data set: not one like README.txt."""
    return path.is_file() and (path.name in READ or path.suffix.lower() == ".arrow" or is_image(path))


def _unpack(path: Path, out: Path) -> None:
    """Write the members that a layout can read below `out`, an empty folder."""
    budget = _Budget(path, shutil.disk_usage(out).free)
    seen, found = set[PurePosixPath](), False
    with _damage_as_error(str(path)), _opened(path) as members:
        for member in members:
            place = f"{path}, member {member.name[:LONGEST_SHOWN]!r}"
            name = _checked(place, member)
            budget.count_member(place)
            if member.is_folder or _is_hidden(name):
                continue
            if name in seen:
                raise UserError(f"{place} stands twice: pack the archive again")
            seen.add(name)
            with _damage_as_error(place):
                kept = name.suffix.lower() in KEPT or _begins_like_image(member)
                _write(member, out / name, budget if kept else None, place)
            found = found or kept
    if not found:
        raise UserError(f"{path} holds no images: pack one of the layouts of a data folder")


@contextmanager
def _damage_as_error(place: str) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise UserError(f"{place}: {error}: set I2I_CACHE to a folder with room that you can write to") from None
        raise UserError(f"{place} cannot be unpacked ({str(error) or type(error).__name__}): pack it again") from None


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[Member]]:
    if path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            yield _zip_members(archive)
    else:
        with tarfile.open(path, "r:*") as archive:
            yield _tar_members(archive)


def _zip_members(archive: zipfile.ZipFile) -> Iterator[Member]:
    for info in archive.infolist():
        mode = stat.S_IFMT(info.external_attr >> 16)
        plain = mode in (0, stat.S_IFREG, stat.S_IFDIR)
        fault = None if plain else "is a link or a device"
        fault = "is encrypted" if info.flag_bits & 1 else fault
        yield Member(info.filename, info.is_dir(), fault, lambda info=info: archive.open(info))  # type: ignore[misc]


def _tar_members(archive: tarfile.TarFile) -> Iterator[Member]:
    for info in archive:
        fault = None if info.isreg() or info.isdir() else "is a link or a device"
        yield Member(info.name, info.isdir(), fault, lambda info=info: _required(archive.extractfile(info)))  # type: ignore[misc]
        archive.members = []  # type: ignore[attr-defined]  # tarfile keeps every header it has read
    _check_end(archive)


def _check_end(archive: tarfile.TarFile) -> None:
    """A whole tar ends with blocks of zeros; tarfile takes one that breaks off between members for whole."""
    file = archive.fileobj
    if file is None:
        return
    file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("it ends early")
    file.read(CHUNK)  # to where a compressed one has its checksum


def _required(file: IO[bytes] | None) -> IO[bytes]:
    if file is None:
        raise EOFError("it has no contents")
    return file


def _checked(place: str, member: Member) -> PurePosixPath:
    """The name of a member, if it may be unpacked."""
    fault = member.fault or refuse_outside(member.name) or ("holds a backslash" if "\\" in member.name else None)
    if fault:
        raise UserError(f"{place} {fault}: pack plain files with relative names only")
    return PurePosixPath(member.name)


def _is_hidden(name: PurePosixPath) -> bool:
    return any(map(is_hidden, name.parts))


def _begins_like_image(member: Member) -> bool:
    with member.open() as file:
        return file.read(LONGEST_SIGNATURE).startswith(tuple(SIGNATURES))


def _write(member: Member, path: Path, budget: "_Budget | None", place: str) -> None:
    """Unpack a member; without a budget its name alone, so that it is told among what is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source, path.open("xb") as file:
        while budget and (chunk := source.read(CHUNK)):
            budget.count_bytes(len(chunk), place)
            file.write(chunk)


class _Budget:
    """Counts what comes out of an archive, and refuses what no data set needs."""

    def __init__(self, path: Path, free: int) -> None:
        self._members, self._bytes = 0, 0
        self._most = min(MOST_BYTES, max(GROWTH_FROM, MOST_GROWTH * path.stat().st_size))
        self._free = free

    def count_member(self, place: str) -> None:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise UserError(f"{place}: the archive has more than {MOST_MEMBERS:,} members: pack images only")

    def count_bytes(self, count: int, place: str) -> None:
        self._bytes += count
        if self._bytes > self._most:
            raise UserError(
                f"{place}: the contents are larger than {self._most:,} bytes, too large for this archive: unpack it "
                "yourself if you trust it"
            )
        if self._bytes > self._free:
            raise UserError(
                f"{place}: the disk of {cache_folder()} is full: free it, or set I2I_CACHE to another folder"
            )
