"""A bench told in text: table.md, from its parts."""

from collections.abc import Iterable, Sequence

from i2i.benchmarks.analysis.aggregate import over_seeds
from i2i.benchmarks.analysis.groups import By, Group, groups
from i2i.benchmarks.analysis.number_format import error_line
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report import captions, detail_tables, tables
from i2i.benchmarks.suite.claims import metric_of, verdict_on
from i2i.metrics.registry import metric_named
from i2i.utils import text
from i2i.utils.text import prose


def markdown(plan: Plan, results: Results, protocol: str | None = None, by: By = "auto") -> str:
    """The table with what it needs to be read, as Markdown.

    Args:
        plan: of the bench.
        results: what it found.
        protocol: the fingerprint of the protocol card.
        by: how the main table averages.
    """
    grouped = groups(plan, results, by)
    main = tables.summary(grouped, intervals=plan.facts.suite.report.intervals)
    parts = [
        f"# {text.markdown(plan.dataset)}: {text.markdown(', '.join(plan.methods()))}",
        tables.markdown_table(main, list(tables.headings(grouped).values())),
        _listed(captions.caption(plan, grouped, results, protocol)),
        *_claims_section(plan, results),
        *_costs_section(plan, results),
        *_health_section(results),
        *_predictions_section(results),
        *_by_n_sections(results),
        *_direction_sections(results, grouped),
    ]
    if results.failures:
        parts.append("## Failed")
        parts.append(_listed(f"{name}: {error_line(error)}" for name, error in results.failures.items()))
    if results.unfinished:
        parts.append("## Not done yet")
        parts.append(_listed(f"{name}: {state}" for name, state in results.unfinished.items()))
    return "\n\n".join(parts) + "\n"


def claim_lines(plan: Plan, results: Results) -> list[str]:
    """One line per claim of the suite: the claim, and whether this bench shows it."""
    means = over_seeds(results.scores, ("model", "metric"))
    lines = []
    for claim in plan.facts.suite.claims:
        metric = metric_named(metric_of(claim, results.metrics))
        own = {name: score.mean for (name, about), score in means.items() if about == metric.name}
        verdict = verdict_on(claim, own, metric.higher_is_better, metric.decimals)
        lines.append(f"{claim.says}: {verdict} ({metric.heading})")
    return lines


def _claims_section(plan: Plan, results: Results) -> list[str]:
    lines = claim_lines(plan, results)
    if not lines:
        return []
    if len(plan.seeds()) == 1:
        lines.append("One seed: whether a small difference would come out the same again is not known.")
    return ["## Claims", _listed(lines)]


def _costs_section(plan: Plan, results: Results) -> list[str]:
    if not results.costs:
        return []
    return ["## Costs", tables.markdown_table(tables.costs(results)), _listed(captions.costs_caption(plan))]


def _health_section(results: Results) -> list[str]:
    if results.details.flags.empty:
        return []
    raised = detail_tables.health_warnings(results)
    return ["## Health", tables.markdown_table(raised) if len(raised) else "No warning."]


def _predictions_section(results: Results) -> list[str]:
    frame = detail_tables.predictions(results)
    if frame.empty:
        return []
    caption = "Numbers of images, of all seeds together, by the domain that the classifier saw in them."
    return ["## What translations were taken for", tables.markdown_table(frame), _listed([caption])]


def _by_n_sections(results: Results) -> list[str]:
    parts = []
    for metric in detail_tables.metrics_by_n(results):
        parts.append(f"## {text.markdown(metric_named(metric).heading)} by the number of images")
        parts.append(tables.markdown_table(detail_tables.distances_by_n(results, metric)))
        parts.append("- Means over directions and seeds. What still falls to the right is bias of small numbers.")
    return parts


def _direction_sections(results: Results, grouped: Sequence[Group]) -> list[str]:
    parts, headings = list[str](), tables.headings(grouped)
    for metric in results.metrics:
        parts.append(f"## {text.markdown(headings[metric])} by direction")
        parts.append(tables.markdown_table(tables.by_direction(results, metric)))
        if intervals := captions.intervals_caption(results, metric):
            parts.append(_listed(intervals))
    return parts


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {prose(line)}" for line in lines)
