"""`i2i grid`: an image of a bench's translations."""

from pathlib import Path
from typing import Annotated

import typer

from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.places import check_file


def grid(
    results: Annotated[Path, typer.Argument(help="Results folder of a bench.")],
    out: Annotated[Path, typer.Option(help="Image to write, .pdf or .png.")],
    rows: Annotated[
        str, typer.Option(metavar="WAY[:N]", help="random:N, files:LIST, worst:N[:METRIC] or disagree:N.")
    ] = "random",
    columns: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Of input, the methods and target; by default all translators."),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            min=1, help="Columns of each method that gives several translations of an image, at most so many."
        ),
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of random rows; it is printed on the image.")] = 0,
) -> None:
    """Draw test images beside their translations by the methods of a bench.

    Rows are random by default. files:LIST takes a text file with an image's name per line, without suffix, or
    DIRECTION/NAME; worst:N those with the lowest PSNR, or by another measure of single images, with worst:N:METRIC or
    where there is no ground truth; disagree:N those whose translations differ most. How they were chosen stands below
    the image.

    Examples:

        i2i grid bench/seasons --out grid.pdf

        i2i grid bench/seasons --rows worst:8 --columns input,cyclegan,stargan,target --out worst.png

        i2i grid bench/animals --columns input,stargan-v2 --samples 8 --out samples.png
    """
    from i2i.benchmarks.report.figures.grid import draw_grid
    from i2i.benchmarks.report.figures.grid_selection import choose
    from i2i.benchmarks.results_folder.finished_bench import Finished

    if out.suffix.lower() not in (".pdf", ".png"):
        raise UserError(f"--out {out} must end in .pdf or .png")
    check_file(out, "--out", new_folder=True)
    finished = Finished.load(results)
    finished.check_data()
    shown = [one for name in finished.columns(columns) for one in (name, *finished.samples(name, samples))]
    for lack in finished.lacking.values() if columns is None else ():
        console.note(f"left out: {lack}")
    chosen, note = choose(finished, rows, shown, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_grid(finished, shown, chosen, note, [out])
    console.say(f"{out}: {note}")
