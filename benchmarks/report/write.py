"""The report of a bench: every file that the results folder holds besides what its jobs made."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from i2i.benchmarks.analysis.csv_frames import as_csv
from i2i.benchmarks.analysis.groups import By
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import ranked, signs
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.plan_facts import Trained
from i2i.benchmarks.report import latex, protocol, terminal_table
from i2i.benchmarks.report.figures import learning_curves, redraw
from i2i.benchmarks.report.html import page
from i2i.benchmarks.report.markdown import markdown
from i2i.benchmarks.report.results_json import results_json
from i2i.benchmarks.report.terminal import TerminalTable
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import identity_of
from i2i.utils import console
from i2i.utils.atomic_write import write_text

GRID_SEED = 0
SAMPLED_ROWS = 4
MOST_SAMPLES = 10
"""Columns of the image of samples."""


@dataclass(frozen=True)
class Published:
    """Names of the `files` that were written, and what is `shown` on the terminal."""

    files: list[str]
    shown: TerminalTable


def write(plan: Plan, results: Results, by: By = "auto") -> Published:
    """Write everything into the results folder; `by` says how the main table averages."""
    console.note(f"i2i: writing the report of {plan.out}")  # it takes a while
    return Published(_files(plan, results, by), terminal_table.shown(plan, results, by))


def _files(plan: Plan, results: Results, by: By) -> list[str]:
    """Write tables, the protocol card, figures and the grid into the results folder; returns the names of the files."""
    files = protocol.list_files(plan)
    card = protocol.card(plan, results, files)
    fingerprint = card["fingerprint"]
    texts = {
        "protocol-files.csv": as_csv(files),
        "protocol.json": _as_text(card),
        "results.csv": as_csv(results.scores),
        "results.json": _as_text(results_json(plan, results, fingerprint)),
        "table.md": markdown(plan, results, fingerprint, by),
        "table.tex": latex.table(plan, results, fingerprint, by),
    }
    for name, text in texts.items():
        write_text(plan.out / name, text)
    names = [*texts, *redraw.draw(plan, results), *learning_curves.write(plan, signs(plan, results))]
    return [*names, *_grid(plan, results), *_samples(plan, results), *page.write(plan, results, card)]


def _grid(plan: Plan, results: Results) -> list[str]:
    """The bench's own grid, of rows at random by a fixed seed."""
    seed = plan.seeds()[0]
    names = [name for name in ranked(plan, results) if plan.translated_by(name, seed) not in results.absent]
    made = {name: identity_of(ResultsFolder(plan.out).translations(name, seed)) for name in names}

    def draw(paths: Sequence[Path]) -> bool:
        from i2i.benchmarks.report.figures.grid import draw_grid
        from i2i.benchmarks.report.figures.grid_selection import choose
        from i2i.benchmarks.results_folder.finished_bench import INPUT, TARGET, Finished

        finished = Finished(plan.out, plan.facts)
        columns = [name for name in finished.columns(None) if name in (INPUT, TARGET, *names)]
        rows, note = choose(finished, "random", columns, GRID_SEED)
        draw_grid(finished, columns, rows, note, paths)
        return True

    shown = [made, plan.facts.fingerprint, plan.directions, GRID_SEED]
    return redraw.unless_drawn(plan.out, "grid", shown, draw) if names else []


def _samples(plan: Plan, results: Results) -> list[str]:
    """A row of translations of the same image for each method that gives several, of rows like those of the grid."""
    seed = plan.seeds()[0]
    several = [name for name, own in plan.facts.methods.items() if isinstance(own, Trained) and own.samples > 1]
    names = [name for name in several if plan.translated_by(name, seed) not in results.absent]
    made = {name: identity_of(ResultsFolder(plan.out).translations(name, seed)) for name in names}

    def draw(paths: Sequence[Path]) -> bool:
        from i2i.benchmarks.report.figures.grid import draw_samples
        from i2i.benchmarks.report.figures.grid_selection import at_random
        from i2i.benchmarks.results_folder.finished_bench import Finished

        finished = Finished(plan.out, plan.facts)
        varied = [name for name in names if finished.has_samples(name)]
        if varied:
            rows = at_random(finished, SAMPLED_ROWS, GRID_SEED, varied)
            note = f"{len(rows)} test images at random, seed {GRID_SEED}; the first translation is the scored one"
            draw_samples(finished, varied, rows, MOST_SAMPLES, note, paths)
        return bool(varied)

    of_before = (plan.out / "samples.png").exists()
    shown = [made, plan.facts.fingerprint, plan.directions, GRID_SEED]
    return redraw.unless_drawn(plan.out, "samples", shown, draw) if names or of_before else []


def _as_text(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
