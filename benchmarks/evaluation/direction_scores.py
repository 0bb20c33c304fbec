"""What a direction's scores are made of: means of single images, distances of sets, predictions, warnings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from torch import Tensor

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.results_folder.score_file import Scores, entries, image_entries
from i2i.labels import LabelSpace
from i2i.metrics._arrays import Array
from i2i.metrics.bootstrap import RESAMPLES, Interval, mean_interval, share_interval
from i2i.metrics.frechet_by_n import distances_of_parts
from i2i.metrics.frechet_interval import Reals, frechet_intervals
from i2i.metrics.health import Flag
from i2i.metrics.image_scores import distances
from i2i.metrics.registry import kernel_name

ACCURACY = "accuracy"
FEWEST = 2  # images a side, of a distance
FEWEST_RESAMPLED = 3
MANY = 500  # images a side, above which resampling a distance a thousand times takes minutes
RESAMPLES_OF_MANY = 100


def of_images(
    direction: Direction, stems: Sequence[str], singles: Mapping[str, Array], intervals: bool = True
) -> Scores:
    """Means with their intervals, and the values themselves.

    Args:
        direction: source and target.
        stems: names of the images.
        singles: by metric, a value for each image.
        intervals: whether to resample for them.
    """
    scores = Scores()
    for metric, values in singles.items():
        scores.rows.extend(entries(direction, [{"metric": metric, "value": float(values.mean()), "n": len(values)}]))
        interval = _interval_of_mean(metric, values) if intervals else None
        if interval is not None:
            scores.intervals.extend(entries(direction, [ends(metric, interval)]))
        scores.images.extend(image_entries(direction, stems, metric, values))
    return scores


def of_sets(
    direction: Direction,
    extractor: str,
    scored: np.ndarray,
    reference: np.ndarray,
    reals: Reals,
    intervals: bool = True,
) -> Scores:
    """Frechet and kernel distance; their interval and deviation; the former at fewer images.

    Args:
        direction: source and target.
        extractor: name of whose features they are.
        scored: features [N, d].
        reference: features [M, d] of real images.
        reals: what these are, see `frechet_intervals`.
        intervals: whether to resample for one.

    Returns:
        Nothing at fewer than two images a side, which have no distance.
    """
    scores, n = Scores(), len(scored)
    fewest, most = sorted((n, len(reference)))
    if fewest < FEWEST:
        return scores
    found = distances(extractor, scored, reference)
    rows = [{"metric": metric, "value": value, "n": n} for metric, value in found.values().items()]
    sizes = [*distances_of_parts(scored, reference, paired=reals == "paired"), (n, found.frechet)]
    scores.rows.extend(entries(direction, rows))
    scores.by_n.extend(entries(direction, ({"metric": extractor, "n": size, "value": value} for size, value in sizes)))
    if intervals and fewest >= FEWEST_RESAMPLED:
        resamples = RESAMPLES if most <= MANY else RESAMPLES_OF_MANY
        interval = frechet_intervals(scored, reference, reals=reals, resamples=resamples).at_this_size
        scores.intervals.extend(entries(direction, [ends(extractor, interval)]))
    if math.isfinite(found.kernel.std):
        spread = {"deviation": found.kernel.std, "subset": found.kernel.subset_size}
        scores.spreads.extend(entries(direction, [{"metric": kernel_name(extractor), **spread}]))
    return scores


def confusion(labels: LabelSpace, target: str, logits: Tensor) -> dict[str, int]:
    """How many images, by logits [N, classes], show each of the domains that exclude the target, and it itself.

    These are the members of its group, or an attribute and its absence; the counts add up to N.
    """
    excluded = {other for source, other in labels.directions if source == target}
    place = labels.position(target)
    group = [domain for domain in labels.domains if domain == target or domain in excluded]
    return {domain: int(labels.shows(domain, logits).sum()) for domain in group if labels.position(domain) == place}


def flag_entry(flag: Flag) -> dict[str, object]:
    """A flag as it is written down."""
    facts = asdict(flag)
    return {"flag": facts.pop("name"), **facts, "raised": flag.raised}


def ends(metric: str, interval: Interval) -> dict[str, object]:
    """An interval as it is written down."""
    return {"metric": metric, "low": interval.low, "high": interval.high, "level": interval.level}


def _interval_of_mean(metric: str, values: Array) -> Interval | None:
    """The interval that suits the metric; None where there is none, as for the PSNR of equal images."""
    if metric == ACCURACY:
        return share_interval(int(values.sum()), len(values))
    return mean_interval(values) if len(values) > 1 and np.isfinite(values).all() else None
