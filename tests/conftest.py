"""Settings of every test: one thread, so that small networks are quick and results repeat; a cache of its own."""

import os
import signal

import pytest
import torch

torch.set_num_threads(1)

# Tests send signals to programs that they start, which inherit what whoever started the tests ignores, as nohup does.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("I2I_CACHE", os.environ.get("I2I_CACHE") or str(tmp_path_factory.mktemp("cache")))
        yield
