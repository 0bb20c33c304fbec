"""The columns that a table of a bench can have, by the names that `report.columns` knows."""

from collections.abc import Collection

from i2i.errors import unknown
from i2i.metrics.lpips import NETWORKS
from i2i.metrics.names import CONTENT, KERNEL, LPIPS, TITLES, is_frechet, is_kernel
from i2i.utils.text import option

SPENT = ("trainings", "parameters", "images seen", "seconds")
HEALTH = "health"

NEEDS = {
    **dict.fromkeys(SPENT, "a table that is averaged over directions"),
    **dict.fromkeys(("psnr", "ssim", "l1"), "paired data"),
    **dict.fromkeys(("fid", "kid"), "`--extractor inception`, whose weights `i2i weights get inception` fetches"),
    **{f"{LPIPS}{name}": f"paired data and `{option('--lpips', name)}`" for name in NETWORKS},
    "cycle": "a model that translates in both directions",
    "gan-train": "`--set scoring.gan_train=true`",
    HEALTH: "translations whose health was looked at",
}
"""By column, what a bench must have been run with to have it."""


def check_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names; ValueError for the first that is no column of any bench.

    Which metrics a bench has, its data and weights decide, so one that it lacks is none here.
    """
    for name in names:
        if name not in (*NEEDS, *TITLES) and not _has_a_network(name):
            families = (f"{start}EXTRACTOR" for start in ("FD-", KERNEL, CONTENT))
            raise ValueError(str(unknown("column", name, (*NEEDS, *TITLES, *families))))
    return names


def absent_lines(chosen: Collection[str], there: Collection[str]) -> list[str]:
    """For each chosen column that is not among those that are there, what it needs, all in one sentence."""
    told = [f"`{name}` (needs {_needs(name)})" for name in chosen if name not in there]
    if not told:
        return []
    return [f"`report.columns` asks for what this bench does not have, and `table.tex` lacks: {', '.join(told)}."]


def _needs(name: str) -> str:
    if name in NEEDS:
        return NEEDS[name]
    return "that network, by `--extractor` or `--lpips`" if _has_a_network(name) else "finished scores"


def _has_a_network(metric: str) -> bool:
    of_files = tuple(f"{LPIPS}{name}-" for name in NETWORKS)  # weights that are not the published ones
    return is_frechet(metric) or is_kernel(metric) or metric.startswith((CONTENT, *of_files))
