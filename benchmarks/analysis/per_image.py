"""Scores of single images, as the score jobs of a bench left them, and which images are the worst by them."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from i2i.benchmarks.results_folder.finished_bench import Finished, Row
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.score_file import images_path, read_images
from i2i.metrics.registry import metric_named

WORST_BY = ("psnr", "ssim", "accuracy")
"""Metrics that tell which images are the worst: the first one that there is, else any other."""

Values = Mapping[tuple[str, str, str, str, str], float]
"""By method, source, target, image and metric."""


def read_values(finished: Finished, names: Sequence[str], seed: int) -> Values:
    """Scores of the translations by the methods `names` with a seed; nothing of those that have none."""
    return {
        (name, *place): value
        for name in names
        if (path := images_path(ResultsFolder(finished.out).scores(name, seed))).is_file()
        for *place, value in read_images(path).itertuples(index=False, name=None)
    }


def metrics_of(values: Values) -> list[str]:
    """Those that there are, in the order of the files."""
    return list(dict.fromkeys(metric for *_, metric in values))


def worst_metric(metrics: Collection[str]) -> str | None:
    """The one by which images are the worst where none is named; None of none."""
    return next((name for name in WORST_BY if name in metrics), next(iter(metrics), None))


def goodness(finished: Finished, row: Row, values: Values, metric: str, names: Sequence[str]) -> float:
    """Higher for better images: mean over those of `names` that have a score, infinite without any."""
    stem = finished.inputs(row.direction)[row.position].stem
    own = [values[key] for name in names if (key := (name, *row.direction, stem, metric)) in values]
    sign = 1 if metric_named(metric).higher_is_better else -1
    return sign * float(np.mean(own)) if own else np.inf
