"""Which columns would mislead who takes them for a ranking of translators: warnings beside every form of the table."""

from collections.abc import Sequence

from i2i.benchmarks.analysis.floor_and_ceiling import baselines_ahead, beyond_real
from i2i.benchmarks.analysis.groups import Group
from i2i.benchmarks.analysis.significance import DOUBTED
from i2i.benchmarks.plan import Plan
from i2i.metrics.registry import metric_named

FEW_GROUPS = 3
"""So many groups of the table a sentence names."""


def cautions(plan: Plan, grouped: Sequence[Group]) -> list[str]:
    """Which columns would mislead who takes them for a ranking of translators, a line per reason."""
    return [*doubts_lines(grouped), *baseline_lines(plan, grouped), *ceiling_lines(plan, grouped)]


def doubts_lines(grouped: Sequence[Group]) -> list[str]:
    """A warning per reason why some columns are not to be relied on; nothing where all are."""
    reasons = dict.fromkeys(column.doubt for group in grouped for column in group.columns.values() if column.doubt)
    return [f"Warning {DOUBTED}: {reason}." for reason in reasons]


def baseline_lines(plan: Plan, grouped: Sequence[Group]) -> list[str]:
    """A warning that names the columns in which a baseline is better than every translator; nothing where none is."""
    ahead = {group.name: baselines_ahead(plan.facts.baselines, group) for group in grouped}
    metrics = list(dict.fromkeys(metric for own in ahead.values() for metric in own))
    where = {metric: [name for name, own in ahead.items() if own.get(metric)] for metric in metrics}
    won = [f"`{metric_named(metric).title}`{_in_groups(where[metric], grouped)}" for metric in metrics if where[metric]]
    if not won:
        return []
    leading = {name for own in ahead.values() for names in own.values() for name in names}
    who = " or ".join(f"`{name}`" for name in plan.facts.baselines if name in leading)
    others = ", ".join(f"`{metric_named(metric).title}`" for metric in metrics if not where[metric])
    rest = f"No baseline wins by {others}." if others else "No other column says it."
    return [
        f"Warning: {who}, which learns nothing, is better than every translator by {', '.join(won)}. Either no "
        "translator has learnt more, or such a column sees the blur and grain of networks before it sees what they "
        f"changed: it does not say who translates well. {rest}"
    ]


def ceiling_lines(plan: Plan, grouped: Sequence[Group]) -> list[str]:
    """A warning that names who scores above real images, and by what; nothing where nobody does."""
    found: dict[str, dict[str, list[str]]] = {}
    for group in grouped:
        for metric, names in beyond_real(plan.facts.baselines, group).items():
            for name in names:
                found.setdefault(name, {}).setdefault(metric, []).append(group.name)
    if not found:
        return []
    passed = {
        name: [f"`{metric_named(metric).title}`{_in_groups(where, grouped)}" for metric, where in own.items()]
        for name, own in found.items()
    }
    who = "; ".join(f"`{name}` by {', '.join(titles)}" for name, titles in passed.items())
    return [
        f"Warning: above the ceiling, which is `real`: {who}. Real test images are as good as a translation can get: a "
        "better score says that it is easier to recognise or more alike than they are, or is chance."
    ]


def _in_groups(names: Sequence[str], grouped: Sequence[Group]) -> str:
    """Where in the table that is, in brackets; empty if everywhere."""
    if len(names) == len(grouped):
        return ""
    return f" ({', '.join(names)})" if len(names) <= FEW_GROUPS else f" ({len(names)} of {len(grouped)} groups)"
