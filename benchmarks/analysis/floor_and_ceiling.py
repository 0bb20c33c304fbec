"""Scores that leave the scale between baselines, which are the floor, and real images, which are the ceiling."""

from collections.abc import Collection, Sequence

import numpy as np

from i2i.benchmarks.analysis.aggregate import over_seeds
from i2i.benchmarks.analysis.groups import Group
from i2i.benchmarks.results_folder.staleness import REAL
from i2i.metrics.registry import Kind, kind_of, metric_named

FOR_THE_TARGET: Collection[Kind] = ("classifier", "frechet", "kernel", "set", "paired", "segmentation")
"""Metrics that ask for the target; a copy of the input is unbeaten in the others by definition."""

WITH_A_CEILING: Collection[Kind] = ("frechet", "set", "segmentation")
"""Those in which real test images have a score that is hard to pass. Their kernel distance (KID) is 0, give or take; an
accuracy above theirs is in doubt anyway (`classifier_trust`)."""


def baselines_ahead(baselines: Sequence[str], group: Group) -> dict[str, list[str]]:
    """By metric, the baselines that are better than every translator, as the table prints them.

    The list is empty where a translator is as good as all baselines, and where not both have numbers.

    Args:
        baselines: names of those that learn nothing, in the order of the table.
        group: of the table. Of its metrics those of `FOR_THE_TARGET` are looked at, unless they are in doubt.
    """
    asked = [name for name, own in group.columns.items() if kind_of(name) in FOR_THE_TARGET and not own.doubt]
    return {metric: _ahead(baselines, group, metric) for metric in asked}


def beyond_real(baselines: Sequence[str], group: Group) -> dict[str, list[str]]:
    """By metric of `WITH_A_CEILING`, the translators printed with a better score than real test images."""
    asked = [name for name, own in group.columns.items() if kind_of(name) in WITH_A_CEILING and not own.doubt]
    found = {metric: _beyond(baselines, group, metric) for metric in asked}
    return {metric: names for metric, names in found.items() if names}


def _ahead(baselines: Sequence[str], group: Group, metric: str) -> list[str]:
    values = _printed(group, metric, group.results.methods)
    translators = [value for name, value in values.items() if name not in baselines]
    best = max(translators, default=np.inf)
    return [name for name in baselines if name in values and values[name] > best]


def _beyond(baselines: Sequence[str], group: Group, metric: str) -> list[str]:
    values = _printed(group, metric, group.results.rows)
    ceiling = values.pop(REAL, np.inf)
    return [name for name, value in values.items() if value > ceiling and name not in baselines]


def _printed(group: Group, metric: str, names: Sequence[str]) -> dict[str, float]:
    """By row of the table the finite mean as printed, so turned that more is better."""
    known = metric_named(metric)
    own = group.results.scores[group.results.scores["metric"] == metric]
    means = over_seeds(own[own["model"].isin(names)], ("model",))
    sign = 1 if known.higher_is_better else -1
    return {name: sign * score.rounded(known.decimals) for name, score in means.items() if np.isfinite(score.mean)}
