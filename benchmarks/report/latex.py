r"""The table of a bench for a paper: `table.tex`, to be read by \input, with \usepackage{booktabs} in the preamble."""

import re
import textwrap
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from i2i.benchmarks.analysis.aggregate import Score, over_seeds
from i2i.benchmarks.analysis.cost_columns import COSTS, CostColumn, Main
from i2i.benchmarks.analysis.groups import By, Group, columns_of, groups
from i2i.benchmarks.analysis.intervals import Ends, table_intervals
from i2i.benchmarks.analysis.results import ENOUGH_IMAGES, Results
from i2i.benchmarks.analysis.significance import FEW_SEEDS, OTHERWISE, SAME, UNTESTED, Column, ranked
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.captions import (
    averaging,
    budget_text,
    checkpoint_lines,
    ranking_in_short,
    suite_lines,
)
from i2i.benchmarks.report.cautions import cautions
from i2i.benchmarks.report.detail_tables import health
from i2i.benchmarks.report.tables import in_brackets
from i2i.benchmarks.suite.columns import HEALTH
from i2i.metrics.registry import Metric, metric_named

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",  # the straight mark needs a font encoding that a bare class does not load
    "±": r"$\pm$",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "–": "--",
    SAME: r"$\dagger$",
    UNTESTED: r"$\ddagger$",
    FEW_SEEDS: r"\S{}",
    OTHERWISE: r"$\neq$",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}
ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r", "\u030c": "v"}
ACCENTS |= {"\u0327": "c", "\u0304": "=", "\u0306": "u", "\u0307": "."}
LIGATURES = re.compile("(?<=-)(?=-)|(?<=,)(?=,)|(?<=')(?=')|(?<=[`?!])(?=`)")
"""Where LaTeX would print two characters as another one, such as the dashes of an option as one long dash."""
MARKS = {SAME: r"^{\dagger}", UNTESTED: r"^{\ddagger}", FEW_SEEDS: r"^{\S}"}
DASH = "--"
STYLE = r"\\(?:mathbf|underline|emph)\b"
PAGE = 345.0  # points, the width of text in a bare article
HEADING, BREAK = 12, r"\\"  # letters of a heading, from which on it is broken
LETTER, GAP = 4.2, 6.0  # points, at this size of letters and distance of columns


def escape(text: str) -> str:
    """Text as LaTeX prints it with any encoding; a character without a name in plain LaTeX becomes its code point."""
    parts = LIGATURES.split(unicodedata.normalize("NFC", text))
    return "{}".join("".join(map(_escaped, part)) for part in parts)


