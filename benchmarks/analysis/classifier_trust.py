"""Whether a classifier knows real images well enough for the scores that rest on it to say something."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from i2i.benchmarks.analysis.aggregate import over_seeds
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.evaluation.direction_scores import ACCURACY
from i2i.benchmarks.evaluation.gan_train import GAN_TRAIN
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.staleness import REAL
from i2i.metrics.bootstrap import share_interval
from i2i.metrics.registry import OF_CLASSIFIER, content_name, diversity_name, kernel_name

HALFWAY = 0.5
"""How far from guessing to 1 the lower end of the real accuracy must reach."""


@dataclass(frozen=True)
class Share:
    """The share of real images that a classifier recognises, over all domains alike.

    Attributes:
        value, low, high: the share and its 95 % interval (Wilson).
        chance: what guessing gets.
    """

    value: float
    low: float
    high: float
    chance: float

    @property
    def least(self) -> float:
        """What `low` must reach: halfway from chance to 1, where half of what guessing leaves is recognised."""
        return self.chance + HALFWAY * (1 - self.chance)


def doubts(plan: Plan, results: Results, names: Sequence[str]) -> dict[str, str]:
    """By metric, a sentence that says why its ranking is not to be relied on; metrics without doubt are left out.

    A classifier that hardly knows real images puts its accuracy and all distances in its features in doubt. Where a
    translator (one of `names`) scores clearly above real images, only the accuracy is: more of it is then no better.
    """
    found: dict[str, str] = {}
    for metric in (ACCURACY, GAN_TRAIN):
        real = _real(plan, results, metric)
        if real is None:
            continue
        if real.low < real.least:
            found |= dict.fromkeys(_resting_on(metric, results.metrics), _hardly_knows(metric, real))
        elif metric == ACCURACY and (above := _above(results, names, real)):
            found[metric] = above
    return found


def _real(plan: Plan, results: Results, metric: str) -> Share | None:
    rows = results.scores[(results.scores["model"] == REAL) & (results.scores["metric"] == metric)]
    rows = rows[rows["value"].notna()]
    if rows.empty:
        return None
    value, n = float(rows["value"].mean()), int(rows["n"].sum())
    found = share_interval(round(value * n), n)
    chances = [_chance(plan, results, target) for target in rows["target"]]
    return Share(value, found.low, found.high, sum(chances) / len(chances))


def _chance(plan: Plan, results: Results, domain: str) -> float:
    """One over the number of answers: the members of the domain's group, or an attribute and its absence."""
    confusion = results.details.confusion
    answers = confusion[(confusion["model"] == REAL) & (confusion["target"] == domain)]["predicted"].nunique()
    return 1 / (answers or len(plan.domains))


def _resting_on(metric: str, metrics: Sequence[str]) -> Iterator[str]:
    yield metric
    if metric == ACCURACY:
        own = {OF_CLASSIFIER, *(name(OF_CLASSIFIER) for name in (kernel_name, content_name, diversity_name))}
        yield from (name for name in metrics if name in own)


def _hardly_knows(metric: str, real: Share) -> str:
    who = "the domain classifier" if metric == ACCURACY else "a classifier that learnt from real images"
    rests = ", and so do distances in its features" if metric == ACCURACY else ""
    return (
        f"{who} recognises {real.value:.3f} of the real test images (95% interval {real.low:.3f} to {real.high:.3f}), "
        f"where guessing gets {real.chance:.3f}; the interval has to begin at {real.least:.3f} or more, and a few test "
        f"images cannot show that. `{metric}` then says little{rests}; nothing is ranked by them"
    )


def _above(results: Results, names: Sequence[str], real: Share) -> str | None:
    means = over_seeds(results.scores[results.scores["metric"] == ACCURACY], ("model",))
    above = {name: means[name].mean for name in names if name in means and means[name].mean > real.high}
    if not above:
        return None
    best = max(above, key=lambda name: above[name])
    return (
        f"{best} has an `accuracy` of {above[best]:.3f}, real test images {real.value:.3f} (95% interval to "
        f"{real.high:.3f}). More than real images get is no better, so nothing is ranked by it"
    )
