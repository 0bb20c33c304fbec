"""Benches whose jobs run in the process of the test, one after the other: quick, and what they write can be watched."""

import contextlib
import sys

import pytest

from i2i import cli
from i2i.benchmarks.executors import FUNCTIONS, Crew
from i2i.benchmarks.schedule import Event
from i2i.benchmarks.workers import perform

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
    """An executor without processes."""

    def __init__(self):
        self.waiting = []

    def free(self):
        return not self.waiting

    def start(self, job):
        self.waiting.append(job)

    def events(self):
        job, said = self.waiting.pop(), []
        tell = lambda kind, text: said.append(Event(job.name, kind, text))  # noqa: E731
        ended = perform(FUNCTIONS, job.function, job.arguments, 1, tell)
        return [*said, Event(job.name, *ended)]

    def stop(self):
        pass


@contextlib.contextmanager
def in_process():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Crew, "executor", lambda self, out: InProcess())
        yield


def bench(out, *arguments):
    """Run `i2i bench` in this process; returns its exit status."""
    with in_process(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["i2i", "bench", "--out", str(out), *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
    return stopped.value.code
