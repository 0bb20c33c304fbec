"""`i2i results`: results of benches as small files that can be collected, and tables of them."""

from pathlib import Path
from typing import Annotated

import typer

from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.given_paths import check_file, refuse_among_inputs

app = typer.Typer(help="Collected results of benches.", no_args_is_help=True)


@app.command("pack")
def pack_results(
    results: Annotated[Path, typer.Argument(help="Results folder of a bench.")],
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="File to write.")],
) -> None:
    """Pack the results of a bench into one small file: scores, protocol, settings, costs and versions, no images.

    The file has a checksum, so that one that was edited is known. Put it into a folder or repository with others.

    Example: i2i results pack bench/seasons --out entries/seasons.json
    """
    from i2i.benchmarks.board.entry import entry_of, entry_text
    from i2i.benchmarks.results_folder.finished_results import Stored
    from i2i.benchmarks.results_folder.results_folder import ResultsFolder
    from i2i.utils.atomic_write import write_bytes

    if out.suffix.lower() != ".json":
        raise UserError(f"--out {out} must end in .json")
    check_file(out, "--out", new_folder=True)
    refuse_among_inputs(out, ResultsFolder(results).own)
    entry = entry_of(Stored.load(results))
    contents = entry_text(entry)
    write_bytes(out, contents)
    console.say(f"{out}: {len(entry.methods)} methods, {len(entry.metrics)} metrics, {len(contents) / 1000:.0f} kB")


@app.command("table")
def table_of_results(
    entries: Annotated[Path, typer.Argument(help="Folder of entries.")],
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    title: Annotated[str, typer.Option(help="Above it.")] = "Results",
) -> None:
    """Draw collected results as a page that sorts, with mean ranks, win rates and tests over data sets.

    Entries of one protocol stand in one table, others in tables of their own. One that was edited is refused.

    Example: i2i results table entries/ --out board/
    """
    from i2i.benchmarks.board.compare import grouped
    from i2i.benchmarks.board.entry import read_entries
    from i2i.benchmarks.board.write import write

    found, repeated = read_entries(entries)
    files, text = write(grouped(found), out, title)
    console.say(text)
    for path, first in repeated:
        console.say(f"{path.name} is {first.name} once more, and not counted")
    console.say(f"results in {out}: {', '.join(files)}")
