"""The columns that a table of a bench can have, by the names that `report.columns` knows."""

import re
from collections.abc import Collection
from typing import Literal, get_args

from i2i.errors import unknown
from i2i.metrics.lpips import NETWORKS
from i2i.metrics.registry import METRICS, kind_of, metric_named
from i2i.utils.text import option

TrainingCost = Literal["training runs", "parameters", "images seen", "seconds"]
TRAINING_COSTS: tuple[TrainingCost, ...] = get_args(TrainingCost)
HEALTH = "health"

NEEDS = {
    **dict.fromkeys(TRAINING_COSTS, "a table that is averaged over directions"),
    **dict.fromkeys(("fid", "kid"), "`--extractor inception`, whose weights `i2i weights get inception` fetches"),
    **{f"lpips-{name}": f"paired data and `{option('--lpips', name)}`" for name in NETWORKS},
    "gan-train": "`--set scoring.gan_train=true`",
    HEALTH: "translations whose health was looked at",
}
"""By column, what a bench must have been run with to have it."""
NEEDS_OF_KIND = {
    "paired": "paired data",
    "cycle": "a model that translates in both directions",
    "diversity": f"a model that takes noise and `{option('--samples', '10')}`",
}
"""The same of other metrics, by their kind."""


def check_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names; ValueError for the first that is no column of any bench.

    Which metrics a bench has, its data and weights decide, so one that it lacks is none here.
    """
    for name in names:
        if name not in NEEDS and not _is_metric(name):
            raise ValueError(str(unknown("column", name, (*NEEDS, *_listed()))))
    return names


def absent_lines(chosen: Collection[str], there: Collection[str]) -> list[str]:
    """For each chosen column that is not among those that are there, what it needs, all in one sentence."""
    missing = [f"`{name}` (needs {_needs(name)})" for name in chosen if name not in there]
    if not missing:
        return []
    return [f"`report.columns` asks for what this bench does not have, and `table.tex` lacks: {', '.join(missing)}."]


def _needs(name: str) -> str:
    if name in NEEDS:
        return NEEDS[name]
    if metric_named(name) not in METRICS:
        return "that network, by `--extractor` or `--lpips`"
    return NEEDS_OF_KIND.get(kind_of(name), "finished scores")


def _is_metric(name: str) -> bool:
    of_files = tuple(f"lpips-{network}-" for network in NETWORKS)  # weights that are not the published ones
    return kind_of(name) != "unlisted" and (name.startswith(of_files) or not name.startswith("lpips-"))


def _listed() -> list[str]:
    """Metrics as the registry names them, `FD-EXTRACTOR` for `FD-{extractor}`."""
    return [re.sub(r"\{(\w+)\}", lambda form: form[1].upper(), metric.name) for metric in METRICS]
