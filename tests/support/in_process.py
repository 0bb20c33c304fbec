"""Benches whose jobs run in the process of the test, one after the other: quick, and what they write can be watched."""

import contextlib
import pickle
import sys

import pytest
import torch

from i2i import cli
from i2i.benchmarks.execution.executors import ExecutionOptions
from i2i.benchmarks.execution.job_runner import Runner
from i2i.benchmarks.execution.local_executor import perform
from i2i.benchmarks.execution.scheduler import Event
from i2i.benchmarks.report import write
from i2i.benchmarks.report.figures import image_table, redraw, style

TINY = [
    "data.image_size=16",
    "data.scenes=4",
    "data.test_scenes=3",
    "data.domains=summer,winter",
    "budget.images=24",
    "classifier.images=32",
    "stargan.width=2",
    "stargan.discriminator_width=2",
    "stargan.blocks=1",
    "stargan.layers=1",
    "train.checkpoint_every=1",
]
SETTINGS = ["--models", "stargan", *(f"--set={setting}" for setting in TINY)]


class InProcess:
    """An executor without processes, whose jobs have as many threads as with them."""

    def __init__(self, run, threads):
        self.run, self.threads, self.waiting = run, threads, []

    def free(self):
        return not self.waiting

    def start(self, job):
        self.waiting.append(job)

    def events(self):
        job, said = self.waiting.pop(), []
        tell = lambda kind, text: said.append(Event(job.id, kind, text))  # noqa: E731
        ended = perform(pickle.dumps((self.run, job)), self.threads, tell)
        return [*said, Event(job.id, *ended)]

    def stop(self):
        pass


@contextlib.contextmanager
def in_process():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExecutionOptions, "executor", lambda self, out: InProcess(Runner(out, self.device), self.threads))
        try:
            yield
        finally:
            torch.set_num_threads(1)


def command(*arguments):
    """Run a command line in this process; returns its exit status."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["i2i", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
            raise SystemExit(0)
    return stopped.value.code


@contextlib.contextmanager
def undrawn():
    """Reports have no figures and no grid, which take longer than tiny training runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redraw, "draw", lambda plan, results: [])
        patch.setattr(write, "_grid", lambda plan, results: [])
        yield


@contextlib.contextmanager
def coarse():
    """Figures and the grid have few dots, of which they take most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (style, image_table):
            patch.setattr(module, "DPI", 60)
        yield


def bench(out, *arguments, draws=False):
    """Run `i2i bench` and its jobs in this process; returns its exit status."""
    with in_process(), coarse() if draws else undrawn():
        return command("bench", "--out", out, *arguments)
