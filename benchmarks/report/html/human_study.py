"""What human studies found about the methods of a bench, for its page."""

from dataclasses import asdict

from i2i.benchmarks.human_study.findings import Findings, Rate
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.study_tables import StudyTable, caption, left_out, summary, tables
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import identity_of
from i2i.config import Settings
from i2i.utils.json_documents import read_document


def studies(plan: Plan) -> list[Settings]:
    """Title, tables with rates to draw, sentences, and what has changed since, of each study."""
    paths = ResultsFolder(plan.out).studies()
    found = [read_document(Findings, path, "remove it, and i2i study read writes it again") for path in paths]
    return [_page_data(plan, one) for one in found if one is not None]


def _page_data(plan: Plan, found: Findings) -> Settings:
    return {
        "title": summary(found),
        "tables": [_table(table, found) for table in tables(found)],
        "caption": caption(found),
        "left_out": [*found.rules, *left_out(found)],
        "changed": changed(plan, found),
    }


def changed(plan: Plan, found: Findings) -> list[str]:
    """Methods whose translations are others by now than those that raters saw, or are gone."""
    folder, seed = ResultsFolder(plan.out), plan.facts.seeds[0]
    now = {name: str(identity_of(folder.translations(name, seed))) for name in found.translations}
    return [name for name, shown in found.translations.items() if now[name] != shown]


def _table(table: StudyTable, found: Findings) -> Settings:
    return {
        "title": table.title,
        "columns": list(table.columns),
        "rows": [[asdict(cell) for cell in row] for row in table.rows],
        "kinds": [found.kinds.get(row[0].text, "") for row in table.rows],
        "chance": table.chance,
        "dots": [_dot(rate, found) for rate in table.rates],
    }


def _dot(rate: Rate, found: Findings) -> Settings:
    low, high = (rate.rate if end is None else end for end in (rate.low, rate.high))
    return {
        "name": rate.name,
        "kind": found.kinds.get(rate.name, ""),
        "rate": 100 * rate.rate,
        "low": 100 * low,
        "high": 100 * high,
    }
