"""Which methods a column of the table tells apart, and from what: places, tests, marks.

Two tests, for two sources of chance. Over images, `sign_flip`: would the difference survive other test images, with
these trained networks? Over seeds, `welch`: would it survive other training runs? Methods are told apart where every
test that the results allow tells them apart. A distance between sets has no values of single images; with one
seed there is no test for it. Where seeds are so few that the test over them could find huge differences alone, its
silence says nothing, and is told from a test that finds none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from i2i.benchmarks.analysis.aggregate import Score, over_seeds
from i2i.benchmarks.analysis.classifier_trust import doubts
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.plan import Plan
from i2i.metrics.registry import metric_named
from i2i.metrics.significance import LEVEL, PValue, pairwise, sign_flip, smallest_difference, welch

Over = Literal["images", "seeds"]
SAME, UNTESTED, FEW_SEEDS = "†", "‡", "§"
DOUBTED = "(!)"
"""Stands behind the heading of a column that is not to be relied on."""
OTHERWISE = "≠"
"""Stands behind the heading of a column that ranks the methods otherwise than an earlier one."""
LARGE = 4.0
"""Standard deviations over seeds: seeds are too few for a test that has less than an even chance to find as much."""


@dataclass(frozen=True)
class Tested:
    """A test of two methods.

    Attributes:
        over: what is drawn by chance.
        n: how many images, or seeds of the two together.
        p: the p-value, by itself and corrected for the pairs of this column.
    """

    over: Over
    n: int
    p: PValue


@dataclass(frozen=True)
class Column:
    """A metric of those who compete in it.

    Attributes:
        places: from 0, by means rounded as in the table; ties share one.
        best: whose mean is best; None if no method competes.
        tests: by pair, in the order of the table.
        same: not distinguishable from the best; empty where there is no test.
        unsure: not told from the best by the test over seeds alone, which has too few of them.
        doubt: why nothing is ranked by this metric; None where it is.
        otherwise: whether an earlier metric that should rank alike ranks otherwise.
    """

    places: Mapping[str, int]
    best: str | None
    tests: Mapping[tuple[str, str], tuple[Tested, ...]]
    same: frozenset[str]
    unsure: frozenset[str] = frozenset()
    doubt: str | None = None
    otherwise: bool = False

    @property
    def over(self) -> tuple[Over, ...]:
        """What was tested over."""
        found = {test.over for tests in self.tests.values() for test in tests}
        kinds: tuple[Over, ...] = ("images", "seeds")
        return tuple(kind for kind in kinds if kind in found)

    @property
    def untested(self) -> bool:
        """Whether several compete, but nothing can be tested."""
        return len(self.places) > 1 and not self.over

    @property
    def ranks(self) -> bool:
        """Whether anybody is better than others here: several compete, by a metric that is to be relied on."""
        return len(self.places) > 1 and not self.doubt

    @property
    def sign(self) -> str:
        """What stands behind the heading, with a space; empty for a metric that nothing speaks against."""
        return f" {DOUBTED}" if self.doubt else f" {OTHERWISE}" if self.otherwise else ""

    def place(self, name: str) -> int | None:
        """From 0, the best; None of who does not compete, or where nothing is ranked."""
        return self.places.get(name) if self.ranks else None

    def is_best(self, name: str) -> bool:
        """Whether no other mean is better as printed; none is the best of one."""
        return self.place(name) == 0

    def distinguished(self, one: str, other: str) -> bool:
        """Whether every test that there is tells these two apart, and there is one."""
        tests = self.tests.get((one, other)) or self.tests.get((other, one)) or ()
        return bool(tests) and all(test.p.corrected <= LEVEL for test in tests)

    def mark(self, name: str) -> str:
        """The sign behind a value: not distinguishable from the best, too few seeds to tell, or the best untested."""
        if not self.ranks:
            return ""
        if self.is_best(name):
            return UNTESTED if self.untested else ""
        return SAME if name in self.same else FEW_SEEDS if name in self.unsure else ""


def ranked(plan: Plan, results: Results) -> list[str]:
    """Who competes: all but the baselines and real images, which are there to be read against."""
    return [name for name in results.methods if name not in plan.facts.baselines]


def signs(plan: Plan, results: Results) -> dict[str, str]:
    """What stands behind the names of metrics that are not to be relied on, with a space."""
    return dict.fromkeys(doubts(plan, results, ranked(plan, results)), f" {DOUBTED}")


def compare(results: Results, metric: str, names: Sequence[str], doubt: str | None = None) -> Column:
    """Places and tests of these methods by their means over the directions of the results."""
    scores = over_seeds(results.scores[results.scores["metric"] == metric], ("model",))
    known = {name: scores[name] for name in names if name in scores and np.isfinite(scores[name].mean)}
    if not known:
        return Column({}, None, {}, frozenset())
    rising = metric_named(metric).higher_is_better
    sign = 1 if rising else -1
    best = max(known, key=lambda name: sign * known[name].mean)
    tests = _tests(results.details.images, metric, known)
    silent = {name: _silent(tests, best, name) for name in known if name != best}
    few = {name for name in silent if silent[name] == {"seeds"} and _few_seeds(tests, known[best], known[name])}
    same = {name for name, kinds in silent.items() if kinds} - few
    places = ranks(known, rising, metric_named(metric).decimals)
    return Column(places, best, tests, frozenset(same), frozenset(few), doubt)


def compare_all(plan: Plan, results: Results, doubted: Mapping[str, str] | None = None) -> dict[str, Column]:
    """Every metric of the table.

    Args:
        plan: of the bench.
        results: of all or some of its directions.
        doubted: by metric why nothing is ranked by it; None: as these results say.
    """
    names = ranked(plan, results)
    found = doubts(plan, results, names) if doubted is None else doubted
    return {metric: compare(results, metric, names, found.get(metric)) for metric in results.metrics}


def ranks(scores: Mapping[str, Score], descending: bool, precision: int) -> dict[str, int]:
    """Places from 0 of means as printed with `precision`, the largest first if `descending`; ties share one."""
    rounded = {name: score.rounded(precision) for name, score in scores.items()}
    order = sorted(set(rounded.values()), reverse=descending)
    return {name: order.index(value) for name, value in rounded.items()}


def image_values(images: pd.DataFrame, metric: str, names: Sequence[str]) -> pd.DataFrame:
    """One value per test image (row) and method (column), whose means are those of the table.

    Values of an image under several seeds and in several directions are no more than one finding about it, and so
    are those of aligned images, which share their name. They are added up with the weight they have in the table:
    equal for every direction, and in it for every image. Left out is who has no value, or none that is finite, of an
    image that others have.
    """
    own = images[(images["metric"] == metric) & images["model"].isin(names)]
    if own.empty:
        return pd.DataFrame()
    own = own.assign(value=own["value"].fillna(np.inf))  # else means would leave it out silently
    cells = own.groupby(["source", "target", "image", "model"])["value"].mean().unstack("model")
    complete = [name for name in names if name in cells and np.isfinite(cells[name]).all()]
    if not complete:
        return pd.DataFrame()
    directions = cells[complete].groupby(["source", "target"])
    weighted = cells[complete].div(directions.transform("size") * directions.ngroups, axis=0).groupby("image").sum()
    return weighted * len(weighted)


def _tests(images: pd.DataFrame, metric: str, scores: Mapping[str, Score]) -> dict[tuple[str, str], tuple[Tested, ...]]:
    found: dict[tuple[str, str], tuple[Tested, ...]] = {}
    for pair, test in [*_over_images(images, metric, list(scores)), *_over_seeds(scores)]:
        found[pair] = (*found.get(pair, ()), test)
    return found


def _over_images(images: pd.DataFrame, metric: str, names: Sequence[str]) -> Iterator[tuple[tuple[str, str], Tested]]:
    values = image_values(images, metric, names) if len(names) > 1 else pd.DataFrame()
    if len(values) < 2:
        return
    samples = {str(name): values[name].to_numpy() for name in values}
    for pair, p in pairwise(samples, test=sign_flip).items():
        yield pair, Tested("images", len(values), p)


def _over_seeds(scores: Mapping[str, Score]) -> Iterator[tuple[tuple[str, str], Tested]]:
    samples = {name: list(score.by_seed.values()) for name, score in scores.items()}
    several = {name: values for name, values in samples.items() if len(values) > 1}
    for (a, b), p in pairwise(several, test=welch).items():
        yield (a, b), Tested("seeds", len(several[a]) + len(several[b]), p)


def _silent(tests: Mapping[tuple[str, str], tuple[Tested, ...]], best: str, name: str) -> set[Over]:
    """The kinds of test that do not tell these two apart, of all that tell any two apart."""
    own = tests.get((best, name)) or tests.get((name, best)) or ()
    everything = {test.over for found in tests.values() for test in found}
    return everything - {test.over for test in own if test.p.corrected <= LEVEL}


def _few_seeds(tests: Mapping[tuple[str, str], tuple[Tested, ...]], one: Score, other: Score) -> bool:
    """Whether the test over seeds, corrected for its pairs, would find large differences only."""
    pairs = sum(test.over == "seeds" for found in tests.values() for test in found)
    return smallest_difference(min(len(one.by_seed), len(other.by_seed)), pairs) > LARGE
