"""Colours of scores in heat maps: one scale per metric, the same in the figure and on the page. Brighter is better.

The ends are the metric's own where it has some: shares and similarities run from 0 to 1, distances from 0. The open
end of a distance is the worst value of a translator, so that a reference row that lies far off does not make all others
look alike, and at least twice the best. So equal scores have equal colours, and those that hardly differ similar ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from i2i.benchmarks.analysis.aggregate import over_seeds
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.plan import Plan
from i2i.metrics.registry import metric_named

RGB = tuple[int, int, int]
STOPS: tuple[RGB, ...] = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""From worse to better, evenly spaced: those of matplotlib's viridis."""
OPEN_SPAN = 10.0
"""Between the ends of a metric that has none of its own, such as PSNR in dB, at least."""


@dataclass(frozen=True)
class Scale:
    """What the worst and the best colour stand for; values beyond have the same."""

    worst: float
    best: float

    def share(self, value: float) -> float:
        """Where a value lies: 0 at the worst end, 1 at the best."""
        return min(1.0, max(0.0, (value - self.worst) / (self.best - self.worst)))

    def color(self, value: float) -> RGB:
        """The colour of a value: red, green and blue, 0 to 255."""
        return blended(self.share(value))


def scale(metric: str, values: Iterable[float]) -> Scale:
    """The scale of a metric of which translators have these finite values."""
    own, known = metric_named(metric), list(values) or [0.0]
    low, high = min(known), max(known)
    if own.bounds:
        return Scale(*own.bounds)
    if own.higher_is_better:
        middle, half = (low + high) / 2, max(OPEN_SPAN, high - low) / 2
        return Scale(middle - half, middle + half)
    return Scale(max(high, 2 * low) if high > 0 else 1.0, 0.0)


def scale_of(plan: Plan, results: Results, metric: str) -> Scale:
    """The scale of all maps of a metric: by its translators, or by all methods without any."""
    scores = results.scores[results.scores["metric"] == metric]
    reference = plan.facts.baselines
    ranked = [name for name in results.methods if name not in reference] or results.methods
    means = over_seeds(scores[scores["model"].isin(ranked)], ("model", "source", "target"))
    return scale(metric, [score.mean for score in means.values() if abs(score.mean) < float("inf")])


def blended(share: float) -> RGB:
    """The colour at a share from 0 to 1 of the way through `STOPS`."""
    place = share * (len(STOPS) - 1)
    below, above = list(pairwise(STOPS))[min(int(place), len(STOPS) - 2)]
    part = place - min(int(place), len(STOPS) - 2)
    red, green, blue = (round(a + part * (b - a)) for a, b in zip(below, above, strict=True))
    return red, green, blue


def ink(color: RGB) -> str:
    """Black or white, whichever is read better on a colour (WCAG's relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (own / 255 for own in color)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"  # where both contrast alike
