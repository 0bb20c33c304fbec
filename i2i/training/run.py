"""Trainings as the command line and the bench start them: from a config to a finished run folder."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from i2i._version import __version__
from i2i.config import RunConfig
from i2i.data.data_record import DataRecord
from i2i.data.decoding.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.data.open import pixel_cache
from i2i.data.training_images import TrainingPictures
from i2i.distributed.process_group import ALONE, Processes
from i2i.errors import UserError
from i2i.runs.checkpoint import Checkpoint, newest_checkpoint, set_aside_damaged
from i2i.runs.lock import sole_training
from i2i.training.callbacks import MetricsFile, SampleGrids
from i2i.training.describe import counted
from i2i.training.events import Observer
from i2i.training.trainer import Trainer
from i2i.training.validation import Judge
from i2i.translator import Task
from i2i.utils import console
from i2i.utils.memory import told_when_short
from i2i.utils.progress import Progress

LESS_MEMORY = "take a smaller train.batch_size or data.image_size, --set train.accumulate=2 or train.precision=bf16"


def train_run(
    run: Path,
    config: RunConfig,
    task: Task,
    data: DataSet,
    device: torch.device,
    observers: Callable[[Trainer], tuple[Observer, ...]] = lambda trainer: (),
    loading: Progress | None = None,
    start: Checkpoint | None = None,
    judge: Judge | None = None,
    accept_data: bool = False,
    processes: Processes = ALONE,
    when_held: Callable[[], None] = lambda: None,
) -> Path:
    """Train to the end of the budget, from the newest sound checkpoint where there is one.

    Damaged ones after it are set aside, which is said on standard error.

    Args:
        run: the run folder.
        config: what to train.
        task: what it learns; its domains are loaded.
        data: where the pictures are.
        device: where to train.
        observers: makes the followers besides the metrics file and the sample grids.
        loading: called with pictures decoded and in total.
        start: checkpoint of another run whose weights a new training starts with.
        judge: scores it on the validation split; by default as train.best_by says.
        accept_data: go on even if the pictures are not those of the checkpoint.
        processes: those that train together and all call this; the first alone writes.
        when_held: called by the first once no other training can start in the folder, before anything is written.

    Returns:
        The folder of the last checkpoint.

    Raises:
        UserError: if another training is going on in the folder, no checkpoint in it is sound, the pictures are not
            those that it was trained on, or processes cannot share a batch or do not see the same files.
        TrainingError: as `Trainer.train`.
    """
    _check_shares(config, processes)
    with processes.held_by_first(sole_training(run)), told_when_short(f"no training in {run}", LESS_MEMORY):
        processes.once(when_held)
        processes.once(lambda: _leave_damaged(run))
        record = DataRecord.of(data.restricted(task.domains), learnt_from(config))
        _check_alike(run, data, record, processes)
        if not accept_data:
            _refuse_changed(run, data, record)
        return _train(run, config, task, data, record, device, observers, loading, start, judge, processes)


def refuse_unlike_settings(
    processes: Processes, config: RunConfig, task: Task, device: torch.device, others: Mapping[str, object]
) -> None:
    """UserError, on every process, unless all were started alike; where data and cache lie may differ.

    Args:
        processes: those that train together and all call this.
        config: what to train.
        task: what it learns.
        device: where to train.
        others: what else has to be the same, by the name that a message gives it.
    """
    settings = config.settings()
    for place in ("path", "sets", "cache_gib"):
        del settings["data"][place]
    facts = {f"{section}.{name}": value for section, values in settings.items() for name, value in values.items()}
    versions = {"i2i": __version__, "torch": torch.__version__, "device": device.type}
    difference = processes.differing({**versions, **others, **facts, "domains": task.domains})
    if difference:
        raise UserError(f"the processes of one training were started differently: {difference}; start all alike")


def _check_shares(config: RunConfig, processes: Processes) -> None:
    size, parts = config.train.batch_size or 1, processes.count * config.train.accumulate
    if size % parts:
        micro = f" in {config.train.accumulate} micro-batches each" if config.train.accumulate > 1 else ""
        raise UserError(
            f"train.batch_size={size} cannot be shared equally by {processes.count} processes{micro}: "
            f"use --set train.batch_size={math.ceil(size / parts) * parts}, or fewer processes"
        )


def _leave_damaged(run: Path) -> None:
    notice = set_aside_damaged(run)
    if notice:
        console.note(f"i2i: {notice}")


def _check_alike(run: Path, data: DataSet, record: DataRecord, processes: Processes) -> None:
    """Compare what the processes see, which may be on different machines; say if their number has changed."""
    if not processes.alike(record.fingerprint):
        raise UserError(f"the pictures of {data.root} are not the same on all machines: copy them anew")
    checkpoint = newest_checkpoint(run)
    if not processes.alike(str(checkpoint.position.step if checkpoint else None)):
        raise UserError(f"the machines see different run folders {run}: put it on a file system that they share")
    if checkpoint is not None and checkpoint.processes != processes.count:
        console.note(
            f"i2i: {run} was trained by {counted(checkpoint.processes)} and goes on with {processes.count}: random "
            "draws differ from here on, and what a process keeps for itself, such as image pools, stays with the "
            "first of them",
        )


def learnt_from(config: RunConfig) -> list[str]:
    """The splits whose pictures decide what is learnt."""
    return [config.data.train_split, *([config.data.val_split] if config.train.best_by is not None else [])]


def _refuse_changed(run: Path, data: DataSet, now: DataRecord) -> None:
    checkpoint = newest_checkpoint(run)
    before = checkpoint and checkpoint.data()
    changes = now.changes_since(before) if before else ""
    if checkpoint and changes:
        raise UserError(
            f"{data.root} has changed since the checkpoint of step {checkpoint.position.step}: {changes}. "
            "Put the pictures back, or go on with those there are by --accept-data"
        )


def _train(
    run: Path,
    config: RunConfig,
    task: Task,
    data: DataSet,
    record: DataRecord,
    device: torch.device,
    observers: Callable[[Trainer], tuple[Observer, ...]],
    loading: Progress | None,
    start: Checkpoint | None,
    judge: Judge | None,
    processes: Processes,
) -> Path:
    pictures = TrainingPictures.load(
        data.restricted(task.domains),
        config.data.train_split,
        Preprocess.of(config.data),
        config.data.zoom,
        config.data.flip,
        config.train.seed,
        loading,
        pixel_cache(config.data),
    )
    if processes.first and judge is None and config.train.best_by is not None:
        from i2i.training.evaluators import judge_of  # libraries of networks, which other trainings need not wait for

        judge = judge_of(config, task, data, device)
    trainer = Trainer(run, config, task, pictures, device, start=start, judge=judge, data=record, processes=processes)
    if processes.first:
        trainer.observers = (
            MetricsFile(run, trainer.position.step),
            SampleGrids(run, pictures, task.domains, trainer.position.step),
            *observers(trainer),
        )
    return trainer.train()
