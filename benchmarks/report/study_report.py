"""The report of a human study: its own files, and a section of the page of the bench that it is about."""

from pathlib import Path

from i2i.benchmarks.human_study.findings import Findings
from i2i.benchmarks.report.figures.redraw import SUFFIXES
from i2i.benchmarks.report.study_tables import as_lists, caption, left_out, summary, tables
from i2i.benchmarks.results_folder.finished_results import Stored
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.atomic_write import write_text
from i2i.utils.text import csv_cell, markdown, option, prose
from i2i.utils.text_table import text_table

STEM = "findings"


def write(study: Path, found: Findings) -> tuple[list[str], str]:
    """Write the findings into the folder of the study.

    Returns:
        Names of the files, and the table of methods as text for the terminal.
    """
    from i2i.benchmarks.report.figures.study_rates import study_rates
    from i2i.benchmarks.report.figures.style import save

    texts = {
        f"{STEM}.md": as_markdown(found),
        f"{STEM}.csv": as_csv(found),
        f"{STEM}.json": found.model_dump_json(indent=1),
    }
    for name, text in texts.items():
        write_text(study / name, text)
    figures = [f"{STEM}{suffix}" for suffix in SUFFIXES]
    for name in figures:
        save(study_rates(found), study / name)
    return [*texts, *figures], _terminal(found)


def as_markdown(found: Findings) -> str:
    """All tables, with what it takes to read them, and who was left out."""
    parts = [f"# {summary(found)}: {markdown(found.dataset)}"]
    for place, table in enumerate(tables(found)):
        lines = [table.columns, ["---", *["---:"] * (len(table.columns) - 1)]]
        cells = [*lines, *([markdown(text) for text in row] for row in as_lists(table.rows))]
        parts += [f"## {markdown(table.title)}", "\n".join(f"| {' | '.join(row)} |" for row in cells)]
        if place == 0:
            parts.append("\n".join(f"- {prose(line)}" for line in caption(found)))
    parts += ["## Left out", "\n".join(f"- {prose(line)}" for line in [*found.rules, *left_out(found)])]
    return "\n\n".join(parts) + "\n"


def as_csv(found: Findings) -> str:
    """All rates, one in a row."""
    import pandas as pd

    rows = [rate.model_dump() for rate in (*found.rates, *found.pairs)]
    frame = pd.DataFrame(rows)
    frame["direction"] = [None if direction is None else " to ".join(direction) for direction in frame["direction"]]
    return frame.map(lambda cell: csv_cell(cell) if isinstance(cell, str) else cell).to_csv(index=False)


def _terminal(found: Findings) -> str:
    shown = [table for table in tables(found) if table.rates]
    framed = [
        text_table(table.columns, as_lists(table.rows), range(1, len(table.columns)), table.title).rstrip()
        for table in shown
    ]
    lines = [line.replace("`", "") for line in [*caption(found), *left_out(found)]]
    return "\n".join([*framed, *lines])


def publish(bench: Path, found: Findings, named: bool) -> None:
    """Put the findings into the page of the bench.

    Args:
        bench: its results folder.
        found: of the study.
        named: whether the folder was named for this; else it is where the study was made, and may be gone.

    Raises:
        UserError: if a folder that was named is not that of the bench.
    """
    try:
        _publish(bench, found)
    except UserError as error:
        if named:
            raise
        console.note(f"the bench's report.html has no section about it: {error}")
        console.note(f"if the bench has moved, name it with {option('--bench', 'DIR')}")


def _publish(bench: Path, found: Findings) -> None:
    from i2i.benchmarks.analysis.results import collect
    from i2i.benchmarks.report.html import page

    stored = Stored.load(bench)
    card = stored.card()
    if card["fingerprint"] != found.fingerprint:
        raise UserError(f"{bench} is another bench than that of the study: its protocol is {card['fingerprint']}")
    stored.check_data()
    write_text(ResultsFolder(bench).study(found.study), found.model_dump_json(indent=1))
    page.write(stored.plan, collect(stored.plan, stored.absent), card)
    console.say(f"{bench / page.NAME} has a section about it")
