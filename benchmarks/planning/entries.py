"""Who takes part in a bench, and which training runs that takes."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from i2i import registry
from i2i._version import __version__
from i2i.benchmarks.directions import Training, expand
from i2i.benchmarks.planning.context import Context
from i2i.config import DataConfig, RunConfig, stable_hash
from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.presets.methods import Method
from i2i.training.setup import blank_translator, check_trainable, unlike_channels
from i2i.training.validation import require_validation
from i2i.translator import Task, Translator

BASELINES = ("identity", "reinhard")


@dataclass(frozen=True)
class Entry:
    """A method with a seed, and the training runs that let it translate every direction."""

    method: Method
    seed: int
    training_runs: tuple[Training, ...]


def enter(context: Context) -> tuple[list[Entry], dict[str, str]]:
    """All that take part, baselines included, and by name why others cannot.

    Raises:
        UserError: if no model can, or settings of one do not fit.
    """
    entries: list[Entry] = []
    skipped: dict[str, str] = {}
    names = [*dict.fromkeys(context.suite.models)]
    for name in [*names, *(row for row in BASELINES if row not in names)]:
        method = context.suite.method(name)
        if reason := _unsuitable(context, method):
            skipped[name] = reason
        else:
            entries += (Entry(method, seed, training_runs_of(context, method, seed)) for seed in context.suite.seeds)
    if not any(entry.method.name in names for entry in entries):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise UserError(f"no model can be trained on {context.data.root}: {reasons}")
    return entries, skipped


def _unsuitable(context: Context, method: Method) -> str | None:
    """Why a method cannot learn from the data, in a line; None if it can."""
    cls = registry.get(method.model)
    if reason := cls.batch.unsuitable(context.data):
        return reason
    found = (unlike_channels(method.model, task) for task in _tasks(context, cls, context.data_config))
    return next((reason.splitlines()[0].rstrip(".") for reason in found if reason), None)


def _tasks(context: Context, cls: type[Translator], data: DataConfig) -> list[Task]:
    """What training runs of a translator learn, those of equal channels once."""
    groups: Sequence[LabelSpace | tuple[str, ...]] = [context.data.labels]
    if cls.coverage.value != "all":
        pairs = (context.data.domains[:2], *context.directions)
        groups = list({tuple(map(data.channels_of, pair)): pair for pair in reversed(pairs)}.values())[::-1]
    return [Task.covering(cls.coverage, group, data.image_size, data.channels_of) for group in groups]


def training_runs_of(context: Context, method: Method, seed: int) -> tuple[Training, ...]:
    """The training runs that a method takes with a seed; UserError if its settings do not fit."""
    cls, (unit, amount) = registry.get(method.model), context.budget
    config = context.config(method, amount, seed)
    tasks = _tasks(context, cls, config.data)
    _check_steps(context, method, config, tasks[0])
    if all(_learns(context, config, task) for task in tasks):  # a list, so that each is tried out
        _check(context, method, config)
    else:
        amount = 0
    training_runs = expand(
        method.name,
        cls.coverage.value,
        context.data.domains,
        context.directions,
        amount,
        context.suite.budget.per,
        seed,
        unit,
    )
    return tuple(_with_own_epochs(context, training) for training in training_runs)


def _with_own_epochs(context: Context, training: Training) -> Training:
    """The training, with epochs of its own domains where each gets so many."""
    budget = context.suite.budget
    if budget.epochs is None or budget.per != "task" or not training.amount:
        return training
    return replace(training, amount=context.images(budget.epochs, training.domains))


def _learns(context: Context, config: RunConfig, task: Task) -> bool:
    """Whether the model has anything to train; it is built and tried out unless it was when last planned."""
    source = Path(inspect.getfile(registry.get(config.name))).read_text()
    essentials = config.essentials()
    del essentials["train"]["seed"]  # as it is for one, it is for all
    key = stable_hash([__version__, torch.__version__, source, essentials, task])
    if key not in context.tried:
        context.tried[key] = bool(check_trainable(config, task).phases())
    return context.tried[key]


def _check(context: Context, method: Method, config: RunConfig) -> None:
    """UserError if training runs with these settings do not leave the weights that are to translate."""
    if method.checkpoint.rule == "ema" and not config.train.ema:
        raise UserError(f"{method.name}: the checkpoint rule ema needs a moving average: add --set train.ema=0.999")
    if config.train.best_by is not None:
        require_validation(config, context.data)


def _check_steps(context: Context, method: Method, config: RunConfig, task: Task) -> None:
    """UserError if the method does not take the sampling steps that are asked for."""
    steps = context.suite.translation.steps_of(method)
    if steps is None:
        return
    try:
        blank_translator(config, task).check_sampling_steps(steps)
    except UserError as error:
        raise UserError(f"{method.name}: {error}") from None
