"""Metrics that should rank the methods alike, such as distances in unlike features, and do not."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from i2i.benchmarks.analysis.aggregate import over_seeds
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import Column, compare, ranked, ranks
from i2i.benchmarks.plan import Plan
from i2i.metrics.registry import is_distance, metric_named

Pair = tuple[str, str]


@dataclass(frozen=True)
class DifferingRanking:
    """Two metrics that rank methods otherwise.

    Attributes:
        metric: the later one.
        other: the earlier one.
        orders: the methods of both by each, the best first.
        pairs: methods of which the one is better by the one metric, and the other by the other.
    """

    metric: str
    other: str
    orders: tuple[list[str], list[str]]
    pairs: list[Pair]

    def distinguished(self, plan: Plan, results: Results) -> dict[Pair, list[str]]:
        """By pair, the metrics in which tests tell them apart."""
        names = ranked(plan, results)
        columns: dict[str, Column] = {name: compare(results, name, names) for name in (self.other, self.metric)}
        return {pair: [name for name, own in columns.items() if own.distinguished(*pair)] for pair in self.pairs}

    def is_tested(self, plan: Plan, results: Results) -> bool:
        """Whether there is any test by either metric."""
        names = ranked(plan, results)
        return any(compare(results, name, names).over for name in (self.other, self.metric))


def differing_rankings(plan: Plan, results: Results, doubted: Mapping[str, str]) -> dict[str, DifferingRanking]:
    """By metric, its unlike ranking: each is compared with the first that should rank alike.

    Those are distances of sets, whatever their features, and other measures that differ in their features alone.

    Args:
        plan: of the bench.
        results: of all directions.
        doubted: metrics by which nothing is ranked; they are left out.
    """
    found: dict[str, DifferingRanking] = {}
    firsts: dict[str, str] = {}
    places = {metric: _places(plan, results, metric) for metric in results.metrics if metric not in doubted}
    for metric, own in places.items():
        first = firsts.setdefault(_what(metric), metric)
        pairs = _turned(places[first], own)
        if pairs:
            found[metric] = DifferingRanking(
                metric, first, (_order(own, places[first]), _order(places[first], own)), pairs
            )
    return found


def _what(metric: str) -> str:
    """Equal for metrics that should rank alike."""
    known = metric_named(metric)
    if is_distance(metric):
        return "distance"
    if known.kind == "segmentation":
        return known.title  # of label maps or, by a segmenter, of photos: two tasks
    return known.kind if known.kind == "kernel" else known.label


def _places(plan: Plan, results: Results, metric: str) -> dict[str, int]:
    scores = over_seeds(results.scores[results.scores["metric"] == metric], ("model",))
    known = {name: scores[name] for name in ranked(plan, results) if name in scores and np.isfinite(scores[name].mean)}
    return ranks(known, metric_named(metric).higher_is_better, metric_named(metric).decimals)


def _order(places: Mapping[str, int], others: Mapping[str, int]) -> list[str]:
    """Those who have a place in both, the best first."""
    return sorted((name for name in places if name in others), key=places.__getitem__)


def _turned(one: Mapping[str, int], other: Mapping[str, int]) -> list[Pair]:
    """Pairs that are in one order there and in the other here; ties are in none."""
    both = [name for name in one if name in other]
    return [(a, b) for a, b in combinations(both, 2) if (one[a] - one[b]) * (other[a] - other[b]) < 0]
