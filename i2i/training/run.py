"""Training runs as the command line and the bench start them: from a config to a finished run folder."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from i2i._version import __version__
from i2i.config import RunConfig
from i2i.data.data_record import DataRecord
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.data.open import pixel_cache
from i2i.data.training_images import TrainingImages
from i2i.distributed.process_group import ALONE, Processes
from i2i.errors import UserError
from i2i.runs.checkpoint import Checkpoint
from i2i.runs.folder import newest_checkpoint, set_aside_damaged
from i2i.runs.lock import sole_training
from i2i.training.callbacks.base import Callback
from i2i.training.callbacks.metrics_file import MetricsFile
from i2i.training.callbacks.sample_grids import SampleGrids
from i2i.training.describe import counted
from i2i.training.trainer import Trainer
from i2i.training.validation import Evaluator
from i2i.translator import Task
from i2i.utils import console
from i2i.utils.memory import explained_memory_errors
from i2i.utils.progress import Progress

LESS_MEMORY = "take a smaller train.batch_size or data.image_size, --set train.accumulate=2 or train.precision=bf16"


@dataclass(frozen=True)
class TrainingRun:
    """What is trained, on what and where.

    Attributes:
        folder: of the run.
        config: what to train.
        task: what it learns; its domains are loaded.
        data: where the images are.
        device: where to train.
        start: checkpoint of another run whose weights a new training run starts with.
        processes: those that train together and all have an equal one; the first alone writes.
        accept_data: go on even if the images are not those of the checkpoint.
    """

    folder: Path
    config: RunConfig
    task: Task
    data: DataSet
    device: torch.device
    start: Checkpoint | None = None
    processes: Processes = ALONE
    accept_data: bool = False


def train_run(
    run: TrainingRun,
    callbacks: Callable[[Trainer], tuple[Callback, ...]] = lambda trainer: (),
    loading: Progress | None = None,
    evaluator: Evaluator | None = None,
    when_held: Callable[[], None] = lambda: None,
) -> Path:
    """Train to the end of the budget, from the newest sound checkpoint where there is one.

    Damaged ones after it are set aside, which is said on standard error.

    Args:
        run: what is trained.
        callbacks: makes the followers besides the metrics file and the sample grids.
        loading: called with images decoded and in total.
        evaluator: scores it on the validation split; by default as train.best_by says.
        when_held: called by the first process once no other training can start in the folder, before anything is
            written.

    Returns:
        The folder of the last checkpoint.

    Raises:
        UserError: if another training is going on in the folder, no checkpoint in it is intact, the images are not
            those that it was trained on, or processes cannot share a batch or do not see the same files.
        TrainingError: as `Trainer.train`.
    """
    _check_shares(run)
    held = run.processes.held_by_first(sole_training(run.folder))
    with held, explained_memory_errors(f"no training in {run.folder}", LESS_MEMORY):
        run.processes.once(when_held)
        run.processes.once(lambda: _leave_damaged(run.folder))
        record = DataRecord.of(run.data.restricted(run.task.domains), learnt_from(run.config))
        _check_alike(run, record)
        if not run.accept_data:
            _refuse_changed(run, record)
        return _train(run, record, callbacks, loading, evaluator)


def refuse_unlike_settings(run: TrainingRun, others: Mapping[str, object]) -> None:
    """UserError, on every process, unless all were started alike; where data and cache lie may differ.

    Args:
        run: as this process was started.
        others: what else has to be the same, by the name that a message gives it.
    """
    settings = run.config.settings()
    for place in ("path", "sets", "cache_gib"):
        del settings["data"][place]
    facts = {f"{section}.{name}": value for section, values in settings.items() for name, value in values.items()}
    versions = {"i2i": __version__, "torch": torch.__version__, "device": run.device.type}
    difference = run.processes.differing({**versions, **others, **facts, "domains": run.task.domains})
    if difference:
        raise UserError(f"the processes of one training were started differently: {difference}; start all alike")


def _check_shares(run: TrainingRun) -> None:
    count, micro_batches = run.processes.count, run.config.train.accumulate
    size, parts = run.config.train.batch_size or 1, count * micro_batches
    if size % parts:
        micro = f" in {micro_batches} micro-batches each" if micro_batches > 1 else ""
        raise UserError(
            f"train.batch_size={size} cannot be shared equally by {count} processes{micro}: "
            f"use --set train.batch_size={math.ceil(size / parts) * parts}, or fewer processes"
        )


def _leave_damaged(folder: Path) -> None:
    notice = set_aside_damaged(folder)
    if notice:
        console.note(f"i2i: {notice}")


def _check_alike(run: TrainingRun, record: DataRecord) -> None:
    """Compare what the processes see, which may be on different machines; say if their number has changed."""
    folder, processes = run.folder, run.processes
    if not processes.alike(record.fingerprint):
        raise UserError(f"the images of {run.data.root} are not the same on all machines: copy them again")
    checkpoint = newest_checkpoint(folder)
    if not processes.alike(str(checkpoint.position.step if checkpoint else None)):
        raise UserError(f"the machines see different run folders {folder}: put it on a file system that they share")
    if checkpoint is not None and checkpoint.processes != processes.count:
        console.note(
            f"i2i: {folder} was trained by {counted(checkpoint.processes)} and goes on with {processes.count}: random "
            "draws differ from here on, and what a process keeps for itself, such as image pools, stays with the "
            "first of them",
        )


def learnt_from(config: RunConfig) -> list[str]:
    """The splits whose images decide what is learnt."""
    return [config.data.train_split, *([config.data.val_split] if config.train.best_by is not None else [])]


def _refuse_changed(run: TrainingRun, now: DataRecord) -> None:
    checkpoint = newest_checkpoint(run.folder)
    before = checkpoint and checkpoint.data()
    changes = now.changes_since(before) if before else ""
    if checkpoint and changes:
        raise UserError(
            f"{run.data.root} has changed since the checkpoint of step {checkpoint.position.step}: {changes}. "
            "Put the images back, or go on with those there are by --accept-data"
        )


def _train(
    run: TrainingRun,
    record: DataRecord,
    callbacks: Callable[[Trainer], tuple[Callback, ...]],
    loading: Progress | None,
    evaluator: Evaluator | None,
) -> Path:
    images = _load(run, loading)
    if run.processes.first and evaluator is None:
        evaluator = _evaluator_of(run)
    trainer = Trainer(
        run.folder,
        run.config,
        run.task,
        images,
        run.device,
        start=run.start,
        evaluator=evaluator,
        data=record,
        processes=run.processes,
    )
    if run.processes.first:
        trainer.callbacks = (
            MetricsFile(run.folder, trainer.position.step),
            SampleGrids(run.folder, images, run.task.domains, trainer.position.step),
            *callbacks(trainer),
        )
    return trainer.train()


def _load(run: TrainingRun, loading: Progress | None) -> TrainingImages:
    data = run.config.data
    return TrainingImages.load(
        run.data.restricted(run.task.domains),
        data.train_split,
        Preprocess.of(data),
        data.zoom,
        data.flip,
        run.config.train.seed,
        loading,
        pixel_cache(data),
        both_sizes=run.config.train.zoom_until < 1,
    )


def _evaluator_of(run: TrainingRun) -> Evaluator | None:
    if run.config.train.best_by is None:
        return None
    from i2i.training.evaluators import (
        evaluator_of,  # libraries of networks, which other training runs need not wait for
    )

    return evaluator_of(run.config, run.task, run.data, run.device)
