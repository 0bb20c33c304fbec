"""Intervals of the values of the main table, over other test images, equally many."""

import numpy as np

from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.analysis.significance import image_values
from i2i.metrics.bootstrap import mean_interval

Ends = tuple[float, float]


def table_intervals(results: Results) -> dict[tuple[str, str], Ends]:
    """By method and metric: of one direction as its scores have them, of several those of the mean of single images.

    Distances of sets over several directions have none. Ends are of these networks; of several seeds they are means
    over them, or of the images' means over them.
    """
    translated = results.scores[results.scores["source"] != results.scores["target"]]
    if len(set(zip(translated["source"], translated["target"], strict=True))) == 1:
        means = results.details.intervals.groupby(["model", "metric"])[["low", "high"]].mean()
        return {(name, metric): (low, high) for (name, metric), low, high in means.itertuples(name=None)}
    found = {(name, metric): _of_images(results, name, metric) for name in results.rows for metric in results.metrics}
    return {place: ends for place, ends in found.items() if ends is not None}


def _of_images(results: Results, name: str, metric: str) -> Ends | None:
    values = image_values(results.details.images, metric, [name])
    if len(values) < 2 or not np.isfinite(values[name]).all():
        return None
    interval = mean_interval(values[name].to_numpy())
    return interval.low, interval.high
