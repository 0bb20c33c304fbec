"""Where the jobs of a bench run: worker processes of this machine, or a Ray cluster."""

import os
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path

from i2i.benchmarks.execution.job_runner import Runner
from i2i.benchmarks.execution.local_executor import GPUS, LocalExecutor, cores
from i2i.benchmarks.execution.scheduler import Executor
from i2i.errors import UserError, unknown
from i2i.training.device import choose_device
from i2i.utils.wording import number

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
        workers_per_gpu: jobs at a time on each GPU of this machine, in place of `workers`; by default 1.

    Raises:
        UserError: for options that do not fit together, or Ray not being installed.
    """

    name: str = "local"
    workers: int | None = None
    device: str | None = None
    ray_address: str | None = None
    gpus_per_job: float | None = None
    workers_per_gpu: int | None = None

    def __post_init__(self) -> None:
        if self.name not in EXECUTORS:
            raise unknown("--executor", self.name, EXECUTORS)
        self._check_workers()
        if self.name == "local":
            for option, value in (("--ray-address", self.ray_address), ("--gpus-per-job", self.gpus_per_job)):
                if value is not None:
                    raise UserError(f"{option} is for Ray: add --executor ray, or leave it out")
            if choose_device(self.device).type == "cpu" and self.workers_per_gpu is not None:
                raise UserError("--workers-per-gpu: jobs run on the CPU here, not on a GPU: take --workers")
        elif find_spec("ray") is None:
            raise UserError("--executor ray needs Ray, which is not installed: pip install 'i2i[ray]'")

    def _check_workers(self) -> None:
        for option, value in (("--workers", self.workers), ("--workers-per-gpu", self.workers_per_gpu)):
            if value is not None and value < 1:
                raise UserError(f"{option} {value}: it takes 1 or more, or leave it out")
        if self.workers_per_gpu is None:
            return
        if self.workers is not None:
            raise UserError("--workers and --workers-per-gpu both say how many jobs run at a time: leave one out")
        if self.name != "local":
            raise UserError("--workers-per-gpu is for this machine: with --executor ray take --gpus-per-job")

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
            return self.local(out)
        from i2i.benchmarks.execution.ray_executor import RayExecutor

        return RayExecutor(
            Runner(out, self.device), out, self.device, self.workers, self.ray_address, self.gpus_per_job
        )

    def local(self, out: Path) -> LocalExecutor:
        """The executor for jobs on this machine."""
        return LocalExecutor(Runner(out, self.device), self.slots, self.threads)

    @property
    def slots(self) -> tuple[str | None, ...]:
        """A slot for each job at a time on this machine: the GPU that it sees alone, None where it sees all.

        Slots of one GPU are as far apart as can be.
        """
        device = choose_device(self.device)
        hidden = _visible_gpus() if device.type == "cuda" and device.index is None else (None,)
        every = hidden * (cores() if device.type == "cpu" else self.workers_per_gpu or 1)
        return tuple(islice(cycle(every), self.workers or len(every)))

    @property
    def at_a_time(self) -> int:
        """Jobs at a time on this machine."""
        return len(self.slots)

    @property
    def threads(self) -> int:
        """CPU threads of each, on this machine."""
        return max(1, cores() // self.at_a_time)

    def line(self) -> str:
        """How many jobs run at a time and on what, for --dry-run."""
        if not self.is_local:
            return "workers    as many as Ray has room for"
        slots, device = self.slots, choose_device(self.device)
        if device.type == "cpu":
            return f"workers    {len(slots)} on the CPU, {number(self.threads, 'thread')} each"
        gpus = Counter(slots)
        each = " or ".join(map(str, sorted(set(gpus.values()))))
        return f"workers    {len(slots)}, of which {each} on each of {number(len(gpus), 'GPU')}"


def _visible_gpus() -> tuple[str, ...]:
    """The GPUs that this process sees, as `CUDA_VISIBLE_DEVICES` names them."""
    import torch

    named = [name.strip() for name in os.environ.get(GPUS, "").split(",") if name.strip()]
    count = torch.cuda.device_count()
    return tuple(named[:count] or map(str, range(count)))
