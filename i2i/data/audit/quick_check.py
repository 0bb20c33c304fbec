"""What can be said of the data before every training without reading them twice: a few lines, hardly any decoding.

Files of different lengths cannot be equal, so few are read to find equal ones across splits; sizes come from headers.
Only of images of 16 bits some are decoded, to see whether they use their range.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from i2i.config import DataConfig
from i2i.data.audit.checks import dark_line, files_of, imbalance_line, lost_by_crop
from i2i.data.audit.inspect import inspect_file, is_deep
from i2i.data.audit.pair_sizes import apart, apart_line, pairs_of
from i2i.data.decoding.images import read_size
from i2i.data.layouts import DataSet
from i2i.errors import UserError
from i2i.utils.fingerprint import blake2b
from i2i.utils.wording import number, some

MOST_HEADERS = 300
"""Images of the training split whose headers are read, evenly spread."""
MOST_COMPARED = 2**28
"""Bytes of files of equal length that are compared; data with more are left to `i2i data check`."""
MOST_DECODED = 16
"""Images of each domain that are decoded if they have 16 bits, evenly spread."""
LOSS = 0.1


def warnings(data: DataSet, config: DataConfig) -> list[str]:
    """What a user should know before training on `data` as the settings say; nothing where all is well."""
    lines = [
        *_leaks(data, config.train_split),
        *imbalance_line(data, config.train_split),
        *_apart(data, config.train_split),
        *([] if data.native else _dark(data, config.train_split)),
    ]
    return [*lines, *(_lost(data, config.train_split, config.image_size) if config.fit == "crop" else ())]


def _dark(data: DataSet, split: str) -> list[str]:
    return [line for domain in data.domains for line in dark(domain, files_of(data, split, domain))]


def dark(what: str, paths: Sequence[Path]) -> list[str]:
    """A line if images of 16 bits use a small part of the range, of which some are decoded; `what` names them all."""
    some_paths = paths[:: -(-len(paths) // MOST_DECODED) or 1]
    inspections = [inspect_file(path) for path in some_paths if is_deep(path)]
    line = dark_line(what, [one.brightest for one in inspections if one.fault is None])
    return [line] if line else []


def equal_files(ours: list[Path], theirs: list[Path]) -> list[tuple[Path, Path]] | None:
    """Files of `ours` with one of `theirs` that has the same contents; None where too much would have to be read."""
    lengths: dict[int, list[Path]] = {}
    for path in ours:
        lengths.setdefault(_length(path), []).append(path)
    candidates = [path for path in theirs if _length(path) in lengths]
    shared = {_length(path) for path in candidates}
    held_out = [path for length in shared for path in lengths[length]]
    if sum(map(_length, candidates)) + sum(map(_length, held_out)) > MOST_COMPARED:
        return None
    known = {_digest(path): path for path in reversed(candidates)}
    pairs = ((path, known.get(_digest(path))) for path in held_out)
    return sorted((path, match) for path, match in pairs if match is not None)


def _leaks(data: DataSet, train_split: str) -> Iterator[str]:
    training = files_of(data, train_split)
    held_out = [path for split in data.splits if split != train_split for path in files_of(data, split)]
    try:
        equal = equal_files(held_out, training)
    except OSError:  # the training itself will name the file
        return
    if equal is None:
        yield "whether held-out images are among the training images was not looked at: i2i data check does"
    elif equal:
        names = some([f"{path} = {match}" for path, match in equal])
        yield f"{number(len(equal), 'held-out image')} among the training images, so scores will flatter: {names}"


def _lost(data: DataSet, train_split: str, image_size: tuple[int, int]) -> Iterator[str]:
    images = [image for domain in data.domains for image in data.splits[train_split].get(domain, ())]
    every = -(-len(images) // MOST_HEADERS) or 1
    lost = []
    for image in images[::every]:
        try:
            height, width = read_size(image.path, image.half, image.native)
        except (OSError, UserError):  # the training itself will name the file
            continue
        lost.append(lost_by_crop((max(1, width), height), image_size))
    if lost and max(lost) >= LOSS:
        height, width = image_size
        mean = sum(lost) / len(lost)
        yield f"cropping to {height}x{width} takes {mean:.0%} of a training image on average, at most {max(lost):.0%}"


def _apart(data: DataSet, train_split: str) -> Iterator[str]:
    pairs = pairs_of(data, train_split)
    every = -(-2 * len(pairs) // MOST_HEADERS) or 1
    some_pairs = pairs[::every]
    sizes: dict[Path, tuple[int, int]] = {}
    for path in dict.fromkeys(path for pair in some_pairs for path in pair):
        with suppress(OSError, UserError):  # the training itself will name the file
            height, width = read_size(path, native=data.native)
            sizes[path] = width, height
    if found := apart(some_pairs, sizes):
        yield apart_line(data, found, sizes, f" of {len(some_pairs):,} looked at" if every > 1 else "")


def _length(path: Path) -> int:
    return path.stat().st_size


def _digest(path: Path) -> bytes:
    return blake2b(path, 16)
