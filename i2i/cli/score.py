"""`i2i score`: any folder of translations, scored."""

from pathlib import Path
from typing import Annotated

import typer

from i2i.cli.options import DeviceOption, ExtractorOption, LpipsOption
from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.places import check_file


def score(
    fake: Annotated[Path, typer.Option(metavar="DIR", help="Folder of translations.")],
    real: Annotated[Path, typer.Option(metavar="DIR", help="Real images of the target domain.")],
    source: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The translated images, of the translations' names.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The right answers, of the translations' names.")
    ] = None,
    paired: Annotated[bool, typer.Option("--paired", help="The right answers are the images of --real.")] = False,
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
    intersection: Annotated[
        bool, typer.Option("--intersection", help="Leave out what has no counterpart of its name.")
    ] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the numbers here.")] = None,
    device: DeviceOption = None,
) -> None:
    """Score a folder of translations, whoever made them, by the measures of the bench.

    Without --extractor the distance is FID if pytorch-fid's Inception weights are in torch's cache, else left out.
    `i2i weights` tells what is there.

    Examples:

        i2i score --fake out/ --real photos/test/zebra --source photos/test/horse

        i2i score --fake out/ --real streets/test/label --paired --label-maps

        i2i score --fake out/ --real facades/test/photo --paired --extractor timm:resnet18:resnet18.pth
    """
    from i2i.metrics.folder_label_maps import read_palette, score_label_maps
    from i2i.metrics.folder_scores import Folders, parse_size, score_folders
    from i2i.metrics.sets.names import parse_measures
    from i2i.training.device import choose_device
    from i2i.utils.atomic_write import write_text

    if paired and truth is not None:
        raise UserError("--paired takes the right answers from --real, --truth from a folder: leave one out")
    if json is not None:
        check_file(json, "--json")
    if palette is not None and not label_maps:
        raise UserError("--palette names the colors of label maps: say --label-maps, or leave it out")
    folders, at = Folders(fake, real, source, real if paired else truth), parse_size(size)
    sets, where = parse_measures(metrics), choose_device(device)
    classes = read_palette(palette) if palette else None
    labels = score_label_maps(folders, classes, at, intersection) if label_maps else ({}, [])
    scored = score_folders(folders, extractor, at, intersection, where, lpips, sets).with_more(*labels)
    if json is not None:
        write_text(json, scored.json())
    console.say(scored.text())
