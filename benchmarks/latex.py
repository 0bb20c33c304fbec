r"""The table of a bench for a paper: `table.tex`, to be read by \input, with \usepackage{booktabs} in the preamble."""

import unicodedata
from collections.abc import Mapping, Sequence

from i2i.benchmarks.costs import Costs
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report import Results, averaging, budget_text, checkpoint_lines
from i2i.benchmarks.seeds import Score, over_seeds
from i2i.metrics.names import decimals, is_better_high, title

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
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}
ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r", "\u030c": "v"}
ACCENTS |= {"\u0327": "c", "\u0304": "=", "\u0306": "u", "\u0307": "."}
DASH = "--"
COST_HEADINGS = ("Trainings", r"Param.\ ($10^6$)", r"Images ($10^3$)", "Time (s)")


def escape(text: str) -> str:
    """Text as LaTeX prints it with any encoding; a character without a name in plain LaTeX becomes its code point."""
    return "".join(_escaped(character) for character in unicodedata.normalize("NFC", text))


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


def table(plan: Plan, results: Results, protocol: str) -> str:
    """The summary table; `protocol` is the fingerprint of the protocol card.

    Of each metric the best translator is bold and the second underlined, with ties at the precision of the table.
    The reference rows and real pictures stand apart and are not ranked.
    """
    names = [name for name in results.contestants if name not in plan.facts["reference_rows"]]
    others = [name for name in dict.fromkeys(results.scores["model"]) if name not in names]
    columns = [_cost_column(results, position) for position in range(len(COST_HEADINGS))]
    columns += [_metric_column(results, metric, names) for metric in results.metrics]
    headings = ["Model", *COST_HEADINGS, *(_heading(metric) for metric in results.metrics)]
    groups = [
        [_row([escape(name), *(column.get(name, DASH) for column in columns)]) for name in group]
        for group in (names, others)
        if group
    ]
    body = "\n\\midrule\n".join("\n".join(group) for group in groups)
    return f"""% Needs \\usepackage{{booktabs}}.
\\begin{{table}}
\\centering
\\footnotesize
\\setlength{{\\tabcolsep}}{{3pt}}
\\caption{{{_caption(plan, protocol)}}}
\\label{{tab:bench-{protocol[:8]}}}
\\begin{{tabular}}{{l{"r" * (len(headings) - 1)}}}
\\toprule
{_row(headings)}
\\midrule
{body}
\\bottomrule
\\end{{tabular}}
\\end{{table}}
"""


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _heading(metric: str) -> str:
    r"""`PSNR, dB ↑` as `PSNR (dB) $\uparrow$`."""
    words, _, arrow = title(metric).rpartition(" ")
    name, comma, unit = words.partition(", ")
    return f"{escape(name)}{f' ({escape(unit)})' if comma else ''} {escape(arrow)}"


def _cost_column(results: Results, position: int) -> dict[str, str]:
    def text(cost: Costs) -> str:
        cells = (
            f"{cost.trainings:.3g}",
            f"{cost.parameters / 1e6:.2f}",
            f"{cost.images / 1e3:.1f}",
            f"{cost.seconds:.0f}",
        )
        return cells[position]

    return {name: text(cost) for name, cost in results.costs.items()}


def _metric_column(results: Results, metric: str, ranked: Sequence[str]) -> dict[str, str]:
    scores = results.scores[results.scores["metric"] == metric]
    found = {name: score for name, score in over_seeds(scores, ("model",)).items() if score.mean == score.mean}
    precision, competing = decimals(metric), {name: found[name] for name in ranked if name in found}
    places = ranks(competing, is_better_high(metric), precision)
    return {name: _number(score, precision, places.get(name)) for name, score in found.items()}


def ranks(scores: Mapping[str, Score], descending: bool, precision: int) -> dict[str, int]:
    """Places from 0 of means rounded to `precision` decimals, the largest first if `descending`; ties share one."""
    rounded = {name: round(score.mean, precision) for name, score in scores.items()}
    order = sorted(set(rounded.values()), reverse=descending)
    return {name: order.index(value) for name, value in rounded.items()}


def _number(score: Score, precision: int, place: int | None) -> str:
    styles = {0: r"\mathbf", 1: r"\underline"}
    mean = f"{score.mean:.{precision}f}"
    styled = f"{styles[place]}{{{mean}}}" if place in styles else mean
    spread = "" if score.deviation is None else rf" \pm {score.deviation:.{precision}f}"
    return f"${styled}{spread}$"


def _caption(plan: Plan, protocol: str) -> str:
    facts = plan.facts
    parts = [
        f"{facts['dataset']}, {facts['image_size']} px.",
        budget_text(plan),
        *checkpoint_lines(plan),
        averaging(plan),
        "Of the translators the best is bold and the second underlined.",
        f"Protocol {protocol}.",
    ]
    return escape(" ".join(parts))
