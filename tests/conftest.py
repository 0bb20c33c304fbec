"""Settings of every test: one thread, so that small networks are quick and results repeat; a cache of its own."""

import os

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("I2I_CACHE", os.environ.get("I2I_CACHE") or str(tmp_path_factory.mktemp("cache")))
        yield