def _escaped(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character.isspace():
        return " "
    if " " < character <= "~":
        return character
    letter, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and letter.isascii() and marks[0] in ACCENTS:
        return rf"\{ACCENTS[marks[0]]}{{{letter}}}"
    return f"[U+{ord(character):04X}]"


def table(plan: Plan, results: Results, protocol: str, by: By = "auto") -> str:
    """The summary table; `protocol` is the fingerprint of the protocol card, `by` how the table averages.

    Of each metric the best translator is bold and the second underlined, with ties at the precision of the table.
    The baselines and real images stand apart and are not ranked. The suite's `report.columns` choose columns and
    their order, `report.names` say what methods are called. Columns that are too many for the page go on in a
    second tabular below, in the same float.
    """
    grouped, shown = groups(plan, results, by), plan.facts.suite.report
    around = [table_intervals(group.results) if shown.intervals else {} for group in grouped]
    known: dict[str, Callable[[], _Column]] = {
        **{column.main.name: partial(_costs, grouped, column, column.main) for column in COSTS if column.main},
        **{metric: partial(_metric, grouped, metric, around) for metric in results.metrics},
        HEALTH: partial(_health, grouped),
    }
    there = columns_of(grouped, results)
    chosen = [name for name in shown.columns or there if name in there]
    columns = [_names(grouped, shown.names), *(known[name]() for name in chosen)]
    tabulars = "\n\n\\medskip\n".join(_tabular(plan, grouped, panel) for panel in _panels(columns))
    return f"""% Needs \\usepackage{{booktabs}}. In classes of two columns the starred float goes over both.
\\begin{{table*}}
\\centering
\\footnotesize
\\setlength{{\\tabcolsep}}{{3pt}}
\\caption{{{_caption(plan, grouped, results, protocol)}}}
\\label{{tab:bench-{protocol[:8]}}}

\\medskip
{tabulars}
\\end{{table*}}
"""


@dataclass(frozen=True)
class _Column:
    """A heading, and a cell for each row of each group, in LaTeX."""

    heading: str
    cells: Sequence[Mapping[str, str]]
    align: str = "r"

    def cell(self, group: int, name: str) -> str:
        return self.cells[group].get(name, DASH)

    @property
    def width(self) -> float:
        """About how wide it is, in points."""
        heading = self.heading.removeprefix(r"\shortstack[r]").split(BREAK)
        texts = [*heading, *(cell for cells in self.cells for cell in cells.values())]
        return LETTER * max(len(_plain(text)) for text in texts) + GAP


def _plain(text: str) -> str:
    """Roughly what is printed of LaTeX."""
    return re.sub(r"[{}$^]", "", re.sub(r"\\(?:[a-zA-Z]+|.)(?:\{\})?", "x", re.sub(STYLE, "", text)))


def _panels(columns: Sequence[_Column]) -> list[list[_Column]]:
    """Columns as many as fit beside each other; the first, of names, in every panel."""
    names, *others = columns
    panels = [[names]]
    for column in others:
        if len(panels[-1]) > 1 and sum(own.width for own in panels[-1]) + column.width > PAGE:
            panels.append([names])
        panels[-1].append(column)
    return panels


def _tabular(plan: Plan, grouped: Sequence[Group], columns: Sequence[_Column]) -> str:
    blocks = []
    for position, group in enumerate(grouped):
        names = ranked(plan, group.results)
        others = [name for name in group.results.rows if name not in names]
        title = [rf"\multicolumn{{{len(columns)}}}{{l}}{{\emph{{{escape(group.name)}}}}} \\"] if group.name else []
        for part in (names, others):
            rows = [_row([column.cell(position, name) for column in columns]) for name in part]
            blocks.append("\n".join([*title, *rows]) if rows else "")
            title = []
    body = "\n\\midrule\n".join(block for block in blocks if block)
    return f"""\\begin{{tabular}}{{{"".join(column.align for column in columns)}}}
\\toprule
{_row([column.heading for column in columns])}
\\midrule
{body}
\\bottomrule
\\end{{tabular}}"""


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _names(grouped: Sequence[Group], display: Mapping[str, str]) -> _Column:
    cells = [{name: escape(display.get(name, name)) for name in group.results.rows} for group in grouped]
    return _Column("Model", cells, "l")


def _health(grouped: Sequence[Group]) -> _Column:
    cells = [{name: escape(health(group.results, name)) for name in group.results.rows} for group in grouped]
    return _Column("Health", cells, "l")


def _heading(metric: Metric, sign: str) -> str:
    r"""PSNR's as `PSNR (dB) $\uparrow$`, a long one in several lines."""
    words = f"{metric.label} ({metric.unit})" if metric.unit else metric.label
    lines = textwrap.wrap(words, HEADING, break_long_words=False)
    return _stacked([*map(escape, lines[:-1]), f"{escape(lines[-1])} {escape(metric.arrow)}{escape(sign)}"])


def _stacked(lines: Sequence[str]) -> str:
    return lines[0] if len(lines) == 1 else rf"\shortstack[r]{{{BREAK.join(lines)}}}"


def _costs(grouped: Sequence[Group], column: CostColumn, main: Main) -> _Column:
    heading = _stacked([main.heading, f"({main.unit})"] if main.unit else [main.heading])
    cells = [
        {
            name: format(value / main.scale, main.form)
            for name, cost in group.results.costs.items()
            if (value := column.value(cost)) is not None
        }
        for group in grouped
    ]
    return _Column(heading, cells)


def _metric(grouped: Sequence[Group], metric: str, around: Sequence[Mapping[tuple[str, str], Ends]]) -> _Column:
    sign = next(group.columns[metric].sign for group in grouped if metric in group.columns)
    heading = _heading(metric_named(metric), sign)
    return _Column(heading, [_cells(group, metric, ends) for group, ends in zip(grouped, around, strict=True)])


def _cells(group: Group, metric: str, ends: Mapping[tuple[str, str], Ends]) -> dict[str, str]:
    scores = group.results.scores[group.results.scores["metric"] == metric]
    found = {name: score for name, score in over_seeds(scores, ("model",)).items() if score.mean == score.mean}
    return {
        name: _number(score, metric_named(metric).decimals, group.columns[metric], name) + _around(metric, ends, name)
        for name, score in found.items()
    }


def _around(metric: str, ends: Mapping[tuple[str, str], Ends], name: str) -> str:
    """The interval behind a value, small; empty where there is none."""
    around = in_brackets(metric, ends.get((name, metric))).strip()
    return rf" {{\scriptsize {around}}}" if around else ""


def _number(score: Score, precision: int, column: Column, name: str) -> str:
    mean, *std = (_exponent(part) for part in score.parts(precision))
    styles: dict[int | None, str] = {0: r"\mathbf", 1: r"\underline"}
    style = styles.get(column.place(name))
    styled = f"{style}{{{mean}}}" if style else mean
    mark = MARKS.get(column.mark(name), "")
    number = r" \pm ".join([styled, *std])
    return f"${number}{mark}$"


def _exponent(number: str) -> str:
    r"""`4.2767e6` as `4.2767 \cdot 10^{6}`."""
    digits, e, power = number.partition("e")
    return rf"{digits} \cdot 10^{{{power}}}" if e else number


def _caption(plan: Plan, grouped: Sequence[Group], results: Results, protocol: str) -> str:
    facts, few = plan.facts, results.few_images is not None
    parts = [
        f"{facts.dataset}, {facts.image_size} px.",
        *suite_lines(plan),
        budget_text(plan),
        *checkpoint_lines(plan),
        *cautions(plan, grouped),
        averaging(plan, grouped),
        *([f"Fewer than {ENOUGH_IMAGES:,} images: Frechet distances are biased upwards."] * few),
        ranking_in_short(grouped),
        f"Protocol {protocol}.",
    ]
    return escape(" ".join(part for part in parts if part).replace("`", ""))
