"""Which options say where a bench runs, and what does not fit together."""

import pytest
import torch

from i2i.benchmarks.execution import executors, local_executor
from i2i.benchmarks.execution.executors import ExecutionOptions
from i2i.errors import UserError


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"name": "rya"}, "unknown --executor 'rya'; did you mean 'ray'"),
        ({"ray_address": "head:6379"}, "--ray-address is for Ray: add --executor ray"),
        ({"gpus_per_job": 0.5}, "--gpus-per-job is for Ray: add --executor ray"),
        ({"workers_per_gpu": 2, "device": "cpu"}, "jobs run on the CPU here, not on a GPU: take --workers"),
        ({"workers_per_gpu": 0}, "--workers-per-gpu 0: it takes 1 or more, or leave it out"),
        ({"workers": -1}, "--workers -1: it takes 1 or more, or leave it out"),
        ({"workers_per_gpu": 2, "workers": 2}, "both say how many jobs run at a time: leave one out"),
        ({"workers_per_gpu": 2, "name": "ray"}, "with --executor ray take --gpus-per-job"),
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
    """A function of options that says which slots, with how many threads, there would be, and the plan's line."""
    monkeypatch.setattr(executors, "cores", lambda: 8)
    monkeypatch.setattr(executors, "LocalExecutor", lambda run, *members: members)

    def executed(**options):
        asked = ExecutionOptions(**options)
        slots, threads = asked.executor(None)
        return list(slots), threads, asked.line()

    return executed


@pytest.mark.parametrize(("workers", "expected"), [(None, (8, 1)), (2, (2, 4)), (3, (3, 2)), (20, (20, 1))])
def test_cpu_cores_are_shared_out_among_the_workers(executed_with, workers, expected):
    count, threads = expected
    each = f"{threads} thread" + "s" * (threads > 1)
    line = f"workers    {count} on the CPU, {each} each"
    assert executed_with(workers=workers, device="cpu") == ([None] * count, threads, line)


@pytest.mark.parametrize(
    ("visible", "options", "expected"),
    [
        (None, {}, ("0 1", 4, "2, of which 1 on each of 2 GPUs")),
        ("GPU-a,GPU-b", {"workers": 1}, ("GPU-a", 8, "1, of which 1 on each of 1 GPU")),
        (None, {"workers": 3}, ("0 1 0", 2, "3, of which 1 or 2 on each of 2 GPUs")),
        (None, {"workers_per_gpu": 2}, ("0 1 0 1", 2, "4, of which 2 on each of 2 GPUs")),
        ("GPU-a,GPU-b", {"workers_per_gpu": 2}, ("GPU-a GPU-b GPU-a GPU-b", 2, "4, of which 2 on each of 2 GPUs")),
        (None, {"device": "cuda:1"}, ("None", 8, "1, of which 1 on each of 1 GPU")),
        (None, {"device": "cuda:1", "workers_per_gpu": 4}, ("None " * 4, 2, "4, of which 4 on each of 1 GPU")),
    ],
)
def test_each_gpu_has_a_worker_or_as_many_as_asked_for(executed_with, monkeypatch, visible, options, expected):
    monkeypatch.setattr(executors, "choose_device", lambda name: torch.device(name or "cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    slots, threads, line = executed_with(**options)
    assert (" ".join(map(str, slots)), threads, line) == (expected[0].strip(), expected[1], f"workers    {expected[2]}")


class StandIn:
    """In the place of a worker: takes jobs and starts no process."""

    def __init__(self, gpu):
        self.gpu, self.jobs = gpu, []

    @property
    def alive(self):
        return bool(self.jobs)

    def start(self, job, run, threads):
        self.jobs.append(job)


def test_a_job_goes_to_the_gpu_that_has_fewest_jobs(monkeypatch):
    monkeypatch.setattr(local_executor, "_Worker", StandIn)
    executor = local_executor.LocalExecutor(print, ["a", "b", "a", "b"], 1)
    workers = list(executor._idle)
    for number in range(3):
        executor.start(number)
    assert [worker.jobs for worker in workers] == [[0], [1], [2], []]
    executor._busy.remove(workers[1])  # its job has ended: nothing runs on b
    executor._idle.append(workers[1])
    executor.start(3)
    executor.start(4)
    assert [worker.jobs for worker in workers] == [[0], [1, 3], [2], [4]]  # a process that lives comes first
