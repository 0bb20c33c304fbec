"""`i2i data`: sets of images: drawn, checked, prepared."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from i2i.api.progress import counting
from i2i.api.settings import data_settings
from i2i.cli.options import AllowDownloadOption, AttributesOption, DeviceOption, SetOption, SkipBadOption
from i2i.utils import console
from i2i.utils.given_paths import check_file, refuse_among_inputs

app = typer.Typer(help="Data sets.", no_args_is_help=True)


@app.command("make")
def make_data(
    name: Annotated[str, typer.Argument(help="Name of the built-in dataset: seasons or styles.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must not hold anything yet.")],
    size: Annotated[str, typer.Option(help="Pixels: N or HEIGHTxWIDTH.")] = "256",
    scenes: Annotated[int, typer.Option(min=1, help="Training scenes.")] = 400,
    test_scenes: Annotated[int, typer.Option(min=1, help="Test scenes.")] = 60,
    val_scenes: Annotated[int, typer.Option(min=0, help="Validation scenes.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the scenes.")] = 0,
) -> None:
    """Draw an embedded data set into a folder.

    Example: i2i data make seasons --out seasons/ --size 128
    """
    from i2i.config import DataConfig, validate
    from i2i.data.layouts import scan
    from i2i.data.synthetic.embedded import make

    image_size = validate(DataConfig, {"image_size": size}, "size").image_size
    with counting(f"drawing {name}") as progress:
        make(name, out, image_size, scenes, test_scenes, seed, progress, val_scenes)
    console.say(str(scan(out)))


@app.command("check")
def check_data(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The data, or hf:OWNER/NAME[:CONFIG].")],
    size: Annotated[str | None, typer.Option(help="Image size, pixels: N or HEIGHTxWIDTH; by default 256.")] = None,
    models: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Models or FILE.py:CLASS to try; by default all that learn."),
    ] = None,
    attributes: AttributesOption = None,
    settings: SetOption = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw a contact sheet: some images of each domain, and leaks."),
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write what was found here.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the images on the contact sheet.")] = 0,
    no_trial: Annotated[bool, typer.Option("--no-trial", help="Try no training steps: no times and memory.")] = False,
    device: DeviceOption = None,
    allow_download: AllowDownloadOption = False,
) -> None:
    """Tell what a data folder holds, what is wrong with it, and what each model would take to be trained on it.

    Time and memory are measured: each model takes a few training steps in a process of its own. The status is 0 if
    nothing is wrong or there are warnings only, and 1 for faults: files that cannot be read, a domain without training
    images, equal files in several splits, a layout that is none, or no model that can be trained.

    Examples:

        i2i data check photos/

        i2i data check photos/ --size 128 --models cyclegan --sheet photos.png --json photos.json
    """
    from i2i.config import DataConfig, merge, parse_assignments, validate
    from i2i.data.open import places_of
    from i2i.training.feasibility import examine, lines, write_json

    outputs = {option: place for option, place in (("--sheet", sheet), ("--json", json)) if place is not None}
    said = data_settings([str(folder)], attributes, None, allow_download)
    changes = merge(said, {"image_size": size} if size else {})
    settings_of_all = merge({"data": changes}, parse_assignments(settings or []))
    if outputs:
        given = places_of(validate(DataConfig, settings_of_all["data"], "data"))
        for option, place in outputs.items():
            refuse_among_inputs(place, given, option)
            check_file(place, option)
    with counting("looking at the images") as progress:
        report, verdicts = examine(
            settings_of_all,
            models,
            None if no_trial else device or "",
            sheet,
            seed,
            progress,
            console.note,
        )
    if json is not None:
        write_json(json, report, verdicts)
    console.say("\n".join(lines(report, verdicts)))
    if sheet is not None and report.files:
        console.say(f"contact sheet: {sheet}")
    sys.exit(1 if report.faults else 0)


@app.command("prepare")
def prepare_data(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The data, or hf:OWNER/NAME[:CONFIG].")],
    size: Annotated[str, typer.Option(help="Pixels: N or HEIGHTxWIDTH.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must not hold anything yet.")],
    split: Annotated[
        str | None, typer.Option(metavar="TRAIN,VAL,TEST", help="Shares, for data without splits.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the division into splits.")] = 0,
    format: Annotated[
        str, typer.Option(metavar="png|jpeg", help="JPEG is of quality 95; beyond 8-bit RGB, files keep their kind.")
    ] = "png",
    attributes: AttributesOption = None,
    settings: SetOption = None,
    skip_bad: SkipBadOption = False,
    allow_download: AllowDownloadOption = False,
) -> None:
    """Decode and resize every image once, into a clean folder that trains without further ado.

    Pairs stay pairs, and lists of attributes are written again. The new folder appears when it is complete.

    Examples:

        i2i data prepare photos/ --size 128 --out photos-128/

        i2i data prepare unsorted/ --size 128 --split 0.8,0.1,0.1 --out photos-128/
    """
    from i2i.config import merge, parse_assignments
    from i2i.data.preparation.prepare_folder import prepare_folder

    changes = merge(data_settings([str(folder)], attributes, None, allow_download), {"image_size": size})
    with counting("preparing images") as progress:
        lines = prepare_folder(
            merge({"data": changes}, parse_assignments(settings or [])), out, split, seed, format, skip_bad, progress
        )
    console.say("\n".join(lines))


@app.command("slices")
def slice_volumes(
    volumes: Annotated[list[Path], typer.Argument(help="Files .nii, .nii.gz or .dcm, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must not hold anything yet.")],
    axis: Annotated[int, typer.Option(min=0, max=2, help="Which axis the slices are counted along.")] = 2,
) -> None:
    """Write each slice of NIfTI volumes, or frame of DICOM files, into a file of its own, with its place in space.

    Example: i2i data slices scans/t1/ --out mri/train/t1
    """
    from i2i.data.preparation.slices import write_slices

    with counting("slicing volumes") as progress:
        written = write_slices(volumes, out, axis, progress)
    console.say(f"{written:,} slices in {out}")
