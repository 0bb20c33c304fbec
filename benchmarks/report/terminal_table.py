"""The table of a bench for the terminal, with the sentences below it."""

from collections.abc import Sequence

from i2i.benchmarks.analysis.groups import By, Group, groups
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import FEW_SEEDS, OTHERWISE, SAME, UNTESTED
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.captions import averaging, left_out, not_there, suite_lines
from i2i.benchmarks.report.cautions import cautions
from i2i.benchmarks.report.markdown import claim_lines
from i2i.benchmarks.report.tables import numeric, summary
from i2i.benchmarks.report.terminal import TerminalTable
from i2i.benchmarks.suite.columns import TRAINING_COSTS

LEGEND = {
    "*": "best",
    SAME: "not distinguishable from it",
    FEW_SEEDS: "too few seeds to tell from it",
    UNTESTED: "best, not tested",
    OTHERWISE: "ranks otherwise than an earlier column that should agree",
}
"""What the marks behind values mean."""


def shown(plan: Plan, results: Results, by: By = "auto") -> TerminalTable:
    """The summary for the terminal."""
    grouped = groups(plan, results, by)
    frame = summary(grouped, "{}*".format, plan.facts.suite.report.intervals)
    frame = frame.drop(columns=list(TRAINING_COSTS), errors="ignore")
    header = list(map(str, frame.columns))
    metrics = [place for place, name in enumerate(header) if name not in (by, "model", "health", "n")]
    others = [header.index(name) for name in ("n", "health") if name in header]
    return TerminalTable(
        header=tuple(header),
        rows=tuple(tuple(map(str, row)) for row in frame.to_numpy().tolist()),
        right=tuple(place for place, right in enumerate(numeric(frame)) if right),
        spare=(*others[:1], *metrics[:0:-1], *others[1:]),
        legend=LEGEND,
        notes=(*(line.replace("`", "") for line in notes(plan, grouped, results)), *claim_lines(plan, results)),
    )


def notes(plan: Plan, grouped: Sequence[Group], results: Results) -> list[str]:
    """What must be known beside the table, a sentence each."""
    absent = [*left_out(plan, results), *not_there(plan, grouped, results)]
    return [averaging(plan, grouped), *cautions(plan, grouped), *suite_lines(plan), *absent]
