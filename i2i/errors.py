"""The errors that the command line prints without a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

__all__ = [
    "ContractBroken",
    "Damaged",
    "DiskFull",
    "ExportError",
    "LostProcess",
    "NoLayout",
    "OutOfMemory",
    "TrainingError",
    "UserError",
]

EARLIER_NAMES = {
    "colour": "reinhard",
    "multiply_adds": "macs",
    "own_models": "custom_models",
    "picture": "image",
    "pictures": "images",
}
"""Models, settings and columns that were called otherwise: an error for such a name suggests today's."""

MOST_KNOWN = 40
"""Names that an error lists all."""
EXAMPLES = 5
"""Names that it lists of more."""


class UserError(Exception):
    """Something the user can put right: the text names the thing and the remedy."""


class NoLayout(UserError):
    """A place whose folders make no data set: images have to be moved, or folders renamed."""


class TrainingError(Exception):
    """A training that had to stop; the text names the phase, the step and the last good checkpoint."""


class DiskFull(TrainingError):
    """A training that had to stop because nothing more can be written; its last checkpoint is good."""


class LostProcess(TrainingError):
    """Another process of the same training is gone; the text says which, and why where it is known."""


class Damaged(UserError):
    """A file of a checkpoint that is not as it was written: cut short, changed, missing or unreadable.

    `what` names the file and the reason, without the remedy.
    """

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        super().__init__(f"{what}:\n{remedy}")


class OutOfMemory(TrainingError):
    """Something that had to stop because there is not enough memory; the text says what takes less."""


class ExportError(Exception):
    """An exported model that does not do what the trained one does; nothing of it is kept."""


class ContractBroken(Exception):
    """A translator that does not do what the contract asks; the text counts in how many parts."""


def unreadable(path: Path, error: OSError, remedy: str) -> UserError:
    """The error for a file of a checkpoint that could not be read: `Damaged` only if there is none to read.

    Who may not read a file, or has no memory or too many files open, knows nothing of its contents.
    """
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError):
        return Damaged(f"{path} cannot be loaded ({error.strerror or error})", remedy)
    return UserError(f"{path} cannot be read just now ({error.strerror or error}): see to that and run it again")


def refuse_file(out: Path) -> None:
    """UserError if a folder cannot be made at `out` because it, or a parent, is a file or anything but a folder."""
    for place in (out, *out.parents):
        if place.exists() and not place.is_dir():
            kind = "a file" if place.is_file() else "no folder"
            raise UserError(f"{place} is {kind}: choose a folder with --out")


def unknown(kind: str, name: str, allowed: Iterable[str]) -> UserError:
    """Error for a name that is not among `allowed`, with the nearest ones first.

    >>> str(unknown("model", "stargun", ["stargan", "pix2pix"]))
    "unknown model 'stargun'; did you mean 'stargan'? Known: pix2pix, stargan"
    >>> str(unknown("layer", "x", map("{:02}".format, range(50))))
    "unknown layer 'x'. Known: 00, 01, 02, 03, 04 and 45 more"
    """
    names = sorted(set(allowed))
    shown = names if len(names) <= MOST_KNOWN else names[:EXAMPLES]
    more = f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
    known = f"{', '.join(shown) or 'none'}{more}"
    return UserError(f"unknown {kind} {name!r}{did_you_mean(name, names) or '.'} Known: {known}")


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'a' or 'b'?` with the names that are nearest, or nothing where none is near.

    >>> did_you_mean("best_on_val", ["last", "best-on-val"])
    "; did you mean 'best-on-val'?"
    >>> did_you_mean("colour", ["cyclegan", "reinhard"])
    "; did you mean 'reinhard'?"
    """
    names = list(allowed)
    today = EARLIER_NAMES.get(name)
    near = [today] if today in names else get_close_matches(name, names, n=2)
    return f"; did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
