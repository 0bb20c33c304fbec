"""Measures of two sets of features that are taken where asked for: `scoring.metrics`, `i2i score --metrics`."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np

from i2i.errors import unknown
from i2i.metrics.manifold import NEIGHBOURS, expected_coverage, overlap
from i2i.metrics.registry import set_name

SetMeasure = Literal["prdc"]
SET_MEASURES: tuple[SetMeasure, ...] = get_args(SetMeasure)


@dataclass(frozen=True)
class Family:
    """Metrics that are computed together.

    Attributes:
        compute: from features of fakes [M, d] and of real images [N, d] to values by the metrics' short names.
        fewest: images a side that it needs.
        says: of M fakes and N real images what a reader must know beside the values.
    """

    compute: Callable[[np.ndarray, np.ndarray], dict[str, float]]
    fewest: int
    says: Callable[[int, int], str]


def _ceiling(fakes: int, reals: int) -> str:
    reached = expected_coverage(reals, fakes)
    return f"coverage: equal distributions reach {reached:.3f} on average at these numbers"


FAMILIES: Mapping[SetMeasure, Family] = {
    "prdc": Family(lambda fakes, reals: asdict(overlap(reals, fakes)), NEIGHBOURS + 1, _ceiling),
}


def of_features(
    measures: tuple[SetMeasure, ...], extractor: str, fakes: np.ndarray, reals: np.ndarray
) -> dict[str, float]:
    """Values by metric; those that these numbers of images do not allow are left out.

    Args:
        measures: what is asked for.
        extractor: name of whose features they are.
        fakes: [M, d].
        reals: [N, d].
    """
    fewest = min(len(fakes), len(reals))
    families = [FAMILIES[measure] for measure in measures if fewest >= FAMILIES[measure].fewest]
    return {
        set_name(name, extractor): value for family in families for name, value in family.compute(fakes, reals).items()
    }


def notes(measures: tuple[SetMeasure, ...], fakes: int, reals: int) -> list[str]:
    """A line per measure: what to know of its values at these numbers of images, or that there are too few."""
    fewest = min(fakes, reals)
    families = {measure: FAMILIES[measure] for measure in measures}
    return [
        own.says(fakes, reals)
        if fewest >= own.fewest
        else f"no {name}: it needs {own.fewest} images a side, not {fewest}"
        for name, own in families.items()
    ]


def parse_measures(text: str) -> tuple[SetMeasure, ...]:
    """Read `prdc,...`; UserError for what is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in SET_MEASURES:
            raise unknown("metric", name, SET_MEASURES)
    return tuple(measure for measure in SET_MEASURES if measure in names)
