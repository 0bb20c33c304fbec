"""Everything that a bench leaves in its results folder besides what its jobs made."""

import json
from typing import Any

from i2i.benchmarks import figures, latex, protocol
from i2i.benchmarks.as_json import results_json
from i2i.benchmarks.grid import INPUT, TARGET, Finished, draw_grid
from i2i.benchmarks.grid_rows import choose
from i2i.benchmarks.page import page
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report import Results, markdown
from i2i.checkpoint import sync_write

GRID_SEED = 0


def write(plan: Plan, results: Results) -> list[str]:
    """Write tables, the protocol card, figures and the grid into the results folder; returns the names of the files."""
    files = protocol.list_files(plan)
    card = protocol.card(plan, results, files)
    fingerprint = card["fingerprint"]
    texts = {
        "protocol-files.csv": files.to_csv(index=False),
        "protocol.json": _as_text(card),
        "results.csv": results.scores.to_csv(index=False),
        "results.json": _as_text(results_json(plan, results, fingerprint)),
        "table.md": markdown(plan, results, fingerprint),
        "table.tex": latex.table(plan, results, fingerprint),
    }
    for name, text in texts.items():
        sync_write(plan.out / name, text)
    names = [*texts, *figures.draw(plan, results)]
    return [*names, *_grid(plan, results), *page.write(plan, results, card)]


def _grid(plan: Plan, results: Results) -> list[str]:
    """The bench's own grid, of rows at random by a fixed seed."""
    finished = Finished(plan.out, dict(plan.facts))
    scored = [name for name in results.contestants if name not in plan.facts["reference_rows"]]
    columns = [name for name in finished.columns(None) if name in (INPUT, TARGET, *scored)]
    if not scored:
        return []
    rows, note = choose(finished, "random", columns, GRID_SEED)
    names = ["grid.png", "grid.pdf"]
    draw_grid(finished, columns, rows, note, [plan.out / name for name in names])
    return names


def _as_text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
