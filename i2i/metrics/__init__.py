"""Scores of translated images: distances of distributions, accuracy, paired similarity."""

from typing import TYPE_CHECKING

from i2i._lazy import offered

if TYPE_CHECKING:
    from i2i.metrics.bootstrap import Interval, mean_interval, share_interval
    from i2i.metrics.content import cosine_distances, cosine_diversity
    from i2i.metrics.folder_scores import Folders, FolderScores, score_folders
    from i2i.metrics.frechet import Moments, frechet_distance, frechet_distance_between
    from i2i.metrics.frechet_by_n import distances_of_parts
    from i2i.metrics.frechet_interval import FrechetIntervals, frechet_intervals
    from i2i.metrics.health import Flag, flags
    from i2i.metrics.kernel import KernelDistance, kernel_distance
    from i2i.metrics.lpips import Lpips, parse_lpips
    from i2i.metrics.paired import l1, psnr, ssim
    from i2i.metrics.perceptual import VGG16Distance, VGG19Distance
    from i2i.metrics.registry import METRICS, Metric, metric_named
    from i2i.metrics.significance import PValue, holm, pairwise, sign_flip, welch
else:
    __getattr__ = offered(
        __name__,
        bootstrap=["Interval", "mean_interval", "share_interval"],
        content=["cosine_distances", "cosine_diversity"],
        frechet=["Moments", "frechet_distance", "frechet_distance_between"],
        frechet_by_n=["distances_of_parts"],
        frechet_interval=["FrechetIntervals", "frechet_intervals"],
        health=["Flag", "flags"],
        kernel=["KernelDistance", "kernel_distance"],
        lpips=["Lpips", "parse_lpips"],
        paired=["l1", "psnr", "ssim"],
        perceptual=["VGG16Distance", "VGG19Distance"],
        registry=["METRICS", "Metric", "metric_named"],
        folder_scores=["Folders", "FolderScores", "score_folders"],
        significance=["PValue", "holm", "pairwise", "sign_flip", "welch"],
    )

__all__ = [
    "METRICS",
    "Flag",
    "FolderScores",
    "Folders",
    "FrechetIntervals",
    "Interval",
    "KernelDistance",
    "Lpips",
    "Metric",
    "Moments",
    "PValue",
    "VGG16Distance",
    "VGG19Distance",
    "cosine_distances",
    "cosine_diversity",
    "distances_of_parts",
    "flags",
    "frechet_distance",
    "frechet_distance_between",
    "frechet_intervals",
    "holm",
    "kernel_distance",
    "l1",
    "mean_interval",
    "metric_named",
    "pairwise",
    "parse_lpips",
    "psnr",
    "score_folders",
    "share_interval",
    "sign_flip",
    "ssim",
    "welch",
]
