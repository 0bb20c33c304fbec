"""A training run in a few lines."""

from pathlib import Path

from i2i.config import RunConfig
from i2i.data.audit.fitting import fitting_line, sizes_of
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.runs.checkpoint import Checkpoint
from i2i.runs.load import starting_weights
from i2i.training.budget import training_budget
from i2i.training.setup import blank_translator
from i2i.translator import Task
from i2i.utils.wording import duration, number


def counted(processes: int) -> str:
    """`1 process`, `2 processes`."""
    return "1 process" if processes == 1 else f"{processes} processes"


def describe_start(run: Path, start: Checkpoint, config: RunConfig, task: Task) -> str:
    """One line: whose weights, which networks start afresh, which domains take whose place.

    Raises:
        UserError: if the weights do not fit.
    """
    starting_weights(blank_translator(config, task), start)
    line = f"starts with the weights of {run}"
    if start.fresh:
        line += f"; afresh: {', '.join(start.fresh)}"
    places = [f"{new} for {old}" for new, old in zip(task.domains, start.task.domains, strict=False) if new != old]
    return line + (f"; domains: {', '.join(places)}" if places else "")


def describe(config: RunConfig, task: Task) -> str:
    """One line: model, domains, size, parameters, steps."""
    translator = blank_translator(config, task)
    count = sum(parameter.numel() for parameter in translator.learned_parameters().values())
    height, width = task.image_size
    steps = training_budget(config, translator).steps
    batch, references = config.train.batch_size or 1, translator.batch.references
    besides = f" and {batch * references} references" if references else ""
    length = number(steps, "step") if steps is not None else f"{duration(config.train.budget[1])} in steps"
    return (
        f"{config.name} on {', '.join(task.domains)} at {height}x{width} px: {count:,} parameters, "
        f"{length} of {batch}{besides}, translates with {translator.inference}"
    )


def describe_fit(config: RunConfig, task: Task, data: DataSet) -> str:
    """One line: what fitting the training images to the image size costs them."""
    images = {p for domain in task.domains for p in data.images(config.data.train_split, domain)}
    return fitting_line(sizes_of(sorted(images, key=str)), Preprocess.of(config.data))
