"""The versions of the code and its libraries: of this process, and of those that made the results."""

import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any

import torch

from i2i._version import __version__
from i2i.benchmarks.job import Job
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder import job_records
from i2i.benchmarks.results_folder.staleness import StoredRun
from i2i.errors import UserError
from i2i.runs.folder import newest_checkpoint

LIBRARIES = ("torchvision", "timm", "numpy", "scipy", "pillow", "pytorch-fid")


@cache
def versions() -> dict[str, str]:
    """Of i2i, Python and the libraries that numbers depend on, here and now."""
    libraries = {name: version(name) for name in LIBRARIES}
    return {"i2i": __version__, "python": platform.python_version(), "torch": torch.__version__, **libraries}


def differences(plan: Plan, finished: Iterable[Job]) -> list[str]:
    """A line per version that made results of the bench and is not the one here."""
    makers: dict[tuple[str, str], list[str]] = {}
    jobs = list(finished)
    for job in jobs:
        for library, used in _made_by(plan, job).items():
            if used != versions().get(library):
                makers.setdefault((library, used), []).append(job.name)
    return [
        f"{library} {used} made {len(names)} of {len(jobs)} results ({names[0]}{', ...' if names[1:] else ''}); "
        f"here is {versions().get(library, 'none')}: their numbers may differ from those that it would give"
        for (library, used), names in sorted(makers.items())
    ]


def _made_by(plan: Plan, job: Job) -> dict[str, Any]:
    """Versions from the job's record, or from a training's checkpoint where there is no record."""
    recorded = job_records.read(plan.out, job.id).get("versions")
    if recorded or not isinstance(job.result, StoredRun):
        return dict(recorded or {})
    try:
        checkpoint = newest_checkpoint(job.result.folder)
    except UserError:
        return {}
    return {name: checkpoint.meta[name] for name in ("i2i", "torch") if name in checkpoint.meta} if checkpoint else {}
