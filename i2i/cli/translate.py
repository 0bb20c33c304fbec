"""`i2i translate`: images through a trained model."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from i2i.api.progress import counting
from i2i.api.settings import registered
from i2i.cli.options import (
    CustomModelOption,
    DeviceOption,
    FullResolutionOption,
    InputsArgument,
    OverwriteOption,
    ReferenceOption,
    RunArgument,
    SamplingStepsOption,
    SeedOption,
    SourceOption,
    TargetOption,
    WeightsOption,
)
from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.given_paths import check_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from i2i.data.image_files.images import Preprocess
    from i2i.inference.translate_files import Convert, Files, Translation
    from i2i.runs.checkpoint import Checkpoint, Weights


def translate(
    run: RunArgument,
    inputs: InputsArgument,
    target: TargetOption,
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for the translations, of the inputs' names; PNG, or beyond 8-bit RGB as the target's files."
        ),
    ],
    source: SourceOption = None,
    weights: WeightsOption = None,
    full: FullResolutionOption = False,
    tile: Annotated[
        int | None, typer.Option(min=1, help="Side of tiles, pixels; by default only very large images need any.")
    ] = None,
    passes: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="How often all tiles pass beforehand, to find what norms need of the whole image; 2 by default.",
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(help="How many translations of each image, NAME.png, NAME.s1.png, ...; of models with noise."),
    ] = 1,
    seed: SeedOption = 0,
    reference: ReferenceOption = None,
    sampling_steps: SamplingStepsOption = None,
    overwrite: OverwriteOption = False,
    model: CustomModelOption = None,
    device: DeviceOption = None,
) -> None:
    """Translate images with a trained model.

    What models take beside images, such as noise, reference images or sampling steps, `i2i models` lists.

    Examples:

        i2i translate runs/stargan-seasons photo.jpg folder/ --target winter --out out/

        i2i translate runs/celeba faces/ --target +Blond_Hair,-Male --out out/

        i2i translate runs/averaged photo.jpg --target winter --weights ema --out out/

        i2i translate runs/stargan-seasons big/*.tif --target winter --full-resolution --out out/

        i2i translate runs/munit photo.jpg --target winter --samples 5 --seed 3 --out out/

        i2i translate runs/munit photo.jpg --target winter --reference snow.jpg --out out/

        i2i translate runs/bridge photo.jpg --target winter --sampling-steps 20 --out out/

        i2i translate runs/mine photo.jpg --model mine.py:MyModel --target winter --out out/
    """
    from i2i.data.audit.fitting import fitting_line
    from i2i.data.audit.quick_check import dark
    from i2i.data.layouts.image_folder import left_out_line
    from i2i.inference.tiling import SIDE
    from i2i.inference.translate_files import (
        as_image,
        check_files,
        collect,
        ending,
        full_resolution,
        left_out,
        one_for_all,
        resized,
        samples_of,
        tiles_line,
        translation_of,
    )
    from i2i.runs.load import chosen_weights, require_checkpoint, restore
    from i2i.training.device import choose_device
    from i2i.utils.memory import explained_memory_errors
    from i2i.utils.wording import number

    _refuse_without_full({} if full else {"--tile": tile, "--passes": passes})
    files = collect(inputs, out)
    check_folder(out)
    registered(model)
    chosen = choose_device(device)
    checkpoint = require_checkpoint(run)
    with explained_memory_errors(f"{run} cannot be loaded", "free some, or take --device cpu"):
        translator, preprocess = restore(checkpoint, chosen, cast("Weights | None", weights))
    _tell_unfinished(run, checkpoint)
    plain, before, after = translation_of(translator, preprocess, source, target, chosen)
    files = ending(files, after.suffix)
    translate = replace(
        plain,
        reference=None if reference is None else as_image(reference, after),
        sampling_steps=sampling_steps,
        seed=seed,
    )
    translate.check()
    distinct, reason = samples_of(translate, samples)
    if distinct < samples:
        console.note(one_for_all(reason))
    sizes = check_files(files, out, before, overwrite, distinct, [reference])
    deep = [] if preprocess.formats else dark("images to translate", [path for path, _ in files])
    for line in (
        *left_out_line(left_out(inputs)),
        *deep,
        *(f"reference {one}: {fitting_line([after.size_of(one)], preprocess)}" for one in (reference,) if one),
        tiles_line(sizes, tile) if full else fitting_line(sizes, preprocess),
    ):
        console.note(line)
    less = f"take a smaller --tile than {tile or SIDE}" if full else "take --device cpu, or end other programs"
    how = partial(full_resolution, side=tile, passes=passes) if full else resized
    with explained_memory_errors(f"{run} cannot translate these images", less):
        _translate_samples(translate, lambda one: how(one, preprocess), distinct, files, out, after)
    times = f", {distinct} times each," if distinct > 1 else ""
    steps = "" if sampling_steps is None else f" with {number(sampling_steps, 'sampling step')}"
    used = f"{translator.inference}, {chosen_weights(checkpoint, cast('Weights | None', weights))} weights"
    console.say(f"translated {number(len(files), 'image')}{times} to {target}{steps} in {out} ({used})")


def _refuse_without_full(given: "Mapping[str, int | None]") -> None:
    for name, value in given.items():
        if value is not None:
            raise UserError(f"{name} is for translations at full resolution: add --full-resolution")


def _tell_unfinished(run: Path, checkpoint: "Checkpoint") -> None:
    if not checkpoint.finished:
        position = checkpoint.position
        console.note(f"{run} is at step {position.step} of {position.steps}: its training is not finished")


def _translate_samples(
    translate: "Translation",
    convert: "Callable[[Translation], Convert]",
    samples: int,
    files: "Files",
    out: Path,
    after: "Preprocess",
) -> None:
    from i2i.inference.translate_files import of_sample, translate_files

    with counting("translating") as progress:
        for sample in range(samples):
            one = convert(replace(translate, sample=sample))
            translate_files(one, of_sample(files, sample), out, after.write, progress)
