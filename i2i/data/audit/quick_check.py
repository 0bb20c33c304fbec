"""What can be said of the data before every training without reading them twice: a few lines, hardly any decoding.

Files of different lengths cannot be equal, so few are read to find equal ones across splits; sizes come from headers.
Only of images of 16 bits some are decoded, to see whether they use their range.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from i2i.config import DataConfig
from i2i.data.audit.checks import dark_line, files_of, imbalance_line, lost_by_crop
from i2i.data.audit.inspect import inspect_file, is_deep
from i2i.data.audit.pair_sizes import apart, apart_line, pairs_of
from i2i.data.image_files.images import read_size
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


Digest = Callable[[Path], bytes]
"""Gives a digest of a file's contents."""


def warnings(data: DataSet, config: DataConfig, known: Digest | None = None) -> list[str]:
    """What a user should know before training on `data` as the settings say; nothing where all is well.

    Args:
        data: the images.
        config: the settings.
        known: where digests of the files are kept; None: files are read, as long as these are few.
    """
    lines = [
        *_leaks(data, config.train_split, known),
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
    held_out, training = ({path: path.stat().st_size for path in paths} for paths in (ours, theirs))
    shared = set(held_out.values()) & set(training.values())
    ours, theirs = ([path for path, length in own.items() if length in shared] for own in (held_out, training))
    if sum(held_out[path] for path in ours) + sum(training[path] for path in theirs) > MOST_COMPARED:
        return None
    return _equal(ours, theirs, _read)


def _equal(ours: list[Path], theirs: list[Path], digest: Digest) -> list[tuple[Path, Path]]:
    """Files of `ours`, each with the first of `theirs` that has its digest."""
    found = {digest(path): path for path in reversed(theirs)}
    pairs = ((path, found.get(digest(path))) for path in ours)
    return sorted((path, match) for path, match in pairs if match is not None)


def _leaks(data: DataSet, train_split: str, known: Digest | None) -> Iterator[str]:
    training = files_of(data, train_split)
    held_out = [path for split in data.splits if split != train_split for path in files_of(data, split)]
    try:
        equal = _equal(held_out, training, known) if known else equal_files(held_out, training)
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


def _read(path: Path) -> bytes:
    return blake2b(path, 16)
