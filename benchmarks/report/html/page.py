"""`report.html`: everything a bench found and a gallery of its images, in one file without any network access."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.folder.cache_keys import identity_of
from i2i.benchmarks.folder.results_folder import ResultsFolder
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.figures.redraw import unless_made
from i2i.config import Settings, stable_hash
from i2i.utils.atomic_write import write_text

NAME = "report.html"
PARTS = ("template.html", "style.css", "page.js")


def write(plan: Plan, results: Results, card: Settings) -> list[str]:
    """Write the page, unless it is there already, made of the same; returns the names of the files.

    Args:
        plan: of a bench whose jobs have run.
        results: what they found.
        card: the protocol card.
    """
    parts = {name: (Path(__file__).parent / name).read_text(encoding="utf-8") for name in PARTS}
    key = stable_hash([_made_of(plan, results), card, parts, _sources()])

    def make(paths: Sequence[Path]) -> bool:
        from i2i.benchmarks.report.html.content import facts  # not needed for a page that is there already
        from i2i.benchmarks.report.html.gallery import gallery

        write_text(paths[0], html(parts, key, facts(plan, results, card), gallery(plan, results)))
        return True

    return unless_made(plan.out, "page", [NAME], key, make)


def html(parts: dict[str, str], key: str, facts: Settings, pictures: Settings) -> str:
    """The page from its parts and data.

    Data stand in blocks that no browser runs, escaped so that no name in them can end its block. The policy in the head
    allows this style and this script by their hashes, images from the page itself, and nothing else.
    """
    style, script = parts["style.css"], parts["page.js"]
    fillings = {
        "key": key,
        "policy": _policy(style, script),
        "style": style,
        "facts": as_data(facts),
        "pictures": as_data(pictures),
        "script": script,
    }
    text = parts["template.html"]
    for name, filling in fillings.items():
        text = text.replace(f"<!--{name}-->", filling)
    return text


def as_data(value: object) -> str:
    """JSON that stays data inside a script element: ASCII, with <, > and & written as escapes."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _made_of(plan: Plan, results: Results) -> list[object]:
    """All that decides what the page shows: results, score files with those of single images, translations."""
    folder = ResultsFolder(plan.out)
    return [
        plan.facts.as_json(),
        dict(plan.skipped),
        results.scores.to_csv(),
        {name: asdict(cost) for name, cost in results.costs.items()},
        {str(job): error for job, error in results.failures.items()},
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.score_files()},
        {
            f"{name} {seed}": identity_of(folder.translations(name, seed))
            for name in results.contestants
            for seed in plan.seeds()
        },
    ]


def _sources() -> list[str]:
    """The code that makes the page, so that another version makes it again."""
    return [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))]
