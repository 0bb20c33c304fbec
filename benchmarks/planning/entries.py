"""Who takes part in a bench, and which training runs that takes."""

import inspect
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from i2i import registry
from i2i._version import __version__
from i2i.benchmarks.directions import Training, expand
from i2i.benchmarks.planning.base import Base
from i2i.config import RunConfig, stable_hash
from i2i.errors import UserError
from i2i.presets.methods import Method
from i2i.training.setup import blank_translator, check_trainable
from i2i.training.validation import require_validation
from i2i.translator import Task

BASELINES = ("identity", "reinhard")


@dataclass(frozen=True)
class Entry:
    """A method with a seed, and the training runs that let it translate every direction."""

    method: Method
    seed: int
    training_runs: tuple[Training, ...]


def enter(base: Base) -> tuple[list[Entry], dict[str, str]]:
    """All that take part, baselines included, and by name why others cannot.

    Raises:
        UserError: if no model can, or settings of one do not fit.
    """
    entries: list[Entry] = []
    skipped: dict[str, str] = {}
    names = [*dict.fromkeys(base.suite.models)]
    for name in [*names, *(row for row in BASELINES if row not in names)]:
        method = base.suite.method(name)
        if reason := registry.get(method.model).batch.unsuitable(base.data):
            skipped[name] = reason
        else:
            entries += (Entry(method, seed, training_runs_of(base, method, seed)) for seed in base.suite.seeds)
    if not any(entry.method.name in names for entry in entries):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise UserError(f"no model can be trained on {base.data.root}: {reasons}")
    return entries, skipped


def training_runs_of(base: Base, method: Method, seed: int) -> tuple[Training, ...]:
    """The training runs that a method takes with a seed; UserError if its settings do not fit."""
    cls, (unit, amount) = registry.get(method.model), base.budget
    config = base.config(method, amount, seed)
    learnt = base.data.labels if cls.coverage.value == "all" else base.data.domains[:2]
    task = Task.covering(cls.coverage, learnt, config.data.image_size, config.data.channels)
    _check_steps(base, method, config, task)
    if _learns(base, config, task):
        _check(base, method, config)
    else:
        amount = 0
    training_runs = expand(
        method.name,
        cls.coverage.value,
        base.data.domains,
        base.directions,
        amount,
        base.suite.budget.per,
        seed,
        unit,
    )
    return tuple(_with_own_epochs(base, training) for training in training_runs)


def _with_own_epochs(base: Base, training: Training) -> Training:
    """The training, with epochs of its own domains where each gets so many."""
    budget = base.suite.budget
    if budget.epochs is None or budget.per != "task" or not training.amount:
        return training
    return replace(training, amount=base.images(budget.epochs, training.domains))


def _learns(base: Base, config: RunConfig, task: Task) -> bool:
    """Whether the model has anything to train; it is built and tried out unless it was when last planned."""
    source = Path(inspect.getfile(registry.get(config.name))).read_text()
    essentials = config.essentials()
    del essentials["train"]["seed"]  # as it is for one, it is for all
    key = stable_hash([__version__, torch.__version__, source, essentials, task])
    if key not in base.tried:
        base.tried[key] = bool(check_trainable(config, task).phases())
    return base.tried[key]


def _check(base: Base, method: Method, config: RunConfig) -> None:
    """UserError if training runs with these settings do not leave the weights that are to translate."""
    if method.checkpoint.rule == "ema" and not config.train.ema:
        raise UserError(f"{method.name}: the checkpoint rule ema needs a moving average: add --set train.ema=0.999")
    if config.train.best_by is not None:
        require_validation(config, base.data)


def _check_steps(base: Base, method: Method, config: RunConfig, task: Task) -> None:
    """UserError if the method does not take the sampling steps that are asked for."""
    steps = base.suite.translation.steps_of(method)
    if steps is None:
        return
    try:
        blank_translator(config, task).check_sampling_steps(steps)
    except UserError as error:
        raise UserError(f"{method.name}: {error}") from None
