"""Writing checkpoints."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from i2i._version import __version__
from i2i.config import Settings
from i2i.data.data_record import DataRecord
from i2i.runs.checkpoint import DATA, Best, Position
from i2i.runs.checkpoint_meta import FORMAT, Budget
from i2i.runs.folder import CHECKPOINTS, KEPT, checkpoint_folder, checkpoint_folders
from i2i.translator import Translator
from i2i.utils.atomic_write import replacing, replacing_folder, sync_to_disk
from i2i.utils.checksums import checksum, sealed


def save_checkpoint(
    run: Path,
    translator: Translator,
    settings: Settings,
    position: Position,
    optimizers: Mapping[str, Mapping[str, object]],
    average: Mapping[str, Tensor] | None = None,
    origin: Mapping[str, object] | None = None,
    best: Best | None = None,
    data: DataRecord | None = None,
    rollbacks: int = 0,
    others: Sequence[Mapping[str, Tensor]] = (),
    log: Mapping[str, object] | None = None,
    budgets: Sequence[Budget] = (),
) -> Path:
    """Write a checkpoint, then remove those before the one before it; returns its folder.

    `average` are averaged weights, `best` those that were best, where the run keeps some; `origin` tells of imported
    weights: the files with their hashes, and which networks are `fresh`; `data` lists the images that are learnt
    from, `rollbacks` counts the returns to an earlier checkpoint, `others` are the translator's training states in
    the other processes that train with this one, `log` is what the next line of the log has so far, and `budgets` are
    those that the training had before it was extended.

    Raises:
        OSError: if it cannot be written, with ENOSPC where the disk is full; nothing of it is left then.
    """
    parent = run / CHECKPOINTS
    parent.mkdir(parents=True, exist_ok=True)
    final = checkpoint_folder(run, position)
    if final.exists():
        return final  # the same step of the same run is the same state
    _remove_leftovers(parent)
    meta = meta_of(translator, settings, position, average is not None, origin)
    if best is not None:
        meta["best"] = best.facts()
    if rollbacks:
        meta["rollbacks"] = rollbacks
    if others:
        meta["processes"] = 1 + len(others)
    if budgets:
        meta["budgets"] = [budget.model_dump(exclude_none=True) for budget in budgets]
    if data is not None:
        meta["data_fingerprint"] = data.fingerprint
    weights = {"model": translator.state_dict(), "ema": average, "best": None if best is None else best.weights}
    training = {"optimizers": dict(optimizers), "translator": translator.training_state(), "log": dict(log or {})}
    if others:
        training["others"] = list(others)
    with replacing_folder(final, sync=True) as partial:
        _write(partial, weights, training, data, meta)
    for older in checkpoint_folders(run)[:-KEPT]:
        # Out of sight before it goes: a half-removed folder must not look like a checkpoint.
        removed = older.rename(older.with_name(f".{older.name}.old"))
        shutil.rmtree(removed)
    return final


def _write(
    folder: Path,
    weights: Mapping[str, Mapping[str, Tensor] | None],
    training: Mapping[str, object],
    data: DataRecord | None,
    meta: Mapping[str, object],
) -> None:
    """Write all files of a checkpoint into the empty `folder`, synced, checkpoint.json last."""
    for name, tensors in weights.items():
        if tensors is not None:
            # Of itself safetensors makes files that nobody else may read.
            with replacing(folder / f"{name}.safetensors", sync=False) as partial:
                save_file(_plain(tensors), partial)
    torch.save(training, folder / "training.pt")
    if data is not None:
        (folder / DATA).write_text(data.text, encoding="utf-8")
    files = {path.name: checksum(path) for path in sorted(folder.iterdir())}
    (folder / "checkpoint.json").write_bytes(sealed({**meta, "files": files}))
    for path in (*folder.iterdir(), folder):
        sync_to_disk(path)


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _remove_leftovers(parent: Path) -> None:
    """What processes left that were killed while they wrote or removed a checkpoint."""
    for path in (*parent.glob(".*.part"), *parent.glob(".*.old")):
        shutil.rmtree(path, ignore_errors=True)


def meta_of(
    translator: Translator,
    settings: Settings,
    position: Position,
    averaged: bool = False,
    origin: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """What is written beside a translator's weights, such that `restore` can build it again."""
    task = translator.task
    return {
        "format": FORMAT,
        "i2i": __version__,
        "torch": torch.__version__,
        **asdict(position),
        "inference": translator.inference,
        "averaged": averaged,
        **({"references": _references(translator, position)} if translator.batch.references else {}),
        "parameters": sum(parameter.numel() for parameter in translator.learned_parameters().values()),
        "task": {
            "domains": task.domains,
            "directions": task.directions,
            "labels": task.labels.settings(),
            "image_size": task.image_size,
            "channels": task.channels,
            **({"unlike": task.unlike} if task.unlike else {}),
        },
        "settings": settings,
        **({"origin": dict(origin)} if origin is not None else {}),
    }


def _references(translator: Translator, position: Position) -> int:
    """Reference images that were shown besides the images that budgets count."""
    return position.images // translator.batch.images_per_item * translator.batch.references
