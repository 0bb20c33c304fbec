"""`i2i train`: a new training, one that goes on, or one that starts with the weights of another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2i.cli.options import (
    AllowDownloadOption,
    AttributesOption,
    CacheOption,
    DataOption,
    DeviceOption,
    DryRunOption,
    SetOption,
    SizeOption,
    SkipBadOption,
    TrackOption,
)
from i2i.utils import console
from i2i.utils.text import argument, option

if TYPE_CHECKING:
    from i2i.training.run import TrainingRun


def train(
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE.py:CLASS", help="Which translator; see `i2i models`. Or one of your own."),
    ] = None,
    data: DataOption = None,
    attributes: AttributesOption = None,
    config: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Settings to start from; see `i2i configs`.")
    ] = None,
    size: SizeOption = None,
    settings: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/MODEL-DATA.")] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Go on with a training; a longer budget by --set, data that have moved by --data."
        ),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Start with the weights and the model settings of a run.")
    ] = None,
    on_nan: Annotated[
        str | None,
        typer.Option(
            metavar="stop|rollback",
            help="When a loss or gradient is not finite: stop, or return to the last checkpoint and go on with "
            "another data order, three times at most.",
        ),
    ] = None,
    accept_data: Annotated[
        bool, typer.Option("--accept-data", help="Resume though the images have changed since the checkpoint.")
    ] = False,
    device: DeviceOption = None,
    track: TrackOption = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Short for --track tensorboard.")] = False,
    cache_gib: CacheOption = None,
    skip_bad: SkipBadOption = False,
    allow_download: AllowDownloadOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Train one translator.

    Without --data and --config the built-in dataset is used with the small networks of the seasons suite; with --data
    the model is the published one.

    Examples:

        i2i train --model stargan

        i2i train --model cyclegan --data photos/ --set train.images=200000 --set model.lambda_identity=5

        i2i train --model pix2pix --data streets/ --size 128x256 --set data.fit=resize

        i2i train --model stargan --data celeba/ --attributes Blond_Hair,Black_Hair,Male

        i2i train --model stargan --data faces=celeba/ --data moods=rafd/

        i2i train --resume runs/stargan-seasons --on-nan rollback

        i2i train --resume runs/cyclegan-photos --data /new/place/photos --set train.images=400000

        i2i train --init runs/stargan-seasons --data photos/

        i2i train --model mine.py:MyModel

        i2i train --model stargan --track wandb,tensorboard

        torchrun --nproc-per-node 2 -m i2i train --model stargan
    """
    from i2i.api.train_cases import Options
    from i2i.api.train_session import train_to_the_end, training_of
    from i2i.distributed.process_group import joined
    from i2i.tracking.registry import trackers_named
    from i2i.training.device import choose_device

    trackers = trackers_named(track, *(["tensorboard"] if tensorboard else []))
    options = Options(
        model,
        data,
        attributes,
        config,
        size,
        settings,
        out,
        resume,
        init,
        on_nan,
        accept_data,
        cache_gib,
        skip_bad,
        allow_download,
    )
    chosen = choose_device(device)
    with joined(chosen) as processes:
        ready, run = training_of(options, chosen, processes, dry_run)
        if dry_run:
            _print_training(run)
            return
        train_to_the_end(ready, run, trackers)
        _conclude(run, model)


def _print_training(run: "TrainingRun") -> None:
    from i2i.config import to_yaml
    from i2i.training.describe import describe

    summary = describe(run.config, run.task)
    console.say(f"# {summary}\n# data: {run.data.recognized}\n# run folder: {run.folder}")
    console.say(to_yaml(run.config.settings()), end="")


def _conclude(run: "TrainingRun", model: str | None) -> None:
    """Say what was trained, and how to translate with it; `model` as the command line gave it."""
    from i2i import custom_models
    from i2i.runs.load import require_checkpoint
    from i2i.utils.wording import duration, number

    position = require_checkpoint(run.folder).position
    own = f" {option('--model', model)}" if model and custom_models.is_source(model) else ""
    console.say(
        f"trained {number(position.steps, 'step')} on {number(position.images, 'image')} in "
        f"{duration(position.seconds)}: {run.folder}\n"
        f"translate with: i2i translate {argument(run.folder)} IMAGES {option('--target', run.task.directions[0][1])}"
        f"{own} --out out/"
    )
