"""`i2i import`: a run folder of a reference implementation's checkpoints."""

from pathlib import Path
from typing import Annotated

import typer

from i2i.cli.options import SetOption
from i2i.utils import console


def import_files(
    files: Annotated[list[Path], typer.Argument(help="Checkpoints of a reference implementation.")],
    model: Annotated[str, typer.Option(help="Which translator they are of; see `i2i models`.")],
    domains: Annotated[str, typer.Option(metavar="A,B,...", help="Names of its domains, in the training's order.")],
    out: Annotated[Path, typer.Option(help="Run folder to write; it must not hold anything yet.")],
    size: Annotated[
        str | None, typer.Option(help="Image size, pixels: N or HEIGHTxWIDTH; by default the training's.")
    ] = None,
    settings: SetOption = None,
) -> None:
    """Make a run folder of official checkpoints, to translate with or to train on.

    What the files tell by their keys and shapes need not be set: blocks, width, norm, depth, labels, layers.

    Examples:

        i2i import latest_net_G_A.pth latest_net_G_B.pth --model cyclegan --domains horse,zebra --out runs/h2z

        i2i import 100000_nets_ema.ckpt --model stargan-v2 --domains cat,dog,wild --out runs/afhq

        i2i import 200000-G.ckpt --model stargan --domains Black_Hair,Blond_Hair,Brown_Hair,Male,Young --out runs/celeba
    """
    from i2i.config import merge, parse_assignments
    from i2i.conversion.from_reference import import_run

    changes = parse_assignments(settings or [])
    if size is not None:
        changes = merge(changes, {"data": {"image_size": size}})
    names = [name.strip() for name in domains.split(",")]
    for line in import_run(files, model, names, changes, out).lines():
        console.say(line)
