"""`i2i interpolate`: what lies between two translations of an image."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from i2i.api.progress import counting
from i2i.api.settings import registered
from i2i.cli.options import (
    CustomModelOption,
    DeviceOption,
    InputsArgument,
    OverwriteOption,
    ReferenceOption,
    RunArgument,
    SamplingStepsOption,
    SeedOption,
    SourceOption,
    WeightsOption,
)
from i2i.utils import console
from i2i.utils.given_paths import check_folder

if TYPE_CHECKING:
    from i2i.runs.checkpoint import Weights


def interpolate(
    run: RunArgument,
    inputs: InputsArgument,
    target: Annotated[str, typer.Option(help="Domain, or changes of attributes, of the first frame.")],
    out: Annotated[Path, typer.Option(help="Folder for NAME.png, a strip of all frames, and NAME.gif.")],
    to: Annotated[str | None, typer.Option(help="Those of the last frame; by default the same.")] = None,
    steps: Annotated[int, typer.Option(help="How many frames, those of both ends among them.")] = 8,
    source: SourceOption = None,
    seed: SeedOption = 0,
    to_seed: Annotated[int | None, typer.Option(help="Of the last frame; by default the same.")] = None,
    reference: ReferenceOption = None,
    to_reference: Annotated[
        Path | None, typer.Option(help="One for the last frame; by default that of the first.")
    ] = None,
    sampling_steps: SamplingStepsOption = None,
    weights: WeightsOption = None,
    overwrite: OverwriteOption = False,
    model: CustomModelOption = None,
    device: DeviceOption = None,
) -> None:
    """Show what lies between two translations of an image, as a strip and as an animation.

    Between two targets for a model that is led by labels or styles and serves all directions; the image's own domain
    as an end gives strengths of a change. Between two seeds or references for a model with styles.

    Examples:

        i2i interpolate runs/stargan-seasons photo.jpg --target summer --to winter --out out/

        i2i interpolate runs/celeba faces/ --target +Blond_Hair --to=-Blond_Hair,+Black_Hair --steps 5 --out out/

        i2i interpolate runs/munit photo.jpg --target night --to-seed 3 --out out/
    """
    from i2i.inference.interpolation import check_ends, interpolated, shares
    from i2i.inference.translate_files import as_image, check_files, collect, translation_of
    from i2i.runs.load import load_translator
    from i2i.training.device import choose_device
    from i2i.utils.wording import number

    files = collect(inputs, out)
    check_folder(out)
    shares(steps)
    registered(model)
    chosen = choose_device(device)
    translator, preprocess = load_translator(run, chosen, cast("Weights | None", weights))
    plain, before, after = translation_of(translator, preprocess, source, target, chosen)
    plain_last, _, after_last = translation_of(translator, preprocess, source, to or target, chosen)
    given = (reference, after), (to_reference, after_last)
    styles = [None if one is None else as_image(one, domain) for one, domain in given]
    first = replace(
        plain,
        seed=seed,
        reference=styles[0],
        sampling_steps=sampling_steps,
    )
    last = replace(
        plain_last,
        seed=seed if to_seed is None else to_seed,
        reference=styles[0] if to_reference is None else styles[1],
        sampling_steps=sampling_steps,
    )
    check_ends((first, last), preprocess)
    animated = [(path, name.with_suffix(".gif")) for path, name in files]
    check_files([*files, *animated], out, before, overwrite, references=[reference, to_reference])
    with counting("interpolating") as progress:
        for done, (path, name) in enumerate(files, 1):
            found = interpolated((first, last), preprocess, path, steps)
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            found.save_strip(out / name)
            found.save_gif((out / name).with_suffix(".gif"))
            progress(done, len(files))
    images = number(len(files), "image")
    console.say(f"interpolated {images} in {steps} steps, from {target} to {to or target}, in {out}")
