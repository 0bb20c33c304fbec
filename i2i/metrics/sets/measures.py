"""Measures of two sets of images that are taken where asked for: `scoring.metrics`, `i2i score --metrics`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from i2i.metrics.registry import set_name, sliced_name
from i2i.metrics.sets import cmmd, sliced, wavelet
from i2i.metrics.sets.manifold import NEIGHBORS, expected_coverage, overlap
from i2i.metrics.sets.names import SetMeasure

CLIP = "FD-CLIP-"
"""How the names of distances in CLIP's embeddings begin."""


class ImageSet(NamedTuple):
    """Images as measures of sets see them: features [N, d], and pixels uint8 [N, 3, H, W] that these are of."""

    features: np.ndarray
    pixels: Tensor


@dataclass(frozen=True)
class Family:
    """Metrics that are computed together.

    Attributes:
        compute: from the extractor's name, translations and real images to values by metric.
        fewest: images a side that it needs.
        says: of M translations and N real images what a reader must know beside the values.
        lacks: of the extractor's name and the images' height and width, why it cannot be taken; empty where it can.
    """

    compute: Callable[[str, ImageSet, ImageSet], dict[str, float]]
    fewest: int
    says: Callable[[int, int], str]
    lacks: Callable[[str, tuple[int, int]], str]


def _overlaps(extractor: str, fakes: ImageSet, reals: ImageSet) -> dict[str, float]:
    found = asdict(overlap(reals.features, fakes.features))
    return {set_name(name, extractor): value for name, value in found.items()}


def _sliced(extractor: str, fakes: ImageSet, reals: ImageSet) -> dict[str, float]:
    return {sliced_name(extractor): sliced.monge_distance(fakes.features, reals.features)}


def _embedded(extractor: str, fakes: ImageSet, reals: ImageSet) -> dict[str, float]:
    return {"cmmd": cmmd.cmmd(fakes.features, reals.features)}


def _waves(extractor: str, fakes: ImageSet, reals: ImageSet) -> dict[str, float]:
    return {"fwd": wavelet.wavelet_distance(fakes.pixels, reals.pixels)}


def _ceiling(fakes: int, reals: int) -> str:
    reached = expected_coverage(reals, fakes)
    return f"coverage: equal distributions reach {reached:.3f} on average at these numbers"


def _biased(name: str) -> Callable[[int, int], str]:
    line = "is 0 for equal sets and above it for other images of one distribution, the more so the fewer they are"
    return lambda fakes, reals: f"{name} {line}: compare it at equal numbers"


def _needs_features(extractor: str, size: tuple[int, int]) -> str:
    return "" if extractor else "it needs features: --extractor imagenet, or another"


def _needs_clip(extractor: str, size: tuple[int, int]) -> str:
    return "" if extractor.startswith(CLIP) else "it is taken in CLIP's embeddings: --extractor clip"


def _needs_blocks(extractor: str, size: tuple[int, int]) -> str:
    fits, (height, width) = wavelet.fits(size), size
    return "" if fits else f"it needs sides that are multiples of {wavelet.SIDE} pixels, not {height}x{width}"


FAMILIES: Mapping[SetMeasure, Family] = {
    "prdc": Family(_overlaps, NEIGHBORS + 1, _ceiling, _needs_features),
    "mind": Family(_sliced, sliced.FEWEST, _biased("MIND"), _needs_features),
    "cmmd": Family(_embedded, cmmd.FEWEST, _biased("CMMD"), _needs_clip),
    "fwd": Family(_waves, wavelet.FEWEST, _biased("FWD"), _needs_blocks),
}


def of_requested_sets(
    measures: tuple[SetMeasure, ...], extractor: str, fakes: ImageSet, reals: ImageSet
) -> dict[str, float]:
    """Values by metric; those that these images and features do not allow are left out.

    Args:
        measures: what is asked for.
        extractor: name of whose features they are; empty: there are none.
        fakes: M translations.
        reals: N real images, of the same size.
    """
    counts, (height, width) = (len(fakes.pixels), len(reals.pixels)), fakes.pixels.shape[2:]
    possible = [FAMILIES[name] for name in measures if not _why_not(name, extractor, counts, (height, width))]
    return {name: value for family in possible for name, value in family.compute(extractor, fakes, reals).items()}


def notes(
    measures: tuple[SetMeasure, ...], extractors: Sequence[str], counts: tuple[int, int], size: tuple[int, int]
) -> list[str]:
    """A line per measure: what to know of its values, or why it is left out.

    Args:
        measures: what is asked for.
        extractors: names of those whose features are compared.
        counts: M translations and N real images.
        size: their height and width.
    """
    names = extractors or ("",)
    reasons = {name: min((_why_not(name, own, counts, size) for own in names), key=bool) for name in measures}
    return [f"no {name}: {why}" if why else FAMILIES[name].says(*counts) for name, why in reasons.items()]


def _why_not(name: SetMeasure, extractor: str, counts: tuple[int, int], size: tuple[int, int]) -> str:
    family = FAMILIES[name]
    if min(counts) < family.fewest:
        return f"it needs {family.fewest} images a side, not {min(counts)}"
    return family.lacks(extractor, size)
