"""The figures of a bench, as PNG, PDF and SVG. One is drawn again only if what it shows has changed, or a
file is gone."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.result_records import described, first_fault
from i2i.config import stable_hash
from i2i.errors import UserError
from i2i.utils.atomic_write import write_text
from i2i.utils.json_documents import Document, read_document

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    # The whole, if there is anything to draw, and the pages of a PDF, where it would be too small for one.
    Figures = tuple[Figure | None, Sequence[Figure]]

SUFFIXES = (".png", ".pdf", ".svg")
NOTES = ".drawn.json"
VERSION = 10  # raised when figures of the same results look different


class FigureRecord(Document):
    """What files depended on when they were made, whether there was anything to draw, and what they then held."""

    key: str
    drawn: bool
    files: dict[str, tuple[str, int, int, int]] = Field(default_factory=dict)


def draw(plan: Plan, results: Results) -> list[str]:
    """Write the figures that these results allow, remove others of before; returns the names of the files."""
    shown = _shown(plan, results)
    figures = {"heatmaps": _heat_maps, "confusion": _confusion, "cost": _cost, "sizes": _sizes}
    return [
        name
        for stem, make in figures.items()
        for name in unless_drawn(plan.out, stem, shown, partial(_save, partial(make, plan, results)))
    ]


def unless_drawn(out: Path, stem: str, shown: object, draw: Callable[[Sequence[Path]], bool]) -> list[str]:
    """As `unless_made`, of an image whose files have the name `stem` and `SUFFIXES`."""
    names = [f"{stem}{suffix}" for suffix in SUFFIXES]
    return unless_made(out, stem, names, [VERSION, version("matplotlib"), shown], draw)


def unless_made(
    out: Path, title: str, names: Sequence[str], made_from: object, make: Callable[[Sequence[Path]], bool]
) -> list[str]:
    """Names of files of a report, which are made if they are not as they were made last, or from something else.

    Args:
        out: the results folder.
        title: what the notes call the files.
        names: of the files.
        made_from: what they depend on, as JSON takes it.
        make: writes the files at the paths it is given, or tells by False that there is nothing to show; files of
            before are then removed.
    """
    paths = [out / name for name in names]
    key = stable_hash([version("i2i"), made_from])
    notes = _notes(out)
    noted = notes.get(title)
    if noted is not None and noted.key == key and _is_as_noted(out, paths, noted):
        return list(names) if noted.drawn else []
    drawn = make(paths)
    for path in paths if not drawn else ():
        path.unlink(missing_ok=True)
    made = {path.name: described(path) for path in paths} if drawn else {}
    records = {other: note.model_dump() for other, note in notes.items()}
    records[title] = {"key": key, "drawn": drawn, "files": made}
    write_text(out / NOTES, json.dumps(records, indent=1))
    return list(names) if drawn else []


def _is_as_noted(out: Path, paths: Sequence[Path], noted: FigureRecord) -> bool:
    """Whether the files hold what was drawn, or are not there because nothing was."""
    if not noted.drawn:
        return not any(path.is_file() for path in paths)
    return {path.name for path in paths} == noted.files.keys() and first_fault(out, noted.files) is None


def _notes(out: Path) -> dict[str, FigureRecord]:
    """Whatever is wrong with them, figures are then drawn again."""
    try:
        return read_document(dict[str, FigureRecord], out / NOTES, "remove it") or {}
    except UserError:
        return {}


def _shown(plan: Plan, results: Results) -> object:
    """Whatever of the results is in any figure."""
    frames = (results.scores, results.details.confusion, results.details.by_n)
    costs = {name: asdict(cost) for name, cost in results.costs.items()}
    return [[frame.to_csv(index=False) for frame in frames], costs, plan.domains, plan.directions]


# Matplotlib is loaded only if there is something to draw.


def _save(make: "Callable[[], Figures]", paths: Sequence[Path]) -> bool:
    from i2i.benchmarks.report.figures.style import save, save_pages

    whole, pages = make()
    if whole is None:
        return False
    for path in paths:
        if path.suffix == ".pdf" and pages:
            save_pages(pages, path)
        else:
            save(whole, path)
    return True


def _heat_maps(plan: Plan, results: Results) -> "Figures":
    from i2i.benchmarks.report.figures.heat_maps import heat_map_pages, heat_maps

    return heat_maps(plan, results), heat_map_pages(plan, results)


def _confusion(plan: Plan, results: Results) -> "Figures":
    from i2i.benchmarks.report.figures.confusion_maps import confusion_maps, confusion_pages

    return confusion_maps(plan, results), confusion_pages(plan, results)


def _cost(plan: Plan, results: Results) -> "Figures":
    from i2i.benchmarks.report.figures.cost_and_size import cost_figure

    return cost_figure(plan, results), []


def _sizes(plan: Plan, results: Results) -> "Figures":
    from i2i.benchmarks.report.figures.cost_and_size import size_figure

    return size_figure(plan, results), []
