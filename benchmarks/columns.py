"""The columns that a table of a bench can have, by the names that `report.columns` knows."""

from i2i.errors import unknown
from i2i.metrics.names import CONTENT, KERNEL, LPIPS, TITLES, is_frechet, is_kernel

SPENT = ("trainings", "parameters", "images seen", "seconds")
HEALTH = "health"


def check_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names; ValueError for the first that is no column of any bench.

    Which metrics a bench has, its data and weights decide, so one that it lacks is none here.
    """
    for name in names:
        if name not in (*SPENT, HEALTH, *TITLES) and not _has_a_network(name):
            families = (f"{start}NETWORK" for start in ("FD-", KERNEL, LPIPS, CONTENT))
            raise ValueError(str(unknown("column", name, (*SPENT, HEALTH, *TITLES, *families))))
    return names


def _has_a_network(metric: str) -> bool:
    return is_frechet(metric) or is_kernel(metric) or metric.startswith((LPIPS, CONTENT))
