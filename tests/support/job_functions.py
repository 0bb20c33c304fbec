"""What workers run in tests/bench/test_local_executor.py and tests/bench/test_ray.py, and names for it."""

import os
import signal
import time
from pathlib import Path

from i2i.benchmarks.job_id import JobId
from i2i.errors import UserError


def named(name):
    """The id of a job whose method has that name, which is what the tests tell jobs apart by."""
    return JobId("score", name, 0)


def by_name(told):
    """What is told by job, by the names that `named` was given."""
    return {job.method: text for job, text in told.items()}


def write(report, path):
    report("writing")
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")


def refuse(report):
    raise UserError("there is no such thing")


def crash(report):
    raise RuntimeError("an unforeseen thing")


def die(report, path):
    write(report, path)
    os._exit(9)


def be_killed_once(report, path):
    first = not Path(path).exists()
    write(report, path)
    if first:
        os.kill(os.getpid(), signal.SIGKILL)


def write_gpus(report, path):
    Path(path).write_text(os.environ["CUDA_VISIBLE_DEVICES"])


def meet(report, own, other):
    """Wait until the other is there as well, and write where this one runs."""
    import ray

    Path(own).write_text(ray.get_runtime_context().get_node_id())
    stop = time.monotonic() + 60
    while not Path(other).exists():
        assert time.monotonic() < stop, "nobody came"
        time.sleep(0.05)


def sleep(report, path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


def save_before_the_end(report, path):
    """As a training does: SIGTERM ends it in its own time."""
    told = []
    signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    Path(path).write_text(str(os.getpid()))
    while not told:
        time.sleep(0.02)
    Path(path).write_text("saved")
