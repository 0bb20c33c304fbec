"""Claims: orderings of methods that a suite expects, and whether the scores of a bench show them."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from pydantic import Field

from i2i.config import Section
from i2i.metrics.digits import fixed, places
from i2i.metrics.registry import kind_of

DISTANCE = "FD"
"""In a claim: the Frechet distance of the bench, in whichever features that is taken."""


class Claim(Section):
    """An expected ordering, such as a paper of its ablation."""

    metric: str = Field(description="a metric of the table by its name in results.csv, or FD for its Frechet distance")
    order: tuple[str, ...] = Field(min_length=2, description="names of methods, the best first")
    says: str = Field(min_length=1, description="the claim in words, with its source")


def metric_of(claim: Claim, metrics: Sequence[str]) -> str:
    """The metric that a claim is about, of those that a bench has; its own text where there is no such distance."""
    distances = (name for name in metrics if kind_of(name) == "frechet")
    return next(distances, DISTANCE) if claim.metric == DISTANCE else claim.metric


def verdict_on(claim: Claim, means: Mapping[str, float], higher_is_better: bool, decimals: int) -> str:
    """The verdict on a claim in words.

    Args:
        claim: what is claimed.
        means: value of the claim's metric by method.
        higher_is_better: the direction of that metric.
        decimals: precision of the table; values that look equal there count as equal.

    Returns:
        `shown: a 24.10 > b 20.30`, `not shown: a 20.30 < b 24.10`, or `not tested: ...` where a value is missing.
    """
    missing = [name for name in claim.order if math.isnan(means.get(name, math.nan))]
    if missing:
        return f"not tested: this bench has no {claim.metric} of {', '.join(missing)}"
    values = [round(means[name], decimals) for name in claim.order]
    signs = [_sign(first, second) for first, second in pairwise(values)]
    words = [f"{name} {fixed(value, places(decimals, value))}" for name, value in zip(claim.order, values, strict=True)]
    ordering = " ".join(word for both in zip(words, [*signs, ""], strict=True) for word in both).strip()
    shown = set(signs) == {">" if higher_is_better else "<"}
    return f"{'shown' if shown else 'not shown'}: {ordering}"


def _sign(first: float, second: float) -> str:
    return ">" if first > second else "<" if first < second else "="
