"""Everything that a bench leaves in its results folder besides what its jobs made."""

import json
from typing import Any

from i2i.benchmarks import figures, latex, protocol
from i2i.benchmarks.as_json import results_json
from i2i.benchmarks.grid import draw_grid
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report import Results, markdown
from i2i.checkpoint import sync_write


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
    translated = [name for name in results.contestants if name not in plan.facts["reference_rows"]]
    if translated:
        draw_grid(plan, translated)
        names += ["grid.png", "grid.pdf"]
    return names


def _as_text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
