"""`i2i score`: any folder of translations, scored."""

from pathlib import Path
from typing import Annotated

import typer

from i2i.cli.options import DeviceOption, ExtractorOption, LpipsOption
from i2i.utils import console
from i2i.utils.given_paths import check_file, refuse_among_inputs


def score(
    fake: Annotated[Path, typer.Option(metavar="DIR", help="Folder of translations.")],
    real: Annotated[Path, typer.Option(metavar="DIR", help="Real images of the target domain.")],
    source: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The translated images, of the translations' names.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The ground truth, under the translations' names.")
    ] = None,
    paired: Annotated[bool, typer.Option("--paired", help="The ground truth is the images of --real.")] = False,
    extractor: ExtractorOption = None,
    lpips: LpipsOption = None,
    metrics: Annotated[
        str,
        typer.Option(metavar="A,...", help="Also these: prdc (precision, recall and more), mind, cmmd, fwd."),
    ] = "",
    label_maps: Annotated[
        bool, typer.Option("--label-maps", help="The translations are label maps: also compare classes with the truth.")
    ] = False,
    palette: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='Colors of the classes, JSON: {"road": [128, 64, 128], ...}; else learnt.'),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Score at this size, pixels: N or HEIGHTxWIDTH; by default the translations'.")
    ] = None,
    value_range: Annotated[
        str | None,
        typer.Option(
            "--range",
            metavar="LOW,HIGH",
            help="Score values as the files hold them, of any depth and number of channels, in this range.",
        ),
    ] = None,
    intersection: Annotated[
        bool, typer.Option("--intersection", help="Leave out what has no counterpart of its name.")
    ] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the numbers here.")] = None,
    device: DeviceOption = None,
) -> None:
    """Score a folder of translations, of any origin, by the measures of the bench.

    Without --extractor the distance is FID if pytorch-fid's Inception weights are in torch's cache, else left out.
    `i2i weights` tells what is there.

    Examples:

        i2i score --fake out/ --real photos/test/zebra --source photos/test/horse

        i2i score --fake out/ --real streets/test/label --paired --label-maps

        i2i score --fake out/ --real mri/test/t2 --paired --range 0,4095

        i2i score --fake out/ --real facades/test/photo --paired --extractor timm:resnet18:resnet18.pth
    """
    from i2i.api.scoring import Classes, given_folders, scored
    from i2i.metrics.folder_scores import parse_range, parse_size
    from i2i.metrics.sets.names import parse_measures
    from i2i.training.device import choose_device
    from i2i.utils.atomic_write import write_text

    folders = given_folders(fake, real, source, truth, paired)
    if json is not None:
        folders.refuse_image(json, "--json")
        refuse_among_inputs(json, [palette] if palette else [], "--json")
        check_file(json, "--json")
    scorers = (extractor, lpips, parse_measures(metrics))
    at, within = parse_size(size), parse_range(value_range)
    found = scored(
        folders, Classes(label_maps, palette), at, intersection, choose_device(device), *scorers, value_range=within
    )
    if json is not None:
        write_text(json, found.json())
    console.say(found.text())
