"""The figures of a bench, as PNG and PDF. One is drawn anew only if what it shows has changed, or a file is gone."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2i.atomic_write import write_text
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results import Results
from i2i.config import stable_hash
from i2i.documents import Document, read_document
from i2i.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".pdf")
NOTES = ".drawn.json"
VERSION = 3  # raised when figures of the same results look different


class Drawn(Document):
    """What a figure depended on when it was made, and whether there was anything to draw."""

    key: str
    drawn: bool


def draw(plan: Plan, results: Results) -> list[str]:
    """Write the figures that these results allow, remove others of before; returns the names of the files."""
    shown = _shown(plan, results)
    figures = {"heatmaps": _heat_maps, "confusion": _confusion, "cost": _cost, "sizes": _sizes}
    return [
        name
        for stem, make in figures.items()
        for name in unless_drawn(plan.out, stem, shown, partial(_save, partial(make, plan, results)))
    ]


def unless_drawn(out: Path, stem: str, shown: Any, draw: Callable[[Sequence[Path]], bool]) -> list[str]:
    """Names of a picture's files, which are drawn if they are not there or show something else.

    Args:
        out: the results folder.
        stem: name of the files without suffix.
        shown: what the picture depends on, as JSON takes it.
        draw: writes the files at the paths it is given, or tells by False that there is nothing to draw; files of
            before are then removed.
    """
    paths = [out / f"{stem}{suffix}" for suffix in SUFFIXES]
    key = stable_hash([VERSION, version("i2i"), version("matplotlib"), shown])
    notes = _notes(out)
    noted = notes.get(stem, {})
    if noted.get("key") == key and all(path.is_file() for path in paths) == noted["drawn"]:
        return [path.name for path in paths] if noted["drawn"] else []
    drawn = draw(paths)
    for path in paths if not drawn else ():
        path.unlink(missing_ok=True)
    write_text(out / NOTES, json.dumps({**notes, stem: {"key": key, "drawn": drawn}}, indent=1))
    return [path.name for path in paths] if drawn else []


def _notes(out: Path) -> dict[str, Any]:
    """Whatever is wrong with them, figures are then drawn anew."""
    try:
        notes = read_document(dict[str, Drawn], out / NOTES, "remove it")
    except UserError:
        return {}
    return {stem: note.model_dump() for stem, note in (notes or {}).items()}


def _shown(plan: Plan, results: Results) -> Any:
    """Whatever of the results is in any figure."""
    frames = (results.scores, results.details.confusion, results.details.by_n)
    costs = {name: asdict(cost) for name, cost in results.costs.items()}
    return [[frame.to_csv(index=False) for frame in frames], costs, plan.domains, plan.directions]


# Matplotlib is loaded only if there is something to draw.


def _save(make: "Callable[[], Figure | None]", paths: Sequence[Path]) -> bool:
    from i2i.benchmarks.drawing import save

    figure = make()
    if figure is None:
        return False
    for path in paths:
        save(figure, path)
    return True


def _heat_maps(plan: Plan, results: Results) -> "Figure | None":
    from i2i.benchmarks.heat_maps import heat_maps

    return heat_maps(plan, results)


def _confusion(plan: Plan, results: Results) -> "Figure | None":
    from i2i.benchmarks.confusion_maps import confusion_maps

    return confusion_maps(plan, results)


def _cost(plan: Plan, results: Results) -> "Figure | None":
    from i2i.benchmarks.curves import cost_figure

    return cost_figure(plan, results)


def _sizes(plan: Plan, results: Results) -> "Figure | None":
    from i2i.benchmarks.curves import size_figure

    return size_figure(plan, results)
