"""`report.html`: everything a bench found and a gallery of its images, in one file without any network access."""

import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.figures.redraw import unless_made
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import identity_of
from i2i.config import Settings, stable_hash
from i2i.pages import html_page as builder
from i2i.utils.atomic_write import write_text

NAME = "report.html"
FOLDER = Path(__file__).parent
TEMPLATE, STYLE = FOLDER / "template.html", builder.STYLE
SCRIPTS = (builder.TABLES, builder.CHARTS, FOLDER / "page.js")


def write(plan: Plan, results: Results, card: Settings) -> list[str]:
    """Write the page, unless it is there already, made of the same; returns the names of the files.

    Args:
        plan: of a bench whose jobs have run.
        results: what they found.
        card: the protocol card.
    """
    parts = {path.name: path.read_text(encoding="utf-8") for path in (TEMPLATE, STYLE, *SCRIPTS)}
    key = stable_hash([_made_of(plan, results), card, parts, _sources()])

    def make(paths: Sequence[Path]) -> bool:
        from i2i.benchmarks.report.html.content import facts  # not needed for a page that is there already
        from i2i.benchmarks.report.html.gallery import gallery

        data = {"facts": facts(plan, results, card), "images": gallery(plan, results)}
        write_text(paths[0], builder.html_page(TEMPLATE, [STYLE], SCRIPTS, data, {"key": key}))
        return True

    return unless_made(plan.out, "page", [NAME], key, make)


def _made_of(plan: Plan, results: Results) -> list[object]:
    """All that decides what the page shows: results, score files with those of single images, translations."""
    folder = ResultsFolder(plan.out)
    return [
        plan.facts.as_json(),
        dict(plan.skipped),
        results.scores.to_csv(),
        {name: asdict(cost) for name, cost in results.costs.items()},
        {str(job): error for job, error in results.failures.items()},
        {
            str(path.relative_to(plan.out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.score_files(plan.facts.further_features)
        },
        *([[path.read_text(encoding="utf-8") for path in studies]] if (studies := folder.studies()) else []),
        {
            f"{name} {seed}": identity_of(folder.translations(name, seed))
            for name in results.methods
            for seed in plan.seeds()
        },
    ]


def _sources() -> list[str]:
    """The code that makes the page, so that another version makes it again."""
    own = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py"))]
    return [*own, inspect.getsource(builder)]
