"""Everything that a bench leaves in its results folder besides what its jobs made."""

import json

from i2i.benchmarks import protocol
from i2i.benchmarks.grid import draw_grid
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report import Results, markdown
from i2i.checkpoint import sync_write


def write(plan: Plan, results: Results) -> None:
    """Write tables, the protocol card and pictures into the results folder."""
    files = protocol.list_files(plan)
    card = protocol.card(plan, results, files)
    texts = {
        "protocol-files.csv": files.to_csv(index=False),
        "protocol.json": json.dumps(card, indent=1, ensure_ascii=False),
        "results.csv": results.scores.to_csv(index=False),
        "table.md": markdown(plan, results, card["fingerprint"]),
    }
    for name, text in texts.items():
        sync_write(plan.out / name, text)
    translated = [name for name in results.contestants if name not in plan.facts["reference_rows"]]
    if translated:
        draw_grid(plan, translated)
