"""`i2i export`: a trained model for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from i2i.api.settings import registered
from i2i.cli.options import CustomModelOption
from i2i.utils import console


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of a training.")],
    format: Annotated[str, typer.Option(help="onnx, safetensors, hub, or reference: files of the authors' code.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must not hold anything yet.")],
    opset: Annotated[int | None, typer.Option(help="ONNX opset; by default the exporter's.")] = None,
    sampling_steps: Annotated[
        int | None, typer.Option(help="Steps that ONNX graphs of an iterative model take; by default its own number.")
    ] = None,
    license: Annotated[
        str | None, typer.Option(metavar="ID", help="Licence for the model card, e.g. apache-2.0.")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A bench's results.csv, for the model card.")
    ] = None,
    row: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name in those results, if it has another there.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="last, ema (the average of train.ema) or best (train.best_by); by default the method's own."),
    ] = None,
    push: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="Upload to this Hugging Face repository; format hub.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    model: CustomModelOption = None,
) -> None:
    """Write a trained translator for other programs: ONNX, safetensors with a model card, or the authors' code.

    ONNX files have an input for each thing that the model takes beside images, such as noise or a reference image.

    Examples:

        i2i export runs/stargan-seasons --format onnx --out onnx/

        i2i export runs/h2z --format reference --out files/

        i2i export runs/h2z --format hub --out h2z/ --license apache-2.0 --scores bench/h2z/results.csv
    """
    from i2i.conversion import formats

    registered(model)
    of_the_card = {"license": license, "scores": scores, "row": row}
    of_the_hub = {"push": push, "private": private or None}
    of_onnx = {"opset": opset, "sampling_steps": sampling_steps}
    for line in formats.export(run, format, out, weights=weights, **of_onnx, **of_the_card, **of_the_hub):
        console.say(line)
    console.say(f"exported {run} to {out}")
