"""Which layout a place has: every layout looks for its evidence, and exactly one must find some."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from i2i.data.layouts.data_set import DataSet
from i2i.errors import UserError, unknown

SPLITS = ("train", "val", "test")
LAYOUTS_HELP = (
    "expected <split>/<domain>/* with splits train, val and test, or <domain>/<split>/*, or trainA/ trainB/ testA/ "
    "testB/, or aligned <split>/*, or a manifest"
)


@dataclass(frozen=True)
class Choices:
    """What settings say about a place; None: what the place says itself.

    Attributes:
        layout: name of the layout.
        paired: whether equal names in two domains are pairs.
        attributes: which to learn.
        exclusive: groups of attributes that replace one another.
    """

    layout: str | None = None
    paired: bool | None = None
    attributes: Sequence[str] | None = None
    exclusive: Sequence[Sequence[str]] | None = None


@dataclass(frozen=True)
class Layout:
    """A way to lay out data.

    Attributes:
        name: for `data.layout`.
        words: what is said of data that have it.
        evidence: what in a place speaks for it, or None.
        read: the data of a place that has it.
    """

    name: str
    words: str
    evidence: Callable[[Path], Path | None]
    read: Callable[[Path, Choices], DataSet]


def recognise(root: Path, layouts: Sequence[Layout], choices: Choices) -> DataSet:
    """The data of a place, read in the one layout that it has.

    Raises:
        UserError: if there is nothing, no layout fits, or several do and none is chosen; the text shows what was found.
    """
    if not root.exists():
        raise UserError(f"there is no data folder {root}")
    found = {layout: evidence for layout in layouts if (evidence := layout.evidence(root)) is not None}
    if choices.layout is not None:
        found = {layout: evidence for layout, evidence in found.items() if layout.name == choices.layout}
    if not found:
        raise _nothing(root, layouts, choices.layout)
    if len(found) > 1:
        readings = ", or ".join(f"{layout.words} ({_shown(root, place)})" for layout, place in found.items())
        settings = " or ".join(f"--set data.layout={layout.name}" for layout in found)
        raise UserError(f"{root} can be read as {readings}: choose with {settings}, or move what does not belong")
    (layout,) = found
    return layout.read(root, choices)


def folders_in(root: Path) -> list[Path]:
    """The folders in a folder, sorted; hidden ones are left out."""
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _nothing(root: Path, layouts: Sequence[Layout], chosen: str | None) -> UserError:
    if chosen is not None and chosen not in (names := [layout.name for layout in layouts]):
        return unknown("data.layout", chosen, names)
    if chosen is not None:
        (words,) = (layout.words for layout in layouts if layout.name == chosen)
        return UserError(f"{root} does not have the layout {chosen} ({words}): leave data.layout out")
    if not (folders := folders_in(root)):
        return UserError(f"{root} holds no folders: {LAYOUTS_HELP}")
    if any(folder.name in SPLITS for folder in folders):
        return UserError(f"{root} holds no pictures: {LAYOUTS_HELP}")
    found = ", ".join(folder.name for folder in folders[:5])
    return UserError(f"{root} has no split folders (found {found}): {LAYOUTS_HELP}")


def _shown(root: Path, place: Path) -> str:
    return place.name if place == root else str(place.relative_to(root))
