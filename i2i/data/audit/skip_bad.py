"""Training without the files that cannot be read, and the record of which these are."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from i2i.data.audit.checks import files_of
from i2i.data.audit.inspect import faults
from i2i.data.layouts import DataSet, ImageFile
from i2i.errors import UserError
from i2i.utils.atomic_write import write_text
from i2i.utils.json_documents import from_json
from i2i.utils.progress import Progress

RECORD = "skipped.json"


Skipped = Mapping[str, str]
"""Why each of some files was left out, by its path."""


def find_bad(data: DataSet, splits: Iterable[str], progress: Progress | None = None) -> Skipped:
    """The files of some splits that cannot be decoded, and why; every file is decoded once for this."""
    present = [split for split in splits if split in data.splits]
    paths = list(dict.fromkeys(path for split in present for path in files_of(data, split)))
    return {str(path): reason for path, reason in faults(paths, progress, data.native).items()}


def without(data: DataSet, paths: Collection[str]) -> DataSet:
    """The data without some files; in paired data without their partners, too."""
    gone = set(paths)
    splits = {split: _kept(found, gone, data.paired) for split, found in data.splits.items()}
    return replace(data, splits=splits)


def record(run: Path, skipped: Skipped, root: Path) -> None:
    """Write which files a training leaves out into its run folder; without any, no record of an earlier try stays.

    Files in the data folder `root` are recorded by their place in it, so that it may move.
    """
    path = run / RECORD
    if not skipped:
        path.unlink(missing_ok=True)
        return
    reasons = {_within(root, file): reason for file, reason in skipped.items()}
    write_text(path, json.dumps({"skipped": reasons}, indent=1))


def _within(root: Path, file: str) -> str:
    path = Path(file)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else file


def recorded(run: Path, root: Path) -> Skipped:
    """What `record` wrote, of data that now lie in `root`; nothing where no file was left out.

    Raises:
        UserError: if the record is damaged.
    """
    path = run / RECORD
    if not path.is_file():
        return {}
    try:
        reasons = from_json(dict[str, dict[str, str]], path.read_bytes())["skipped"]
    except (ValueError, KeyError):
        raise UserError(
            f"{path} is damaged: it should tell which images this training leaves out; train again with --skip-bad"
        ) from None
    return {str(root / file): reason for file, reason in reasons.items()}


def lines(skipped: Skipped, root: Path) -> list[str]:
    """What is left out, for people to read."""
    return [f"{len(skipped)} of the files in {root} left out (--skip-bad)", *(f"  {why}" for why in skipped.values())]


def _kept(
    found: Mapping[str, tuple[ImageFile, ...]], gone: Collection[str], paired: bool
) -> dict[str, tuple[ImageFile, ...]]:
    if paired:
        bad = {place for own in found.values() for place, image in enumerate(own) if str(image.path) in gone}
        return {
            domain: tuple(image for place, image in enumerate(own) if place not in bad) for domain, own in found.items()
        }
    return {domain: tuple(image for image in own if str(image.path) not in gone) for domain, own in found.items()}
