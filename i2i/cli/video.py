"""`i2i video`: frames of a video through a trained model."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from i2i.api.progress import counting
from i2i.api.settings import registered
from i2i.cli.options import (
    CustomModelOption,
    DeviceOption,
    FullResolutionOption,
    OverwriteOption,
    ReferenceOption,
    RunArgument,
    SamplingStepsOption,
    SeedOption,
    SourceOption,
    TargetOption,
    WeightsOption,
)
from i2i.utils import console

if TYPE_CHECKING:
    from i2i.runs.checkpoint import Weights


def video(
    run: RunArgument,
    frames: Annotated[Path, typer.Argument(help="A folder of frames, or a video file.")],
    target: TargetOption,
    out: Annotated[Path, typer.Option(help="A folder for the frames, or a video file (.mp4, .mov, .mkv).")],
    source: SourceOption = None,
    full: FullResolutionOption = False,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Frames per second; by default those of the given video, else 25.")
    ] = None,
    seed: SeedOption = 0,
    reference: ReferenceOption = None,
    sampling_steps: SamplingStepsOption = None,
    weights: WeightsOption = None,
    overwrite: OverwriteOption = False,
    model: CustomModelOption = None,
    device: DeviceOption = None,
) -> None:
    """Translate the frames of a video, in their order and all with the same noise, and tell how much they flicker.

    A folder of frames becomes a folder, a video file becomes a video file.

    Examples:

        i2i video runs/stargan-seasons frames/ --target winter --out winter/

        i2i video runs/stargan-seasons walk.mp4 --target winter --full-resolution --out winter.mp4
    """
    from i2i.inference.frames import check_places, translate_frames
    from i2i.inference.in_memory import refuse_formats
    from i2i.inference.translate_files import as_image, samples_of, translation
    from i2i.runs.load import load_translator
    from i2i.training.device import choose_device
    from i2i.utils.wording import number

    check_places(frames, out, overwrite, reference)
    registered(model)
    chosen = choose_device(device)
    translator, preprocess = load_translator(run, chosen, cast("Weights | None", weights))
    refuse_formats(preprocess, "frames of a video")
    asked = replace(
        translation(translator, source, target, chosen),
        seed=seed,
        reference=None if reference is None else as_image(reference, preprocess),
        sampling_steps=sampling_steps,
    )
    asked.check()
    samples_of(asked, 1)  # which refuses a seed that makes no difference
    with counting("translating frames") as progress:
        found = translate_frames(asked, preprocess, frames, out, full, rate, progress)
    console.note(str(found))
    console.say(f"translated {number(found.frames, 'frame')} to {target} in {out}")
