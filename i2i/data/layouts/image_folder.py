"""Which images a folder holds, for data, translation and scores.

- Folders are searched through, and links to folders are followed, but not into a folder that they lie in.
- A name that ends like an image's is taken: if the file holds none, decoding will name it. Of other files the contents
  decide.
- Files of values that 8 bits say nothing about, such as NumPy's, are images where no other images lie beside them.
- Hidden files and folders are none of the user's, and not mentioned. Everything else that is not taken is reported.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from i2i.data.image_files.images import SUFFIXES, read_size
from i2i.data.image_files.readers_and_writers import NATIVE_ONLY
from i2i.errors import UserError
from i2i.utils.text import one_line
from i2i.utils.wording import number, some

Parts = tuple[str, ...]
"""A path relative to a folder."""
SIGNATURES = {
    b"\x89PNG": ".png",
    b"\xff\xd8": ".jpg",
    b"RIFF": ".webp",
    b"BM": ".bmp",
    b"GIF8": ".gif",
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), ".tif"),
    **dict.fromkeys((b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"), ".ppm"),
}
"""How files of the formats that are decoded begin, and what they are called."""
LONGEST_SIGNATURE = max(map(len, SIGNATURES))
SYSTEM = frozenset({"__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini"})
"""What operating systems leave behind, hidden or not."""
_HEADS, _ENDINGS, _ARRAY_ENDINGS = tuple(SIGNATURES), tuple(SUFFIXES), tuple(NATIVE_ONLY)
_FOLDER, _FILE = "folder", "file"
_NOWHERE, _CIRCLE, _SEEN, _CLOSED, _FOREIGN = (
    ("link", "without a target"),
    ("link", "to a folder that it lies in"),
    ("link", "in a linked folder, to a folder that was listed already"),
    ("folder", "that cannot be read"),
    ("file", "of no image format"),
)


@dataclass(frozen=True)
class LeftOut:
    """What was not taken, for one reason.

    Attributes:
        noun: what it is, such as `file`.
        why: the reason, as it follows the noun.
        names: all of them, relative to the folder they were looked for in.
    """

    noun: str
    why: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return one_line(f"{number(len(self.names), self.noun)} {self.why} ({some(self.names, shown=3)})")


def left_out_line(groups: Iterable[LeftOut]) -> list[str]:
    """One line about everything that was not taken; none where nothing is."""
    told = "; ".join(map(str, groups))
    return [f"left out: {told}"] if told else []


class ImageFolder:
    """The images below a folder; it is searched when they are first asked for.

    Args:
        root: the folder; a place that is none holds nothing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def images(self) -> tuple[Parts, ...]:
        """Where images lie, sorted."""
        return self._listed[0]

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What else is there."""
        return self._listed[1]

    @property
    def paths(self) -> list[Path]:
        """The images in order."""
        return [self.root.joinpath(*parts) for parts in self.images]

    def by_name(self) -> dict[str, Path]:
        """The images by their names without suffix, such as `rome/1`.

        Raises:
            UserError: for a folder that is missing or holds no images, or two of one name.
        """
        if not self.root.is_dir():
            raise UserError(f"there is no folder {self.root}")
        found: dict[str, Path] = {}
        for parts, path in zip(self.images, self.paths, strict=True):
            if (name := name_of(parts)) in found:
                raise UserError(f"{path.parent} holds {found[name].name} and {path.name}: keep one of that name")
            found[name] = path
        if not found:
            told = "".join(f"; {line}" for line in left_out_line(self.left_out))
            raise UserError(f"there are no images in {self.root}{told}")
        return found

    @cached_property
    def _listed(self) -> tuple[tuple[Parts, ...], tuple[LeftOut, ...]]:
        left_out: dict[tuple[str, str], list[Parts]] = defaultdict(list)
        images: list[Parts] = []
        arrays: list[Parts] = []
        if self.root.is_dir():
            for parts, path, reason in _walked(self.root):
                if reason is None and is_named_as_array(parts[-1]):
                    arrays.append(parts)
                    continue
                if reason is None and not (is_named_as_image(parts[-1]) or _holds_image(Path(path))):
                    reason = _FOREIGN
                (images if reason is None else left_out[reason]).append(parts)
        beside = {parts[:-1] for parts in images}
        for parts in arrays:
            (left_out[_FOREIGN] if parts[:-1] in beside else images).append(parts)
        groups = (LeftOut(*why, tuple(map("/".join, sorted(names)))) for why, names in left_out.items())
        return tuple(sorted(images)), tuple(sorted(groups, key=lambda group: (group.noun, group.why)))


def name_of(parts: Parts) -> str:
    """A relative path as a name without suffix, such as `rome/1`."""
    return "/".join((*parts[:-1], Path(parts[-1]).stem))


def is_hidden(name: str) -> bool:
    """Whether a file or folder is none of the user's."""
    return name.startswith(".") or name in SYSTEM


def is_named_as_image(name: str) -> bool:
    """Whether the name ends like an image's; hidden files are none."""
    return name.lower().endswith(_ENDINGS) and not is_hidden(name)


def is_named_as_array(name: str) -> bool:
    """Whether the name ends like that of values that 8 bits say nothing about; hidden files are none."""
    return name.lower().endswith(_ARRAY_ENDINGS) and not is_hidden(name)


def is_image(path: Path) -> bool:
    """Whether a file is taken for an image: by its name or, where that does not say it, by its contents."""
    return is_named_as_image(path.name) or is_named_as_array(path.name) or _holds_image(path)


def _holds_image(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if not file.read(LONGEST_SIGNATURE).startswith(_HEADS):
                return False
        read_size(path)  # a text may begin with two of these letters
    except (OSError, UserError):
        return False
    return True


def _walked(root: Path) -> Iterator[tuple[Parts, str, tuple[str, str] | None]]:
    """Every file, and every link or folder that leads no further, with the reason; in no order."""
    linked: set[tuple[int, int]] = set()
    waiting: list[tuple[Parts, str, frozenset[tuple[int, int]], bool]] = [((), str(root), frozenset(), False)]
    while waiting:
        parts, folder, above, by_link = waiting.pop()
        try:
            here, entries = _identity(folder), list(os.scandir(folder))
        except OSError:
            yield parts, folder, _CLOSED
            continue
        if here in above:
            yield parts, folder, _CIRCLE
            continue
        for entry in entries:
            if is_hidden(entry.name):
                continue
            own, kind = (*parts, entry.name), _kind(entry)
            if kind == _FOLDER and entry.is_symlink():
                target = _identity(entry.path)
                if by_link and target in linked:  # or links among folders would multiply
                    yield own, entry.path, _SEEN
                    continue
                linked.add(target)
            if kind == _FOLDER:
                waiting.append((own, entry.path, above | {here}, by_link or entry.is_symlink()))
            elif kind == _FILE:
                yield own, entry.path, None
            else:
                yield own, entry.path, _NOWHERE if entry.is_symlink() else _FOREIGN


def _kind(entry: os.DirEntry[str]) -> str | None:
    try:
        return _FOLDER if entry.is_dir() else _FILE if entry.is_file() else None
    except OSError:  # a circle of links
        return None


def _identity(folder: str) -> tuple[int, int]:
    found = Path(folder).stat()
    return found.st_dev, found.st_ino
