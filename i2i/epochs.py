"""Budgets in epochs, told in images once the data are open: what runs, keys and checkpoints know images alone.

An epoch is as many real images as the training split holds of the domains that are learnt. That is each image once for
pix2pix and StarGAN. CycleGAN's own epoch repeats the smaller domain until the larger one is through; the sum of both
is taken in its place, so that an epoch is the same amount for every model that learns the same domains.
"""

from i2i.config import RunConfig, TrainConfig, validate
from i2i.data.layouts import DataSet
from i2i.data.training_images import pools_and_rows
from i2i.utils import console


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
