"""Scores over seeds: every seed gives one value, and the table shows their mean and standard deviation."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from i2i.benchmarks.analysis.number_format import DASH
from i2i.metrics.digits import fixed, places


@dataclass(frozen=True)
class Score:
    """What the seeds of a method gave.

    Attributes:
        by_seed: the value of each seed.
    """

    by_seed: Mapping[int, float]

    @property
    def mean(self) -> float:
        """Mean of the seeds' values."""
        return mean_of(list(self.by_seed.values()))

    @property
    def std(self) -> float | None:
        """Standard deviation of the seeds' values, with n - 1 in its denominator; None of a single seed."""
        count = len(self.by_seed)
        if count < 2:
            return None
        return math.sqrt(sum((value - self.mean) ** 2 for value in self.by_seed.values()) / (count - 1))

    def places(self, decimals: int) -> int:
        """The decimals of mean and std where the metric is printed with `decimals`; see `digits.places`."""
        return places(decimals, self.mean, self.std or 0.0)

    def rounded(self, decimals: int) -> float:
        """The mean as it is printed."""
        return round(self.mean, self.places(decimals))

    def parts(self, decimals: int) -> tuple[str, ...]:
        """The mean as text and, of several seeds, the std; a dash where there is no number."""
        if math.isnan(self.mean):
            return (DASH,)
        values = [self.mean] if self.std is None else [self.mean, self.std]
        return tuple(fixed(value, self.places(decimals)) for value in values)

    def text(self, decimals: int) -> str:
        """`1.23 ± 0.04`, of a single seed `1.23`, and a dash where there is no number."""
        return " ± ".join(self.parts(decimals))


def over_seeds(scores: pd.DataFrame, by: Sequence[str]) -> dict[Any, Score]:
    """Scores by the columns `by`, a name for one column and a tuple for several.

    A seed's value is its mean over whatever `by` leaves open, such as directions. Where one of these is NaN so is the
    mean: a number of fewer directions is not that of the others.

    Args:
        scores: tidy, with the columns `by`, `seed` and `value`.
        by: names of columns.
    """
    values: dict[tuple[Any, ...], list[float]] = {}
    for *place, value in zip(*(scores[name].tolist() for name in (*by, "seed", "value")), strict=True):
        values.setdefault(tuple(place), []).append(value)
    found: dict[Any, dict[int, float]] = {}
    for *place, seed in sorted(values):
        key = place[0] if len(by) == 1 else tuple(place)
        found.setdefault(key, {})[seed] = mean_of(values[*place, seed])
    return {key: Score(own) for key, own in found.items()}


def mean_of(values: Sequence[float]) -> float:
    """The mean, to the last bit the same in whatever order; NaN where one of them is."""
    try:
        return math.fsum(values) / len(values)
    except (OverflowError, ValueError):  # beyond all floats, or infinities of both signs
        return sum(values) / len(values)
