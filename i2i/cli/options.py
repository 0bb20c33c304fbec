"""Options that several commands have, what they say, and headings for those of one that has many."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import typer

Command = TypeVar("Command", bound=Callable[..., None])

DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="[NAME=]DIR",
        help="Data folder, archive, manifest or hf:OWNER/NAME[:CONFIG]; several with names to learn jointly; none: the "
        "built-in dataset.",
    ),
]
AllowDownloadOption = Annotated[
    bool, typer.Option("--allow-download", help="Fetch data hf:OWNER/NAME that are not on this machine.")
]
AttributesOption = Annotated[
    str | None, typer.Option(metavar="A,B,...", help="Attributes to learn, from the list in the data folder.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change a setting, e.g. train.images=20000."),
]
DeviceOption = Annotated[str | None, typer.Option(help="cuda, cuda:1, mps or cpu; by default the best there is.")]
ExtractorOption = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC,...",
        help="Features for distances: imagenet, dinov2, clip, timm:NAME[:FILE], torchvision:NAME:FILE, "
        "inception[:FILE] or classifier[:FILE]; by default the best whose weights are here.",
    ),
]
SizeOption = Annotated[
    str | None, typer.Option(help="Image size, pixels: N or HEIGHTxWIDTH; short for --set data.image_size=...")
]
RunArgument = Annotated[
    Path, typer.Argument(help="Run folder of a training, or a folder that was exported for the Hub.")
]
InputsArgument = Annotated[list[Path], typer.Argument(help="Images and folders of images.")]
SourceOption = Annotated[
    str | None, typer.Option(help="Domain of the inputs, for models that need to know it; or their attributes.")
]
TargetOption = Annotated[
    str, typer.Option(help="Domain to translate to; of attributes the changes, e.g. +Blond_Hair,-Male.")
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        metavar="last|ema|best",
        help="Those of the last step, their moving average (train.ema), or the best on the validation split "
        "(train.best_by); by default the method's own.",
    ),
]
FullResolutionOption = Annotated[
    bool, typer.Option("--full-resolution", help="Keep the size of every image; large ones pass in tiles.")
]
SeedOption = Annotated[
    int, typer.Option(help="Of the noise, for models that take noise; another gives other translations.")
]
ReferenceOption = Annotated[
    Path | None,
    typer.Option(help="An image of the target domain whose style the translations take, for models that take one."),
]
SamplingStepsOption = Annotated[
    int | None, typer.Option(help="How many steps an iterative model takes for each image.")
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
CustomModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="FILE.py:CLASS", help="The class, if the run was trained with one of your own."),
]
LpipsOption = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="LPIPS by alex, vgg or squeeze[:BACKBONE[:HEADS]]; by default alex if its weights are in the caches.",
    ),
]
CacheOption = Annotated[
    float | None,
    typer.Option("--cache-gib", metavar="N", help="Keep decoded images on disk up to N GiB; 0: none."),
]
SkipBadOption = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out images that cannot be read; which is reported and recorded.")
]
TrackOption = Annotated[
    str | None,
    typer.Option(metavar="NAME,...", help="Record it in trackers of experiments too: wandb, mlflow, aim, tensorboard."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print what would run, and run nothing.")]


def in_panels(panels: Mapping[str, Sequence[str]]) -> Callable[[Command], Command]:
    """Decorator that puts a command's parameters, by name, under headings; the others stay under "Options".

    Option types that several commands share are copied, so each command arranges its own help. Headings come in the
    order in which the command has their first parameters.
    """

    def arrange(command: Command) -> Command:
        for heading, names in panels.items():
            for name in names:
                kind, option = get_args(command.__annotations__[name])
                shown: Any = copy(option)
                shown.rich_help_panel = heading
                command.__annotations__[name] = Annotated[kind, shown]
        return command

    return arrange
