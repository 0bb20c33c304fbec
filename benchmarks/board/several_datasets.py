"""Benches of several data sets and one protocol as one report."""

from collections.abc import Sequence
from pathlib import Path

from i2i.benchmarks.board.compare import grouped
from i2i.benchmarks.board.entry import data_of, entry_of, without_data
from i2i.benchmarks.board.write import check_out, write
from i2i.benchmarks.report.merge import refuse_unlike
from i2i.benchmarks.results_folder.finished_results import Stored
from i2i.utils import console


def are_of_several_data_sets(benches: Sequence[Path]) -> bool:
    """Whether finished benches are of data that differ; UserError if one has no results."""
    return len({data_of(Stored.load(bench).card()["protocol"]) for bench in benches}) > 1


def report_data_sets(benches: Sequence[Path], out: Path) -> None:
    """Write and print the report of benches of several data sets.

    Raises:
        UserError: if their protocols differ in more than the data, if a bench is unfinished, or if `out` holds
            something else.
    """
    check_out(out)
    entries = [entry_of(Stored.load(bench)) for bench in benches]
    for bench, entry in zip(benches[1:], entries[1:], strict=True):
        refuse_unlike(benches[0], without_data(entries[0].protocol), bench, without_data(entry.protocol))
    files, text = write(grouped(entries), out, ", ".join(dict.fromkeys(entry.dataset for entry in entries)))
    console.say(text)
    console.say(f"results in {out}: {', '.join(files)}")
