"""Training runs that go on: from where, with which settings, on which data."""

from pathlib import Path

from i2i.config import BUDGETS, RunConfig, Settings, merge
from i2i.data.audit.skip_bad import recorded, without
from i2i.data.layouts import DataSet
from i2i.data.open import is_there, open_data
from i2i.errors import UserError
from i2i.runs.checkpoint import Checkpoint
from i2i.runs.folder import check_run_folder, intact_checkpoint
from i2i.runs.load import refuse_unlike
from i2i.training.budget import in_images, training_budget
from i2i.training.setup import check_trainable, run_config
from i2i.translator import Task, Translator
from i2i.utils.text import option

BENCH_KEY = "key.json"
"""Lies in the run folders of a bench and says what they were made from."""

RESUMABLE = (*BUDGETS, "accumulate", "log_every", "sample_every", "checkpoint_every", "on_nan")
"""Settings under train with which a training can go on though they are not those it began with."""


def open_for_resume(run: Path, changes: Settings | None = None) -> tuple[RunConfig, Task, DataSet]:
    """Config, with `changes` put over it, task and data of a run folder whose training can go on.

    Raises:
        UserError: if there is nothing to resume, nothing intact, the training is finished and not to become longer, or
            the changes are none with which a training can go on.
    """
    checkpoint = intact_checkpoint(run)[0] if run.is_dir() else None
    if checkpoint is None:
        check_run_folder(run)
        raise UserError(f"{run} has no checkpoint to resume; train with: i2i train --model NAME {option('--out', run)}")
    if checkpoint.imported:
        raise UserError(
            f"{run} was imported and has no training to go on with: start one from its weights with "
            f"i2i train {option('--init', run)} --data DIR"
        )
    _check_changes(run, changes or {})
    settings = merge(checkpoint.settings, changes or {})
    model = dict(settings["model"])
    config = run_config(model.pop("name"), {**settings, "model": model})
    if config.train.epochs is not None:
        config = in_images(config, _opened(run, config).restricted(checkpoint.task.domains))
    translator = check_trainable(config, checkpoint.task)
    _check_budget(run, checkpoint, config, translator)  # what is finished need not have its data any more
    refuse_unlike(checkpoint, translator)
    return config, checkpoint.task, _opened(run, config)


def _check_changes(run: Path, changes: Settings) -> None:
    named = [f"{section}.{name}" for section, values in changes.items() for name in values]
    allowed = [*(f"train.{name}" for name in RESUMABLE), *(f"data.{name}" for name in ("path", "sets", "embedded"))]
    other = [name for name in named if name not in (*allowed, "data.cache_gib")]
    if other:
        raise UserError(
            f"--resume goes on with the settings of {run}, but for the budget, the intervals and train.accumulate: "
            f"to train its weights with another {other[0]}, start a new training from them "
            f"with i2i train {option('--init', run)}"
        )


def _check_budget(run: Path, checkpoint: Checkpoint, config: RunConfig, translator: Translator) -> None:
    """UserError if there is nothing left to do, or the budget is not to be changed."""
    position = checkpoint.position
    extended = checkpoint.budget != config.train.budget
    if extended and (run / BENCH_KEY).exists():
        raise UserError(
            f"{run} belongs to a bench, whose results rest on its budget: copy the folder, without its {BENCH_KEY}, "
            "and extend the copy"
        )
    steps = training_budget(config, translator).planned(position.step, position.seconds)
    if (checkpoint.finished and not extended) or (extended and steps <= position.step):
        raise UserError(
            f"{run} is finished: step {position.step} of {position.steps}, {position.images} images. "
            f"Train on with a larger budget: i2i train "
            f"{option('--resume', run)} --set train.{config.train.budget[0]}=..."
        )


def _opened(run: Path, config: RunConfig) -> DataSet:
    """The data without what the run left out."""
    data = _moved_or_open(run, config)
    return without(data, recorded(run, data.root))


def _moved_or_open(run: Path, config: RunConfig) -> DataSet:
    places = config.data.sets.values() if config.data.sets else [config.data.path]
    gone = [str(place) for place in places if place and not is_there(place)]
    if gone:
        many = " with every NAME=DIR" if config.data.sets else ""
        raise UserError(
            f"there are no data at {gone[0]} any more, with which {run} was trained: if they have moved, say where to "
            f"with i2i train {option('--resume', run)} --data DIR{many}"
        )
    return open_data(config.data)
