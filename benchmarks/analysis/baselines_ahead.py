"""Columns in which a baseline is better than every translator, and so say little about who translates well."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from i2i.benchmarks.analysis.aggregate import over_seeds
from i2i.benchmarks.analysis.groups import Group
from i2i.metrics.registry import Kind, kind_of, metric_named

FOR_THE_TARGET: Collection[Kind] = ("classifier", "frechet", "kernel", "set", "paired", "segmentation")
"""Metrics that ask for the target; a copy of the input is unbeaten in the others by definition."""


def baselines_ahead(baselines: Sequence[str], group: Group) -> dict[str, list[str]]:
    """By metric, the baselines that are better than every translator, as the table prints them.

    The list is empty where a translator is as good as all baselines, and where not both have numbers.

    Args:
        baselines: names of those that learn nothing, in the order of the table.
        group: of the table. Of its metrics those of `FOR_THE_TARGET` are looked at, unless they are in doubt.
    """
    asked = [name for name, own in group.columns.items() if kind_of(name) in FOR_THE_TARGET and not own.doubt]
    return {metric: _ahead(baselines, group, metric) for metric in asked}


def _ahead(baselines: Sequence[str], group: Group, metric: str) -> list[str]:
    values = _printed(group, metric)
    translators = [value for name, value in values.items() if name not in baselines]
    best = max(translators, default=np.inf)
    return [name for name in baselines if name in values and values[name] > best]


def _printed(group: Group, metric: str) -> Mapping[str, float]:
    """By method the finite mean as printed, so turned that more is better."""
    known = metric_named(metric)
    own = group.results.scores[group.results.scores["metric"] == metric]
    means = over_seeds(own[own["model"].isin(group.results.methods)], ("model",))
    sign = 1 if known.higher_is_better else -1
    return {name: sign * score.rounded(known.decimals) for name, score in means.items() if np.isfinite(score.mean)}
