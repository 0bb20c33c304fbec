"""Jobs for tests/bench/test_local_executor.py and tests/bench/test_ray.py, and names for them."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.results_folder.staleness import StoredResult
from i2i.errors import UserError


def named(name):
    """The id of a job whose method has that name, which is what the tests tell jobs apart by."""
    return JobId("score", name, 0)


def by_name(told):
    """What is told by job, by the names that `named` was given."""
    return {job.method: text for job, text in told.items()}


def run(job, report):
    """How workers of these tests do a job, without records."""
    job.perform(report, None)


def few_steps(device, job, report):
    """A trial: it takes 3 s as it says, but that of `slow` never ends, and that of `big` kills its worker."""
    report("begun")
    if job.method == "slow":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    if job.method == "big":
        os._exit(9)
    return "3.0"


@dataclass(frozen=True, kw_only=True)
class Nothing(Job):
    """Does nothing, and leaves nothing."""

    key: str = ""
    path: Path | None = None

    @property
    def result(self):
        return StoredResult.of_folder(self.path)

    def perform(self, report, device):
        pass


class Write(Nothing):
    def perform(self, report, device):
        report("writing")
        with self.path.open("a") as file:
            file.write(f"{os.getpid()}\n")


class Refuse(Nothing):
    def perform(self, report, device):
        raise UserError("there is no such thing")


class Crash(Nothing):
    def perform(self, report, device):
        raise RuntimeError("an unforeseen thing")


class Die(Write):
    def perform(self, report, device):
        super().perform(report, device)
        os._exit(9)


class BeKilledOnce(Write):
    def perform(self, report, device):
        first = not self.path.exists()
        super().perform(report, device)
        if first:
            os.kill(os.getpid(), signal.SIGKILL)


class WriteGpus(Nothing):
    def perform(self, report, device):
        self.path.write_text(os.environ["CUDA_VISIBLE_DEVICES"])


@dataclass(frozen=True, kw_only=True)
class TrainBeside(Nothing):
    """Train in a run folder, from when the others are there as well, and write from when until when."""

    others: tuple[Path, ...]
    device: str = "cuda"
    steps: int = 60

    def perform(self, report, device):
        import torch

        from i2i import registry
        from i2i.testing import Subject
        from i2i.training.trainer import Trainer

        torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic = False, True
        subject = Subject(registry.get("pix2pix"))
        config = subject.config(images=subject.shown_in(self.steps))
        trainer = Trainer(self.path, config, subject.task, subject.training_images(), torch.device(self.device))
        self.path.mkdir(exist_ok=True)
        (self.path / "there").touch()
        stop = time.monotonic() + 120
        while not all((other / "there").exists() for other in self.others):
            assert time.monotonic() < stop, "nobody came"
            time.sleep(0.01)
        began = time.time()
        trainer.train()
        (self.path / "times.txt").write_text(f"{began} {time.time()}")


@dataclass(frozen=True, kw_only=True)
class Meet(Nothing):
    """Wait until the other is there as well, and write where this one runs."""

    other: Path

    def perform(self, report, device):
        import ray

        self.path.write_text(ray.get_runtime_context().get_node_id())
        stop = time.monotonic() + 60
        while not self.other.exists():
            assert time.monotonic() < stop, "nobody came"
            time.sleep(0.05)


class Sleep(Nothing):
    def perform(self, report, device):
        self.path.write_text(str(os.getpid()))
        time.sleep(60)


class SaveBeforeTheEnd(Nothing):
    """As a training does: SIGTERM ends it in its own time."""

    def perform(self, report, device):
        told = []
        signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
        self.path.write_text(str(os.getpid()))
        while not told:
            time.sleep(0.02)
        self.path.write_text("saved")
