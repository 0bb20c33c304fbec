"""Heat maps of every direction: source domains downwards, targets to the right."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from i2i.benchmarks.analysis.aggregate import over_seeds
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import signs
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.figures.heat_colors import Scale, blended, ink, scale_of
from i2i.benchmarks.report.figures.sheet import Sheet
from i2i.benchmarks.report.figures.style import CELL, DOMAIN, LETTER, SMALL_CELL, label, named, room, wrapped
from i2i.metrics.digits import fixed
from i2i.metrics.registry import metric_named

FEWEST_DOMAINS = 3
NUMBERS_UP_TO = 6  # domains
LETTERS_IN_A_CELL = 6
LINES = 3  # of a metric's name
STEPS = 64  # colors of a bar


def heat_maps(plan: Plan, results: Results) -> Figure | None:
    """One map per metric (row) and method (column): source domains downwards, targets to the right.

    The maps of a metric share their colours, which `heat_colors.py` chooses. None with fewer than three domains, or
    without scores.
    """
    return _drawn(plan, results, results.metrics, results.methods) if _has_maps(plan, results) else None


def heat_map_pages(plan: Plan, results: Results) -> list[Figure]:
    """The same in as many figures as it takes for their letters to be read in print; none if the whole can be."""
    if not _has_maps(plan, results):
        return []
    names, metrics = results.methods, results.metrics
    pages = _sheet(plan, len(metrics), len(names)).pages()
    return [
        _drawn(plan, results, metrics[rows.start : rows.stop], names[columns.start : columns.stop])
        for rows, columns in pages
    ]


def _has_maps(plan: Plan, results: Results) -> bool:
    return len(plan.domains) >= FEWEST_DOMAINS and bool(results.methods)


def _drawn(plan: Plan, results: Results, metrics: Sequence[str], names: Sequence[str]) -> Figure:
    sheet, marks = _sheet(plan, len(metrics), len(names)), signs(plan, results)
    for row, metric in enumerate(metrics):
        maps = {name: values for name, values in _maps(plan, results, metric).items() if name in names}
        heading = metric_named(metric).heading + marks.get(metric, "")
        _row_of_maps(sheet, row, (metric, heading), maps, scale_of(plan, results, metric), _domains(plan))
    sheet.title(_axes_text(plan))
    return sheet.figure


def _sheet(plan: Plan, metrics: int, methods: int) -> Sheet:
    side, beside = len(plan.domains) * _cell(plan), room(_domains(plan))
    return Sheet(metrics, methods, side, side, beside, beside)


def _cell(plan: Plan) -> float:
    return CELL if len(plan.domains) <= NUMBERS_UP_TO else SMALL_CELL


def _domains(plan: Plan) -> list[str]:
    """As they stand beside the maps."""
    return named([(domain,) for domain in plan.domains], DOMAIN, _cell(plan))


def _row_of_maps(
    sheet: Sheet,
    row: int,
    named: tuple[str, str],
    maps: Mapping[str, np.ndarray],
    scale: Scale,
    domains: Sequence[str],
) -> None:
    """The maps of a metric by method, `named` by itself and by its heading."""
    metric, heading = named
    none = [""] * len(domains)
    for number, (name, values) in enumerate(maps.items()):
        axes = sheet.place(row, number)
        axes.imshow(_painted(values, scale))
        label(axes, domains if row == sheet.rows - 1 else none, domains if sheet.is_first(number) else none)
        if len(domains) <= NUMBERS_UP_TO:
            _write_numbers(axes, values, scale, metric)
        if row == 0:
            sheet.head(axes, name)
    for bar in sheet.bars(row):
        _color_bar(sheet, bar, scale)
        _head_row(sheet, bar, heading)


def _color_bar(sheet: Sheet, bar: Axes, scale: Scale) -> None:
    """The colors of a row, the best above."""
    low, high = sorted((scale.worst, scale.best))
    colors = ListedColormap([tuple(part / 255 for part in blended(step / (STEPS - 1))) for step in range(STEPS)])
    shown = ScalarMappable(Normalize(low, high), colors if scale.best == high else colors.reversed())
    sheet.color_bar(bar, shown)
    if scale.best == low:
        bar.invert_yaxis()


def _head_row(sheet: Sheet, bar: Axes, heading: str) -> None:
    """Put a metric's heading before its row, which ends in a bar."""
    middle = bar.get_position().y0 + bar.get_position().height / 2
    across = sheet.figure.get_size_inches()[0]
    words = wrapped(heading, max(12, int(sheet.height / LETTER)))
    size = 9 if words.count("\n") < LINES else 7
    sheet.figure.text(0.5 * sheet.METRIC / across, middle, words, rotation=90, va="center", ha="center", fontsize=size)


def _painted(values: np.ndarray, scale: Scale) -> np.ndarray:
    """Values [source, target] as colours, uint8 [source, target, 4]; transparent where there is none."""
    return np.array(
        [
            [(*scale.color(value), 255) if np.isfinite(value) else (255, 255, 255, 0) for value in row]
            for row in values.tolist()
        ],
        dtype=np.uint8,
    )


def _axes_text(plan: Plan) -> str:
    seeds = f", means of {len(plan.seeds())} seeds" if len(plan.seeds()) > 1 else ""
    return f"rows: source, columns: target; brighter is better{seeds}"


def _maps(plan: Plan, results: Results, metric: str) -> dict[str, np.ndarray]:
    """By method the values [source, target]; NaN where there is none."""
    scores = over_seeds(results.scores[results.scores["metric"] == metric], ("model", "source", "target"))
    return {
        name: np.array(
            [
                [
                    scores[name, source, target].mean if (name, source, target) in scores else np.nan
                    for target in plan.domains
                ]
                for source in plan.domains
            ]
        )
        for name in results.methods
    }


def _write_numbers(axes: Axes, values: np.ndarray, scale: Scale, metric: str) -> None:
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            text, color = _short(metric, float(value)), ink(scale.color(float(value)))
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)


def _short(metric: str, value: float) -> str:
    """As the table prints it, with fewer digits if it would not fit into its cell."""
    known = metric_named(metric)
    whole = known.text(value)
    if len(whole) <= LETTERS_IN_A_CELL:
        return whole
    places = max(0, known.decimals - len(whole) + LETTERS_IN_A_CELL)
    short = fixed(value, places)
    return short if len(short) <= LETTERS_IN_A_CELL else f"{value:.1e}".replace("e+0", "e").replace("e+", "e")
