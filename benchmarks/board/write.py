"""The report of several data sets: a page that sorts, tables, and figures of critical differences."""

import base64
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from i2i._version import __version__
from i2i.benchmarks.board.compare import Across, Group
from i2i.benchmarks.board.tables import Table, across_table, caption, set_table, verdict, verdicts
from i2i.config import Settings
from i2i.errors import UserError
from i2i.metrics.registry import kind_of
from i2i.pages.html_page import STYLE, TABLES, html_page
from i2i.utils.atomic_write import write_bytes, write_text
from i2i.utils.given_paths import check_folder
from i2i.utils.text import csv_row, markdown, prose
from i2i.utils.text_table import text_table

PAGE = Path(__file__).parent / "page"
MARKER = "datasets.json"
"""The file by which a folder is known to hold such a report."""


def check_out(out: Path) -> None:
    """UserError if a folder holds something else than such a report."""
    check_folder(out)
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise UserError(f"{out} holds other files and no report of several data sets: choose another folder with --out")


def write(groups: Sequence[Group], out: Path, title: str) -> tuple[list[str], str]:
    """Write the report of groups of entries.

    Returns:
        Names of the files, and what the terminal shows.
    """
    check_out(out)
    for old in out.glob("critical-difference-*"):
        old.unlink()
    comparisons = [[group.across(metric) for metric in group.metrics] for group in groups]
    figures = dict(_figures(comparisons))
    shown = [_for_page(n, group, own, figures) for n, (group, own) in enumerate(zip(groups, comparisons, strict=True))]
    texts = {
        MARKER: json.dumps(_for_programs(groups, comparisons), indent=1, ensure_ascii=False, allow_nan=False),
        "datasets.md": _markdown(groups, comparisons, title),
        "datasets.csv": _csv(groups),
        "report.html": html_page(
            PAGE / "template.html",
            [STYLE, PAGE / "board.css"],
            [TABLES, PAGE / "board.js"],
            {"facts": {"title": title, "version": __version__, "groups": shown}},
        ),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    for name, contents in figures.items():
        write_bytes(out / name, contents)
    return [*texts, *figures], _terminal(groups, comparisons)


def _figures(comparisons: Sequence[Sequence[Across]]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the figures of all metrics whose ranks are tested."""
    for place, own in enumerate(comparisons):
        for across in own:
            if across.test is not None:
                for kind in ("svg", "png", "pdf"):
                    yield f"{_stem(place, across)}.{kind}", _drawn(across, kind)


def _stem(place: int, across: Across) -> str:
    group = f"-{place + 1}" if place else ""
    return f"critical-difference-{re.sub(r'[^A-Za-z0-9-]+', '-', across.name)}{group}"


def _drawn(across: Across, kind: str) -> bytes:
    from matplotlib import rc_context

    from i2i.benchmarks.report.figures.critical_difference import critical_difference
    from i2i.benchmarks.report.figures.style import DPI

    if across.test is None:
        return b""
    ranks = [row.mean_rank for row in across.ranked if row.mean_rank is not None]
    names = [row.name for row in across.ranked]
    figure = critical_difference(
        names, ranks, across.test.critical_difference, f"Mean rank by {across.measure.heading}"
    )
    stream = io.BytesIO()
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind, {})
    with rc_context({"pdf.fonttype": 42, "svg.hashsalt": across.name}):
        figure.savefig(stream, format=kind, dpi=DPI, metadata=metadata)
    return stream.getvalue()


def _for_page(place: int, group: Group, comparisons: Sequence[Across], figures: dict[str, bytes]) -> Settings:
    return {
        "caption": caption(group),
        "protocol": group.entries[0].shared,
        "entries": [[entry.name, entry.dataset, entry.fingerprint, entry.i2i] for entry in group.entries],
        "metrics": [
            {
                "table": asdict(across_table(group, across)),
                "verdict": verdict(across),
                "figure": _address(figures.get(f"{_stem(place, across)}.svg")),
            }
            for across in comparisons
        ],
        "sets": [asdict(set_table(group, label)) for label in group.sets],
    }


def _address(svg: bytes | None) -> str | None:
    return None if svg is None else f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _for_programs(groups: Sequence[Group], comparisons: Sequence[Sequence[Across]]) -> list[Settings]:
    return [
        {
            "protocol": group.entries[0].group,
            "benches": [entry.name for entry in group.entries],
            "datasets": list(group.sets),
            "metrics": {across.name: _of_metric(group, across) for across in own},
        }
        for group, own in zip(groups, comparisons, strict=True)
    ]


def _of_metric(group: Group, across: Across) -> Settings:
    return {
        "title": across.measure.heading,
        "better": across.measure.better,
        "methods": {
            row.name: {
                "kind": row.kind,
                "mean_rank": row.mean_rank,
                "win_rate": row.win_rate,
                "scores": {
                    label: None if score is None else {str(seed): value for seed, value in score.by_seed.items()}
                    for label, score in zip(group.sets, row.scores, strict=True)
                },
            }
            for row in across.rows
        },
        "test": None if across.test is None else _finite(asdict(across.test)),
        "notes": list(across.notes),
    }


def _finite(numbers: dict[str, float]) -> dict[str, float | None]:
    """F has no bound where all data sets have one order."""
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


def _csv(groups: Sequence[Group]) -> str:
    """A row for each score by data set, method, metric and seed."""
    import pandas as pd

    rows = [
        csv_row({"protocol": group.entries[0].group, "dataset": label, "method": name, "metric": metric})
        | {"seed": seed, "value": value}
        for group in groups
        for label, own in group.sets.items()
        for name, method in own.items()
        for metric in group.metrics
        if (score := method.score(metric))
        for seed, value in score.by_seed.items()
    ]
    return pd.DataFrame(rows, columns=["protocol", "dataset", "method", "metric", "seed", "value"]).to_csv(index=False)


def _markdown(groups: Sequence[Group], comparisons: Sequence[Sequence[Across]], title: str) -> str:
    parts = [f"# {markdown(title)}"]
    for group, own in zip(groups, comparisons, strict=True):
        if len(groups) > 1:
            parts.append(f"# Protocol {markdown(group.entries[0].group)}")
        lines = [*caption(group), *verdicts(own)]
        parts.append("\n".join(f"- {prose(line)}" for line in lines))
        parts += [_as_markdown(across_table(group, across)) for across in own]
    return "\n\n".join(parts) + "\n"


def _as_markdown(table: Table) -> str:
    rows = [table.columns, ["---", *["---:"] * (len(table.columns) - 1)]]
    shown = [[markdown(cell) for cell in row] for row in rows[:1]] + [list(rows[1])]
    for row in table.rows:
        shown.append([f"**{markdown(cell.text)}**" if cell.rank == 0 else markdown(cell.text) for cell in row])
    return f"## {markdown(table.title)}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in shown)


def _terminal(groups: Sequence[Group], comparisons: Sequence[Sequence[Across]]) -> str:
    """The first distance between sets of each group, or its first metric, and what the tests say."""
    parts = []
    for group, own in zip(groups, comparisons, strict=True):
        main = next((across for across in own if kind_of(across.name) == "frechet"), own[0] if own else None)
        if main is not None:
            table = across_table(group, main)
            cells = [[cell.text for cell in row] for row in table.rows]
            parts.append(text_table(table.columns, cells, range(1, len(table.columns)), table.title).rstrip())
        parts += [line.replace("`", "") for line in [*verdicts(own), *caption(group)]]
    return "\n".join(parts)
