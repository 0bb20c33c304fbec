"""Translating files: which pictures, which direction, where the results go."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from i2i.data.images import Preprocess, is_picture, read_picture, to_arrays, to_images, write_picture
from i2i.data.pictures import Progress
from i2i.errors import UserError
from i2i.translator import Coverage, Translator

BATCH = 16

Files = list[tuple[Path, Path]]
"""Pictures and the names of their translations, relative to the output folder."""


def collect(inputs: Sequence[Path]) -> Files:
    """All pictures among files and folders; folders are searched through and their trees kept.

    Raises:
        UserError: for a missing or empty input, or two inputs with the same output name.
    """
    files: Files = []
    for given in inputs:
        if given.is_dir():
            found = sorted(path for path in given.rglob("*") if is_picture(path))
            if not found:
                raise UserError(f"there are no pictures in {given}")
            files += [(path, path.relative_to(given).with_suffix(".png")) for path in found]
        elif given.is_file():
            files.append((given, Path(given.stem + ".png")))
        else:
            raise UserError(f"there is no picture or folder {given}")
    _refuse_collisions(files)
    return files


def direction(translator: Translator, source: str | None, target: str) -> tuple[str, str]:
    """The direction to `target`, a domain; a source that is not given is any the model translates from.

    Raises:
        UserError: for an unknown target, or one that the model does not translate to.
    """
    task = translator.task
    task.index(target)
    if source is not None:
        return source, target
    sources = [a for a, b in task.directions if b == target]
    if not sources:
        targets = ", ".join(sorted({b for _, b in task.directions}))
        raise UserError(f"this model does not translate to {target}, only to {targets}")
    if len(sources) > 1 and translator.coverage is not Coverage.ALL:
        raise UserError(f"say which domain the pictures are of: --source {' or '.join(sources)}")
    return sources[0], target


def _translation(translator: Translator, source: str | None, target: str) -> Callable[[Tensor], Tensor]:
    """Images in, translations out; for a model led by attributes `source` says which the pictures have."""
    if not translator.labelled:
        ways = direction(translator, source, target)
        return lambda images: translator.translate(images, *ways)
    space = translator.task.labels
    space.towards(target)
    if space.decides(target):
        return lambda images: translator.translate(images, source, target)
    if source is not None:
        space.described(target, [source])
    return lambda images: translator.translate(images, None, target, None if source is None else [source] * len(images))


def translate_files(
    translator: Translator,
    preprocess: Preprocess,
    files: Files,
    source: str | None,
    target: str,
    out: Path,
    device: torch.device,
    progress: Progress | None = None,
) -> int:
    """Translate pictures into PNG files below `out`; returns how many.

    Every picture is read before the first result is written, so that a broken one leaves nothing half-done;
    they are read again batch by batch, to keep memory small.
    """
    translate = _translation(translator, source, target)
    _refuse_overwriting(files, out)
    for path, _ in files:
        read_picture(path)
    for start in range(0, len(files), BATCH):
        some = files[start : start + BATCH]
        images = torch.cat([to_images(preprocess(read_picture(path))[None]) for path, _ in some])
        translated = to_arrays(translate(images.to(device)))
        for pixels, (_, name) in zip(translated, some, strict=True):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write_picture(out / name, pixels)
        if progress:
            progress(start + len(some), len(files))
    return len(files)


def _refuse_overwriting(files: Files, out: Path) -> None:
    inputs = {path.resolve() for path, _ in files}
    for _, name in files:
        if (out / name).resolve() in inputs:
            raise UserError(f"{out / name} is one of the pictures to translate: choose another folder with --out")


def _refuse_collisions(files: Files) -> None:
    seen: dict[Path, Path] = {}
    for path, name in files:
        if name in seen:
            raise UserError(f"{seen[name]} and {path} would both become {name}: translate them into two folders")
        seen[name] = path
