"""Trainings as the command line and the bench start them: from a config to a finished run folder."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from i2i import registry
from i2i._version import __version__
from i2i.checkpoint import Checkpoint, newest_checkpoint, set_aside_damaged, starting_weights
from i2i.config import RunConfig, Settings, build_run, merge
from i2i.data.audit.fitting import fitting_line, sizes_of
from i2i.data.batches import Batch
from i2i.data.data_record import DataRecord
from i2i.data.decoding.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.data.open import pixel_cache
from i2i.data.training_images import TrainingPictures
from i2i.ema import build_average
from i2i.errors import UserError
from i2i.horizon import horizon_of
from i2i.phase_checks import check_phases
from i2i.processes import ALONE, Processes
from i2i.run_lock import sole_training
from i2i.tracking import MetricsFile, SampleGrids, duration
from i2i.trainer import Observer, Trainer, build_translator
from i2i.translator import Task, Translator, check_size
from i2i.utils import console
from i2i.utils.memory import told_when_short
from i2i.utils.progress import Progress
from i2i.validation import Judge, require_validation

LESS_MEMORY = "take a smaller train.batch_size or data.image_size, --set train.accumulate=2 or train.precision=bf16"


def run_config(name: str, settings: Settings) -> RunConfig:
    """Validated config of the translator `name`; UserError for an unknown name or setting."""
    cls = registry.get(name)
    return build_run(settings, name, cls.Config, cls.batch_size)


def task_of(config: RunConfig, data: DataSet) -> Task:
    """The task that one training of this model on these data learns.

    Raises:
        UserError: if the model cannot learn from such data, a domain has no training pictures, or none for
            validation where that is asked for, or the model cannot take images of that size.
    """
    cls = registry.get(config.name)
    reason = cls.batch.unsuitable(data)
    if reason:
        raise UserError(f"{config.name} cannot be trained on {data.root}: {reason}")
    task = Task.covering(cls.coverage, data.labels, config.data.image_size, config.data.channels)
    for domain in task.domains:
        data.pictures(config.data.train_split, domain)
    if config.train.best_by is not None:
        require_validation(config, data.restricted(task.domains))
    check_trainable(config, task)
    return task


def check_trainable(config: RunConfig, task: Task) -> Translator:
    """The model, built and run through one step's losses on tensors without contents.

    Raises:
        UserError: if it cannot take images of that size, its layers do not fit them, or it has no weights to average.
    """
    with torch.device("meta"):
        translator = build_translator(config, task)
    build_average(translator, config.train.ema)
    horizon_of(config, translator)
    check_size(task.image_size, translator.multiple)
    try:
        check_phases(translator, _empty_batch(config, translator))
    except (RuntimeError, ValueError) as error:
        if "meta" in str(error):  # of tensors that have no values
            raise UserError(
                f"a loss of {config.name} reads the values of tensors ({str(error).splitlines()[0]}): "
                "give them on as tensors, without .item(), float() or if"
            ) from None
        height, width = task.image_size
        raise UserError(
            f"{config.name} cannot be trained at {height}x{width} px in batches of {config.train.batch_size} "
            f"({str(error).splitlines()[0]}): use a larger --set data.image_size=... or fewer layers"
        ) from None
    return translator


def _empty_batch(config: RunConfig, translator: Translator) -> Batch:
    """A batch of images of the right size on the meta device.

    To networks one item is not like several, which some norms refuse, but two are like any other number.
    """
    task, size = translator.task, (config.train.batch_size or 1) // config.train.accumulate
    pictures = TrainingPictures.blank(task.labels, Preprocess(task.image_size, task.channels))
    batch = translator.batch.draw(pictures, task.domains, min(size, 2), step=0)
    return batch.to(torch.device("meta"), torch.contiguous_format)


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


def counted(processes: int) -> str:
    """`1 process`, `2 processes`."""
    return "1 process" if processes == 1 else f"{processes} processes"


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
        from i2i.judges import judge_of  # libraries of networks, which other trainings need not wait for

        judge = judge_of(config, task, data, device)
    trainer = Trainer(run, config, task, pictures, device, start=start, judge=judge, data=record, processes=processes)
    if processes.first:
        trainer.observers = (
            MetricsFile(run, trainer.position.step),
            SampleGrids(run, pictures, task.domains, trainer.position.step),
            *observers(trainer),
        )
    return trainer.train()


def starting_settings(start: Checkpoint) -> Settings:
    """What a training that starts from the weights of another run takes over: model, image size and channels."""
    task = start.task
    return {
        "model": start.settings["model"],
        "data": {"image_size": list(task.image_size), "channels": task.channels},
    }


def starting_domains(config: RunConfig, data: DataSet, start: Checkpoint) -> tuple[RunConfig, DataSet]:
    """Config and data with the domains of the run to start from, in its order, where the data has them all.

    Networks know domains by their place, so the order of the folders must not decide. Domains that were chosen by a
    setting are left as they are.
    """
    domains = start.task.domains
    if config.data.domains is not None or not set(domains) <= set(data.domains):
        return config, data
    settings = merge(config.settings(), {"data": {"domains": list(domains)}})
    return run_config(config.name, settings), data.restricted(domains)


def describe_start(run: Path, start: Checkpoint, config: RunConfig, task: Task) -> str:
    """One line: whose weights, which networks start afresh, which domains take whose place.

    Raises:
        UserError: if the weights do not fit.
    """
    starting_weights(check_trainable(config, task), start)
    line = f"starts with the weights of {run}"
    if start.fresh:
        line += f"; afresh: {', '.join(start.fresh)}"
    places = [f"{new} for {old}" for new, old in zip(task.domains, start.task.domains, strict=False) if new != old]
    return line + (f"; domains: {', '.join(places)}" if places else "")


def describe(config: RunConfig, task: Task) -> str:
    """One line: model, domains, size, parameters, steps."""
    translator = check_trainable(config, task)
    count = sum(parameter.numel() for parameter in translator.parameters())
    height, width = task.image_size
    steps = horizon_of(config, translator).steps
    length = f"{steps:,} steps" if steps is not None else f"{duration(config.train.budget[1])} in steps"
    return (
        f"{config.name} on {', '.join(task.domains)} at {height}x{width} px: {count:,} parameters, "
        f"{length} of {config.train.batch_size}, translates with {translator.inference}"
    )


def describe_fit(config: RunConfig, task: Task, data: DataSet) -> str:
    """One line: what fitting the training pictures to the image size costs them."""
    pictures = {p for domain in task.domains for p in data.pictures(config.data.train_split, domain)}
    return fitting_line(sizes_of(sorted(pictures, key=str)), Preprocess.of(config.data))
