"""Which layout a place has: every layout looks for its evidence, and exactly one must find some."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from i2i.data.layouts.data_set import DataSet
from i2i.data.layouts.i2i_json import CARD
from i2i.data.layouts.image_folder import ImageFolder, LeftOut, is_hidden
from i2i.errors import NoLayout, UserError, unknown
from i2i.utils.memory import many_objects
from i2i.utils.split_names import split_of

LAYOUTS_HELP = (
    "expected <split>/<domain>/* with splits train, val and test, or <domain>/<split>/*, or trainA/ trainB/ testA/ "
    "testB/, or aligned <split>/*, or a manifest"
)
OUTSIDE = "outside of the layout"


@dataclass(frozen=True)
class Choices:
    """What settings say about a place; None: what the place says itself.

    Attributes:
        layout: name of the layout.
        paired: whether equal names in two domains are pairs.
        attributes: which to learn.
        exclusive: groups of attributes that replace one another.
        columns: of a table of Hugging Face: `IMAGE, CLASS` or `DOMAIN=IMAGE, ...`.
    """

    layout: str | None = None
    paired: bool | None = None
    attributes: Sequence[str] | None = None
    exclusive: Sequence[Sequence[str]] | None = None
    columns: Sequence[str] | None = None


@dataclass(frozen=True)
class Layout:
    """A way to lay out data.

    Attributes:
        name: for `data.layout`.
        words: what is said of data that have it.
        evidence: what in a place speaks for it, or None.
        read: the data of a place that has it.
        uses: names of files that it reads besides images.
    """

    name: str
    words: str
    evidence: Callable[[ImageFolder], Path | None]
    read: Callable[[ImageFolder, Choices], DataSet]
    uses: tuple[str, ...] = ()


def recognize(root: Path, layouts: Sequence[Layout], choices: Choices) -> DataSet:
    """The data of a place, read in the one layout that it has.

    Raises:
        NoLayout: if no layout fits; the text shows what was found.
        UserError: if there is nothing, or several layouts fit and none is chosen.
    """
    if not root.exists():
        raise UserError(f"there is no data folder {root}")
    with many_objects():
        return _recognized(ImageFolder(root), layouts, choices)


def _recognized(folder: ImageFolder, layouts: Sequence[Layout], choices: Choices) -> DataSet:
    root = folder.root
    found = {layout: evidence for layout in layouts if (evidence := layout.evidence(folder)) is not None}
    if choices.layout is not None:
        found = {layout: evidence for layout, evidence in found.items() if layout.name == choices.layout}
    if not found:
        raise _nothing(folder, layouts, choices.layout)
    if len(found) > 1:
        readings = ", or ".join(f"{layout.words} ({_shown(root, place)})" for layout, place in found.items())
        settings = " or ".join(f"--set data.layout={layout.name}" for layout in found)
        raise UserError(f"{root} can be read as {readings}: choose with {settings}, or move what does not belong")
    (layout,) = found
    return accounted(layout.read(folder, choices), folder, layout.uses)


def accounted(data: DataSet, folder: ImageFolder, used: Sequence[str] = ()) -> DataSet:
    """The data with what else lies in the folder that they are of; files named in `used` were read."""
    if data.root != folder.root or not folder.root.is_dir():  # they were written elsewhere, or a list chose them
        return data
    taken = {one.path.as_posix() for found in data.splits.values() for own in found.values() for one in own}
    before = (folder.root / "_").as_posix()[:-1]  # a path of its own for every image takes longer than all else here
    outside = tuple("/".join(parts) for parts in folder.images if before + "/".join(parts) not in taken)
    more = (LeftOut("image", OUTSIDE, outside),) if outside else ()
    read = {CARD, *used}
    others = (
        replace(group, names=tuple(name for name in group.names if PurePosixPath(name).name not in read))
        for group in folder.left_out
    )
    return replace(data, left_out=(*more, *(group for group in others if group.names)))


def folders_in(root: Path) -> list[Path]:
    """The folders in a folder, sorted; hidden ones are left out."""
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and not is_hidden(path.name))


def _nothing(folder: ImageFolder, layouts: Sequence[Layout], chosen: str | None) -> UserError:
    root = folder.root
    if chosen is not None and chosen not in (names := [layout.name for layout in layouts]):
        return unknown("data.layout", chosen, names)
    if chosen is not None:
        (words,) = (layout.words for layout in layouts if layout.name == chosen)
        return UserError(f"{root} does not have the layout {chosen} ({words}): leave data.layout out")
    if not (folders := folders_in(root)):
        return NoLayout(f"{root} holds no folders: {LAYOUTS_HELP}")
    if not folder.images or any(split_of(one.name) for one in folders):
        return NoLayout(f"{root} holds no images: {LAYOUTS_HELP}")
    found = ", ".join(one.name for one in folders[:5])
    return NoLayout(f"{root} has no split folders (found {found}): {LAYOUTS_HELP}")


def _shown(root: Path, place: Path) -> str:
    return place.name if place == root else str(place.relative_to(root))
