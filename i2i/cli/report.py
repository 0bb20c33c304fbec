"""`i2i report` and `i2i grid`: what is drawn and written of finished benches."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from i2i.errors import UserError, unknown
from i2i.utils import console
from i2i.utils.given_paths import check_file, refuse_among_inputs

LAYOUTS = ("directions", "targets")


def report(
    results: Annotated[list[Path], typer.Argument(help="Results folders of benches.")],
    out: Annotated[Path | None, typer.Option(help="Folder for a report about all of them.")] = None,
) -> None:
    """Write the report of a bench again, or one report of several benches.

    Several must have been made by the same protocol; if not, what differs is said. A method whose name several have
    gets the folder's name as a suffix, as in cyclegan@x. Of several data sets the report has scores by data set and
    method, mean ranks, win rates and, from five data sets on, a test.

    Examples:

        i2i report bench/x

        i2i report bench/x bench/y --out both/

        i2i report bench/seasons bench/styles bench/photos --out all/
    """
    from i2i.benchmarks.board.several_datasets import are_of_several_data_sets, report_data_sets
    from i2i.benchmarks.report.merge import merge
    from i2i.benchmarks.report.update import publish
    from i2i.benchmarks.results_folder.finished_results import Stored

    if out is None:
        if len(results) > 1:
            raise UserError("a report of several benches needs a folder of its own: --out both/")
        stored, warnings = Stored.load(results[0]), list[str]()
        stored.check_data()
    elif are_of_several_data_sets(results):
        report_data_sets(results, out)
        return
    else:
        stored, warnings = merge(results, out)
    for warning in warnings:
        console.note(f"warning: {warning}")
    sys.exit(publish(stored.plan, stored.absent))


def grid(
    results: Annotated[Path, typer.Argument(help="Results folder of a bench.")],
    out: Annotated[Path, typer.Option(help="Image to write, .pdf, .svg or .png.")],
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
    layout: Annotated[
        str,
        typer.Option(
            metavar="directions|targets", help="A direction in a row, or one input and a method with all its targets."
        ),
    ] = "directions",
    seed: Annotated[int, typer.Option(min=0, help="Of random rows; it is printed on the image.")] = 0,
) -> None:
    """Draw test images beside their translations by the methods of a bench.

    Rows are random by default. files:LIST takes a text file with an image's name per line, without suffix, or
    DIRECTION/NAME; worst:N those with the lowest PSNR, or by another measure of single images, with worst:N:METRIC or
    where there is no ground truth, with names and scores below them; disagree:N those whose translations differ most.
    How they were chosen stands below the image.

    Examples:

        i2i grid bench/seasons --out grid.pdf

        i2i grid bench/seasons --rows worst:8 --columns input,cyclegan,stargan,target --out worst.png

        i2i grid bench/seasons --layout targets --rows random:3 --out targets.svg

        i2i grid bench/animals --columns input,stargan-v2 --samples 8 --out samples.png
    """
    from i2i.benchmarks.report.figures.grid import draw_grid, draw_targets
    from i2i.benchmarks.report.figures.grid_selection import choose, texts_below
    from i2i.benchmarks.report.figures.redraw import SUFFIXES
    from i2i.benchmarks.results_folder.finished_bench import Finished
    from i2i.benchmarks.results_folder.results_folder import ResultsFolder
    from i2i.data.open import places_of

    if out.suffix.lower() not in SUFFIXES:
        raise UserError(f"--out {out} must end in {', '.join(SUFFIXES)}")
    if layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    check_file(out, "--out", new_folder=True)
    refuse_among_inputs(out, ResultsFolder(results).own)
    finished = Finished.load(results)
    elsewhere = [external.folder for external in finished.facts.suite.external.values()]
    refuse_among_inputs(out, [*places_of(finished.config), *elsewhere])
    finished.check_data()
    shown = [one for name in finished.columns(columns) for one in (name, *finished.samples(name, samples))]
    for lack in finished.lacking.values() if columns is None else ():
        console.note(f"left out: {lack}")
    chosen, note = choose(finished, rows, shown, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw = draw_targets if layout == "targets" else draw_grid
    draw(finished, shown, chosen, note, [out], texts_below(finished, rows, shown))
    console.say(f"{out}: {note}")
