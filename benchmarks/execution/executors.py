"""Where the jobs of a bench run: worker processes of this machine, or a Ray cluster."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from i2i.benchmarks.execution.job_runner import Runner
from i2i.benchmarks.execution.local_executor import GPUS, LocalExecutor, cores
from i2i.benchmarks.execution.scheduler import Executor
from i2i.errors import UserError, unknown
from i2i.training.device import choose_device

EXECUTORS = ("local", "ray")


@dataclass(frozen=True)
class ExecutionOptions:
    """Where and how densely jobs run. Nothing of it enters a job's key.

    Attributes:
        name: of the executor: local or ray.
        workers: jobs at a time on a machine, by default one per GPU, or per core without.
        device: as `choose_device` takes it.
        ray_address: of an existing Ray cluster; None: one of this machine for the time of the bench.
        gpus_per_job: share of a GPU that a job on Ray gets; by default 1 if the cluster has any.

    Raises:
        UserError: for options that do not fit together, or Ray not being installed.
    """

    name: str = "local"
    workers: int | None = None
    device: str | None = None
    ray_address: str | None = None
    gpus_per_job: float | None = None

    def __post_init__(self) -> None:
        if self.name not in EXECUTORS:
            raise unknown("--executor", self.name, EXECUTORS)
        if self.name == "local":
            for option, value in (("--ray-address", self.ray_address), ("--gpus-per-job", self.gpus_per_job)):
                if value is not None:
                    raise UserError(f"{option} is for Ray: add --executor ray, or leave it out")
            choose_device(self.device)
        elif find_spec("ray") is None:
            raise UserError("--executor ray needs Ray, which is not installed: pip install 'i2i[ray]'")

    @property
    def is_local(self) -> bool:
        """Whether jobs run on this machine."""
        return self.name == "local"

    def executor(self, out: Path) -> Executor:
        """The executor for jobs on the results folder `out`, which must exist.

        Raises:
            UserError: for a device or a cluster that cannot be used.
        """
        if self.is_local:
            return self._local(out)
        from i2i.benchmarks.execution.ray_executor import RayExecutor

        return RayExecutor(
            Runner(out, self.device), out, self.device, self.workers, self.ray_address, self.gpus_per_job
        )

    def _local(self, out: Path) -> LocalExecutor:
        return LocalExecutor(Runner(out, self.device), self.at_a_time, self.threads, self._gpus)

    @property
    def at_a_time(self) -> int:
        """Jobs at a time on this machine."""
        on_cpu = choose_device(self.device).type == "cpu"
        return self.workers or (cores() if on_cpu else max(1, len(self._gpus)))

    @property
    def threads(self) -> int:
        """CPU threads of each, on this machine."""
        return max(1, cores() // self.at_a_time)

    @property
    def _gpus(self) -> Sequence[str]:
        chosen = choose_device(self.device)
        return _visible_gpus() if chosen.type == "cuda" and chosen.index is None else ()


def _visible_gpus() -> Sequence[str]:
    """The GPUs that this process sees, as `CUDA_VISIBLE_DEVICES` names them."""
    import torch

    named = [name.strip() for name in os.environ.get(GPUS, "").split(",") if name.strip()]
    count = torch.cuda.device_count()
    return named[:count] or [str(number) for number in range(count)]
