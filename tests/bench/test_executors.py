"""Which options say where a bench runs, and what does not fit together."""

import pytest
import torch

from i2i.benchmarks.execution import executors
from i2i.benchmarks.execution.executors import ExecutionOptions
from i2i.errors import UserError


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"name": "rya"}, "unknown --executor 'rya'; did you mean 'ray'"),
        ({"ray_address": "head:6379"}, "--ray-address is for Ray: add --executor ray"),
        ({"gpus_per_job": 0.5}, "--gpus-per-job is for Ray: add --executor ray"),
    ],
)
def test_options_that_contradict_the_executor_are_refused(options, complaint):
    with pytest.raises(UserError, match=complaint):
        ExecutionOptions(**options)


def test_without_ray_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(executors, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'i2i\[ray\]'"):
        ExecutionOptions("ray")


@pytest.fixture
def executed_with(monkeypatch):
    """A function of options that says how many workers, with how many threads and which GPUs, there would be."""
    monkeypatch.setattr(executors, "cores", lambda: 8)
    monkeypatch.setattr(executors, "LocalExecutor", lambda run, *members: members)
    return lambda tmp_path=None, **options: ExecutionOptions(**options).executor(tmp_path)


@pytest.mark.parametrize(("workers", "expected"), [(None, (8, 1)), (2, (2, 4)), (3, (3, 2)), (20, (20, 1))])
def test_cpu_cores_are_shared_out_among_the_workers(executed_with, workers, expected):
    count, threads, gpus = executed_with(workers=workers, device="cpu")
    assert ((count, threads), list(gpus)) == (expected, [])


@pytest.mark.parametrize(
    ("visible", "options", "expected"),
    [
        (None, {}, (4, 2, ["0", "1", "2", "3"])),
        ("GPU-a,GPU-b,GPU-c,GPU-d", {"workers": 2}, (2, 4, ["GPU-a", "GPU-b", "GPU-c", "GPU-d"])),
        (None, {"device": "cuda:1"}, (1, 8, [])),
    ],
)
def test_there_is_a_worker_per_gpu_unless_one_is_named(executed_with, monkeypatch, visible, options, expected):
    monkeypatch.setattr(executors, "choose_device", lambda name: torch.device(name or "cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    count, threads, gpus = executed_with(**options)
    assert (count, threads, list(gpus)) == expected
