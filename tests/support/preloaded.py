"""Command lines in processes of their own that need not import torch, which takes longer than tiny training runs.

They are forked from a process that has imported it and done nothing else. Signals, deaths and exit statuses are those
of any process.
"""

import os
import runpy
import signal
import sys
import tempfile
from multiprocessing import forkserver, get_context
from pathlib import Path
from unittest import mock

FORK = get_context("forkserver")
FORK.set_forkserver_preload(
    [
        "pytest",
        "torch._dynamo",
        "i2i.cli",
        "i2i.training.trainer",
        "i2i.benchmarks.bench",
        "i2i.benchmarks.planning.build_plan",
    ]
)


class Preloaded:
    """`python ARGUMENTS` as `subprocess.Popen` runs it, with both streams in one."""

    def __init__(self, arguments, env, cwd, start_new_session=False):
        handle, self._said = tempfile.mkstemp(dir=cwd, prefix=".said-")
        os.close(handle)
        self._process = FORK.Process(
            target=_run, args=([*map(str, arguments)], dict(env), cwd, self._said, start_new_session)
        )
        _start_server()
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    poll = lambda self: self.returncode  # noqa: E731

    def said(self):
        return Path(self._said).read_text()

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self.poll() is None:
            raise TimeoutError(f"process {self.pid} has not ended in {timeout} s")
        return self.returncode

    def communicate(self, timeout=None):
        self.wait(timeout)
        return self.said(), ""


class PreloadedContext:
    """In the place of `get_context("spawn")`: its processes need not import torch, and have the environment of now."""

    Pipe = staticmethod(FORK.Pipe)

    @staticmethod
    def Process(target, args, **options):
        process = FORK.Process(target=_call, args=(dict(os.environ), target, args), **options)
        _start_server()
        return process


def _start_server():
    """Start the process that all are forked from, unless it runs."""
    with mock.patch.dict(os.environ, OMP_NUM_THREADS="1"):
        forkserver.ensure_running()


def _call(environment, target, args):
    os.environ.clear()
    os.environ.update(environment)
    target(*args)


def _run(arguments, environment, folder, said, new_session):
    if new_session:
        os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    with Path(said).open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
