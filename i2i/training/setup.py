"""What a training run is made of."""

import torch

from i2i import registry
from i2i.config import RunConfig, Settings, build_run, merge
from i2i.data.batches import Batch
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.data.pixel_formats import with_formats
from i2i.data.training_images import TrainingImages
from i2i.errors import UserError
from i2i.runs.checkpoint import Checkpoint
from i2i.training.budget import training_budget
from i2i.training.ema import build_average
from i2i.training.phase_checks import check_phases
from i2i.training.trainer import build_translator
from i2i.training.validation import require_validation
from i2i.translator import Task, Translator, check_size


def run_config(name: str, settings: Settings) -> RunConfig:
    """Validated config of the translator `name`; UserError for an unknown name or setting."""
    cls = registry.get(name)
    return build_run(settings, name, cls.Config, cls.train_defaults())


def task_of(config: RunConfig, data: DataSet) -> Task:
    """The task that one training of this model on these data learns.

    Raises:
        UserError: if the model cannot learn from such data, a domain has no training images, or none for
            validation where that is asked for, or the model cannot take images of that size.
    """
    cls = registry.get(config.name)
    reason = cls.batch.unsuitable(data)
    if reason:
        raise UserError(f"{config.name} cannot be trained on {data.root}: {reason}")
    task = Task.covering(cls.coverage, data.labels, config.data.image_size, config.data.channels_of)
    reason = unlike_channels(config.name, task)
    if reason:
        raise UserError(f"{config.name} cannot be trained on {data.root}: {reason}")
    for domain in task.domains:
        data.images(config.data.train_split, domain)
    if config.train.best_by is not None:
        require_validation(config, data.restricted(task.domains))
    check_trainable(config, task)
    return task


def unlike_channels(name: str, task: Task) -> str | None:
    """Why a model cannot learn a task whose domains have different numbers of channels, or None if it can."""
    if not task.unlike or registry.get(name).unlike_channels:
        return None
    able = [other for other in registry.names() if registry.get(other).unlike_channels]
    counts = ", ".join(f"{domain} {count}" for domain, count in task.unlike)
    return (
        f"it needs images of one number of channels, and these have {counts}.\nTake one of {', '.join(able)}, or "
        'choose as many channels of each domain in i2i.json, as by "take": [0]'
    )


def with_pixel_formats(config: RunConfig, data: DataSet) -> RunConfig:
    """The config with the formats of data beyond 8-bit RGB; itself for other data. UserError as `with_formats`."""
    formats = with_formats(config.data, data)
    return run_config(config.name, merge(config.settings(), {"data": formats})) if formats else config


def blank_translator(config: RunConfig, task: Task) -> Translator:
    """The model on torch's meta device: its shapes, without values and without memory."""
    with torch.device("meta"):
        return build_translator(config, task)


def check_trainable(config: RunConfig, task: Task) -> Translator:
    """The model, built and run through one step's losses on tensors without contents.

    Raises:
        UserError: if it cannot take images of that size, or its layers do not fit them.
    """
    translator = blank_translator(config, task)
    build_average(translator, config.train.ema, config.train.ema_warmup, config.train.ema_statistics)
    training_budget(config, translator)
    check_size(task.image_size, translator.multiple)
    try:
        # To networks one item is not like several, which some norms refuse, but two are like any other number.
        items = min((config.train.batch_size or 1) // config.train.accumulate, 2)
        check_phases(translator, blank_batch(translator, items))
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


def blank_batch(translator: Translator, items: int) -> Batch:
    """A batch of so many items of the translator's image size on the meta device, without values."""
    task = translator.task
    preprocess = Preprocess(task.image_size, task.channels)
    images = TrainingImages.blank(task.labels, preprocess, dict(task.unlike))
    batch = translator.batch.draw(images, task.domains, items, step=0)
    return batch.to(torch.device("meta"), torch.contiguous_format)


def starting_settings(start: Checkpoint) -> Settings:
    """What a training that starts from the weights of another run takes over: model, image size and channels.

    Of data beyond 8-bit RGB the channels are those of the new data.
    """
    task, eight_bits = start.task, "pixel_formats" not in start.settings["data"]
    channels = {"channels": task.channels} if eight_bits else {}
    return {"model": start.settings["model"], "data": {"image_size": list(task.image_size), **channels}}


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
