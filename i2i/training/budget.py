"""When a training ends: after a number of steps, which images or updates come down to, or after a time."""

import math
from dataclasses import dataclass

from i2i.config import RunConfig, TrainConfig, validate
from i2i.data.layouts import DataSet
from i2i.data.training_images import pools_and_rows
from i2i.errors import UserError
from i2i.translator import Translator
from i2i.utils import console

MICROSECONDS = 1e-6


@dataclass(frozen=True)
class TrainingBudget:
    """How long a training run is, in steps or in seconds; one of the two is given.

    A schedule asks what has elapsed and `total`, which are whole numbers: of steps or of microseconds.

    Attributes:
        steps: how many steps there are; None where time decides.
        seconds: in training steps, without loading, samples, evaluations and checkpoints.
    """

    steps: int | None
    seconds: float | None = None

    @property
    def total(self) -> int:
        """The whole budget."""
        return self._whole(self.steps or 0, self.seconds or 0.0)

    def elapsed(self, step: int, seconds: float) -> int:
        """What has elapsed after `step` steps, which took `seconds`."""
        return min(self._whole(step, seconds), self.total)

    def planned(self, step: int, seconds: float) -> int:
        """Steps in all, done ones included: after the first, where time decides, an estimate until the time is over."""
        if self.steps is not None:
            return self.steps
        if self.elapsed(step, seconds) >= self.total:
            return step
        return max(step + 1, math.ceil(step * self.total / max(1, self.elapsed(step, seconds))))

    def crossed(self, parts: int, before: tuple[int, float], after: tuple[int, float]) -> bool:
        """Whether one of `parts` equal parts of the training ended between two moments, (steps, seconds) each."""
        first, second = (self.elapsed(*moment) * parts // self.total for moment in (before, after))
        return second > first

    def _whole(self, step: int, seconds: float) -> int:
        return step if self.seconds is None else round(seconds / MICROSECONDS)


def training_budget(config: RunConfig, translator: Translator) -> TrainingBudget:
    """Where the budget of a training ends; at once for a method that learns nothing.

    Updates are those of the networks that translate (`generators`): a model whose critic takes several turns for one
    of the generator's takes as many steps more.

    Raises:
        UserError: if updates are counted and the translator does not say which of its networks translate, or epochs,
            whose images only the data can tell.
    """
    if not translator.phases():
        return TrainingBudget(0)
    unit, amount = config.train.budget
    if unit == "epochs":
        raise UserError(
            f"how long train.epochs={amount:g} are depends on the data: i2i.training.budget.in_images counts them"
        )
    if unit == "seconds":
        return TrainingBudget(None, amount)
    if unit == "updates":
        return TrainingBudget(int(amount) * _steps_per_update(translator))
    return TrainingBudget(math.ceil(amount / images_per_step(config, translator)))


def images_per_step(config: RunConfig, translator: Translator | type[Translator]) -> int:
    """Real images that a step shows."""
    size = config.train.batch_size
    assert size is not None  # build_run has put the paper's in
    return size * translator.batch.images_per_item


def _steps_per_update(translator: Translator) -> int:
    optimizers, generators = translator.optimizers(), set(translator.generators)
    turns = [
        phase.every
        for phase in translator.phases()
        if generators & {network for name in phase.steps for network in optimizers[name].networks}
    ]
    if not turns:
        raise UserError(
            f"{type(translator).__name__} does not say which of its networks translate (`generators`), so their "
            "updates cannot be counted: give the budget in images or seconds"
        )
    return min(turns)


def epoch_of(data: DataSet, split: str) -> int:
    """Real images of an epoch: those of a split of all domains; with attributes an image is in several, and is one."""
    pools, _ = pools_and_rows(data, split)
    return sum(map(len, pools.values()))


def images_of(epochs: float, epoch: int) -> int:
    """Real images of so many epochs of `epoch` images, at least one."""
    return max(1, round(epochs * epoch))


def in_images(config: RunConfig, data: DataSet) -> RunConfig:
    """The config with a budget of epochs told in images, which is said on standard error.

    Args:
        config: of a training; one with a budget in another unit comes back as it is.
        data: restricted to the domains that are learnt.

    Raises:
        UserError: if a domain has no training images, or they are too many to count.
    """
    epochs = config.train.epochs
    if epochs is None:
        return config
    epoch = epoch_of(data, config.data.train_split)
    images = images_of(epochs, epoch)
    console.note(f"budget: {epochs:g} epochs of {epoch:,} images: {images:,} images")
    train = validate(TrainConfig, config.train.model_dump() | {"epochs": None, "images": images}, "train")
    return config.model_copy(update={"train": train})
