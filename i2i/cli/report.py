"""`i2i report`: the report of finished benches."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from i2i.errors import UserError
from i2i.utils import console


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
    from i2i.benchmarks.board.several import are_of_several_data_sets, report_data_sets
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
