"""From a run folder to a translator."""

from collections.abc import Collection
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from i2i import registry
from i2i.config import validate
from i2i.data.image_files.images import Preprocess
from i2i.errors import UserError, unknown
from i2i.runs.checkpoint import Checkpoint, Weights
from i2i.runs.checkpoint_meta import read_meta
from i2i.runs.folder import check_run_folder, newest_checkpoint
from i2i.runs.tensor_files import first_difference, shapes_of
from i2i.translator import Task, Translator
from i2i.utils.text import option

EXPORTED_META = "config.json"  # beside exported weights, in place of checkpoint.json


def require_checkpoint(run: Path) -> Checkpoint:
    """The newest checkpoint, or what was exported there; UserError if the folder is neither or has none yet."""
    if not run.is_dir():
        check_run_folder(run)
        raise UserError(f"there is no run folder {run}; train one with: i2i train --model NAME {option('--out', run)}")
    checkpoint = newest_checkpoint(run) or _exported(run)
    if checkpoint is None:
        check_run_folder(run)
        raise UserError(f"{run} has no checkpoint yet; train it with: i2i train --model NAME {option('--out', run)}")
    return checkpoint


def _exported(folder: Path) -> Checkpoint | None:
    """What `i2i export --format hub` or `safetensors` wrote into the folder."""
    if not all((folder / name).is_file() for name in (EXPORTED_META, "model.safetensors")):
        return None
    remedy = "download or export it again"
    return Checkpoint(folder, read_meta(folder / EXPORTED_META, remedy), remedy)


def load_translator(
    run: Path, device: torch.device | str = "cpu", weights: Weights | None = None
) -> tuple[Translator, Preprocess]:
    """The trained translator of a run folder and the preprocessing it was trained with.

    Args:
        run: the run folder.
        device: where it is going to translate.
        weights: `last` for those of the last step, `ema` for their moving average, `best` for the best on the
            validation split; None: those that the method translates with.

    Raises:
        UserError: if there is no checkpoint, it is of another format, it does not fit the model, or it does not keep
            such weights.
    """
    if weights is not None:
        _check_kind(weights)
    return restore(require_checkpoint(run), device, weights)


def chosen_weights(checkpoint: Checkpoint, weights: Weights | None = None) -> Weights:
    """`weights`, or where none are chosen those that the method translates with, if the checkpoint has them."""
    if weights is not None:
        return weights
    method = registry.get(checkpoint.settings["model"]["name"])
    return "ema" if method.translates_with == "ema" and checkpoint.averaged else "last"


def restore(
    checkpoint: Checkpoint, device: torch.device | str = "cpu", weights: Weights | None = None
) -> tuple[Translator, Preprocess]:
    """The translator of a checkpoint, in evaluation mode, and its preprocessing; UserError if they do not fit.

    Before any memory is taken for it, its shapes are compared with those that the files tell.
    """
    weights = chosen_weights(checkpoint, weights)
    _check_kind(weights)
    model = dict(checkpoint.settings["model"])
    cls = registry.get(model.pop("name"))
    config, task = validate(cls.Config, model, "model"), checkpoint.task
    _check_coverage(checkpoint, cls)
    with checkpoint.fitting("checkpoint.json"), torch.device("meta"):
        blank = cls(config, task)
    refuse_unlike(checkpoint, blank, weights)
    translator = cls(config, task)
    load_weights(translator, checkpoint, weights)
    translator.untrained = checkpoint.fresh
    # As in training: dropout draws its mask in memory order.
    last = checkpoint.settings["train"].get("channels_last", True)
    memory_format = torch.channels_last if last is True else torch.contiguous_format
    translator.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
    return translator.eval(), checkpoint.preprocess


def _check_kind(weights: str) -> None:
    if weights not in get_args(Weights):
        raise unknown("weights", weights, get_args(Weights))


def _check_coverage(checkpoint: Checkpoint, cls: type[Translator]) -> None:
    """UserError unless the model can learn the checkpoint's task."""
    task = checkpoint.task
    with checkpoint.fitting("checkpoint.json"):
        possible = Task.covering(cls.coverage, task.labels, task.image_size, task.channels_of)
    beyond = [direction for direction in task.directions if direction not in possible.directions]
    if beyond:
        raise UserError(f"{checkpoint.folder}: {registry.name_of(cls)} does not translate {' to '.join(beyond[0])}")


def refuse_unlike(checkpoint: Checkpoint, translator: Translator, weights: Weights = "last") -> None:
    """UserError if a checkpoint's weights have other names or shapes than a translator's, which takes no memory."""
    difference = first_difference(checkpoint.shapes(weights), shapes_of(translator))
    if difference:
        raise UserError(f"{checkpoint.folder} does not fit this model: {difference}:\n{checkpoint.remedy}")


def load_weights(translator: Translator, checkpoint: Checkpoint, weights: Weights = "last") -> None:
    """Put the checkpoint's weights into a translator built from its settings."""
    try:
        translator.load_state_dict(checkpoint.weights(weights))
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{checkpoint.folder} does not fit this model: {reason}") from None


def starting_weights(translator: Translator, checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The weights of another run with which the training of `translator` can start.

    Networks that nothing has trained yet are left out.

    Raises:
        UserError: if the others do not have the same weights in the same shapes.
    """
    own = {name: value.shape for name, value in translator.state_dict().items()}
    weights = {name: value for name, value in checkpoint.weights().items() if not _in(name, checkpoint.fresh)}
    for name in own | weights:
        theirs = weights[name].shape if name in weights else None
        if theirs != own.get(name) and not (theirs is None and _in(name, checkpoint.fresh)):
            shapes = [list(shape) if shape is not None else "absent" for shape in (theirs, own.get(name))]
            raise UserError(
                f"{checkpoint.folder} does not fit this training: its {name} is {shapes[0]} and here {shapes[1]}. "
                "Leave out settings that change the networks, and take as many domains and the same image size"
            )
    return weights


def _in(name: str, networks: Collection[str]) -> bool:
    return name.partition(".")[0] in networks
