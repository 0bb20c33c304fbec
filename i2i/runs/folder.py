"""The checkpoints of a run folder: where they lie, which is the newest, and which are sound."""

import shutil
from pathlib import Path

from i2i.errors import Damaged, UserError, unreadable
from i2i.runs.checkpoint import Checkpoint, Position
from i2i.runs.checkpoint_meta import read_meta
from i2i.utils.text import option

CHECKPOINTS = "checkpoints"
KEPT = 2
"""Checkpoints that a run folder holds: the newest, and the one before in case that is damaged."""

DAMAGED = "damaged-"
"""How names begin of checkpoints that are set aside."""

SIGNS = (CHECKPOINTS, "config.yaml", "metrics.jsonl", ".lock", "skipped.json")
"""What a run folder holds one of, also where its training has stopped before the first checkpoint."""

NO_OTHER = "remove {run} and train or import again"


def check_run_folder(place: Path) -> None:
    """UserError for a folder that holds something else than a run: a bench, data or anything."""
    if (place / "plan.json").is_file():
        first = min(place.glob(f"trainings/*/*/*/{CHECKPOINTS}"), default=None)
        if first is None:
            raise UserError(
                f"{place} holds a bench, of which nothing is trained yet: i2i bench {option('--out', place)}"
            )
        raise UserError(f"{place} holds a bench: name one of its run folders, such as {first.parent}")
    if place.is_file():
        raise UserError(f"{place} is a file and no run folder: name the folder that a training has written")
    if place.is_dir() and any(place.iterdir()) and not looks_like_a_run(place):
        raise UserError(f"{place} is no run folder, it holds other files: name the folder that a training has written")


def looks_like_a_run(folder: Path) -> bool:
    """Whether a training has begun in a folder."""
    return any((folder / name).exists() for name in SIGNS)


def checkpoint_folder(run: Path, position: Position) -> Path:
    """Where the checkpoint of that step lies."""
    return run / CHECKPOINTS / f"{position.step:08d}"


def checkpoint_folders(run: Path) -> list[Path]:
    """The folders of the complete checkpoints, the newest last; UserError if that cannot be seen just now."""
    parent = run / CHECKPOINTS
    try:
        found = list(parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:  # not "there is none": a new training must not start over what cannot be seen just now
        raise unreadable(parent, error, "") from None
    return sorted((path for path in found if _is_step(path.name) and path.is_dir()), key=lambda path: int(path.name))


def newest_checkpoint(run: Path) -> Checkpoint | None:
    """The newest complete checkpoint of a run folder, or None.

    Raises:
        Damaged: if its checkpoint.json is; its other files are looked at when they are loaded.
        UserError: for one of another format.
    """
    folders = checkpoint_folders(run)
    return _open(run, folders[-1]) if folders else None


def intact_checkpoint(run: Path) -> tuple[Checkpoint | None, tuple[Damaged, ...]]:
    """The newest checkpoint of which every file is as it was written, and what is wrong with those after it.

    Raises:
        Damaged: if there are checkpoints and none is intact.
        UserError: for one of another format.
    """
    damages: list[Damaged] = []
    for folder in reversed(checkpoint_folders(run)):
        try:
            checkpoint = _open(run, folder)
            checkpoint.check()
        except Damaged as damage:
            damages.append(damage)
        else:
            return checkpoint, tuple(damages)
    if len(damages) > 1:
        raise Damaged(f"{damages[0].what}, and so is the one before it", NO_OTHER.format(run=run))
    if damages:
        raise damages[0]
    return None, ()


def set_aside_damaged(run: Path) -> str | None:
    """Rename what comes after the newest sound checkpoint, so that training goes on from that; one line if it has.

    Raises:
        Damaged, UserError: as `intact_checkpoint`.
    """
    intact, damages = intact_checkpoint(run)
    if intact is None or not damages:
        return None
    for folder in checkpoint_folders(run):
        if int(folder.name) > int(intact.folder.name):
            place = folder.with_name(DAMAGED + folder.name)
            shutil.rmtree(place, ignore_errors=True)
            folder.rename(place)
    return f"{damages[0].what}: going on from step {intact.position.step}; the damaged one is kept as {place}"


def _open(run: Path, folder: Path) -> Checkpoint:
    earlier = [other for other in checkpoint_folders(run) if int(other.name) < int(folder.name)]
    remedy = (
        f"remove {folder} to use that of step {int(earlier[-1].name)}, or train on from there with "
        f"i2i train {option('--resume', run)}"
        if earlier
        else f"there is none before it; {NO_OTHER.format(run=run)}"
    )
    return Checkpoint(folder, read_meta(folder / "checkpoint.json", remedy), remedy)


def _is_step(name: str) -> bool:
    return name.isascii() and name.isdecimal()
