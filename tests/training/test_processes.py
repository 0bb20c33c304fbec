"""Several processes train as one would, and none waits for one that is gone."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch.distributed import TCPStore

from i2i.data.image_files.images import write_image
from i2i.distributed import heartbeats
from i2i.distributed.heartbeats import Heartbeats
from i2i.distributed.process_group import ALONE, Launch, joined
from i2i.errors import UserError
from i2i.runs.folder import newest_checkpoint
from i2i.runs.load import require_checkpoint
from i2i.training.device import choose_device
from tests.support.preloaded import Preloaded
from tests.support.ten_steps import SETTINGS, losses
from tests.training.test_trainer import TINY

ROOT = Path(__file__).parents[2]
SMALL = [
    "train",
    "--model=cyclegan",
    "--set=data.domains=summer,winter",
    *TINY,
    "--set=train.batch_size=2",
    "--set=train.log_every=1",
    "--set=model.norm=instance",  # batch norms normalize by each process's own rows
    "--device=cpu",
]


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def fresh(command, env, cwd):
    """A process that imports what it needs itself, and takes its time to exit."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([sys.executable, *map(str, command)], env=env, cwd=cwd, **streams)


def started(folder, commands, start=Preloaded):
    """One process per command line, joined in one training."""
    address = {"WORLD_SIZE": str(len(commands)), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port())}
    environment = {
        **os.environ,
        **address,
        "I2I_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    return [start(command, env={**environment, "RANK": str(rank)}, cwd=folder) for rank, command in enumerate(commands)]


def ended(processes, timeout=120):
    """Exit statuses and what was said."""
    try:
        said = [process.communicate(timeout=timeout)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [process.returncode for process in processes], said


def trained(folder, *arguments, processes=2):
    statuses, said = ended(started(folder, [["-m", "i2i", *SMALL, *arguments]] * processes))
    assert statuses == [0] * processes, said
    return said


def weights(run):
    return require_checkpoint(run).weights()


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", ["RANK", "MASTER_ADDR", "MASTER_PORT"])
def test_a_launch_that_lacks_something_says_what(name, monkeypatch):
    told = {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    for key, value in told.items():
        monkeypatch.setenv(key, value)
    assert Launch.from_environment() == Launch(rank=1, local_rank=1, count=2)
    monkeypatch.delenv(name)
    with pytest.raises(UserError, match=f"{name} is not set: start them with torchrun"):
        Launch.from_environment()


def test_a_launch_by_words_in_place_of_numbers_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(UserError, match="WORLD_SIZE=two, which is no number"):
        Launch.from_environment()


def test_each_process_of_a_machine_takes_a_gpu_of_its_own_or_is_told_that_there_is_none(monkeypatch):
    for key, value in {
        "WORLD_SIZE": "4",
        "RANK": "3",
        "LOCAL_RANK": "1",
        "MASTER_ADDR": "a",
        "MASTER_PORT": "1",
    }.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr("i2i.training.device.usable_device", lambda name, option: torch.device(name))
    assert [str(choose_device(name)) for name in (None, "cuda", "cuda:0", "cpu")] == [
        "cuda:1",
        "cuda:1",
        "cuda:0",
        "cpu",
    ]
    monkeypatch.setenv("LOCAL_RANK", "2")
    for name in (None, "cuda"):
        with pytest.raises(UserError, match=r"process 2 of this machine .* there are 2: .* or add --device cpu"):
            choose_device(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UserError, match="there are 0"):
        choose_device("cuda")


def test_a_process_without_a_launcher_is_alone():
    with joined(torch.device("cpu")) as processes:
        assert processes is ALONE
    tensors = [torch.arange(3.0)]
    ALONE.average(tensors)
    ALONE.take_from_first(tensors)
    assert tensors[0].tolist() == [0, 1, 2]
    assert (ALONE.first, ALONE.largest(7), ALONE.of_first(0.5), ALONE.share(6)) == (True, 7, 0.5, slice(0, 6))
    assert ALONE.gather({"pool": tensors[0]}) == [{"pool": tensors[0]}]
    assert ALONE.alike("anything")
    assert ALONE.seed([3, 4]) == [3, 4]


@pytest.fixture
def pair(monkeypatch):
    """Two processes' heartbeats, quick ones, through one store; and how the test ends instead of exiting."""
    number, ends = port(), []
    store = TCPStore("127.0.0.1", number, is_master=True)
    for name, value in {"BEAT": 0.05, "SILENCE": 2.0, "SUSPICION": 1.0, "GRACE": 0.3}.items():
        monkeypatch.setattr(heartbeats, name, value)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(number))

    monkeypatch.setattr(heartbeats.os, "_exit", ends.append)
    lives = Heartbeats(0, 2), Heartbeats(1, 2)
    yield *lives, ends
    for life in lives:
        life._over.set()
        for thread in life._threads:
            if thread.ident is not None:
                thread.join()
    del store


def entered(*lives):
    for life in lives:
        life.__enter__()


def silenced(life, monkeypatch):
    """As if its process were stopped."""
    monkeypatch.setattr(life, "_send_heartbeat", lambda number, done: None)


def test_processes_that_give_signs_of_life_are_left_alone_and_leave_together(pair):
    first, second, ends = pair
    entered(first, second)
    time.sleep(1.5 * heartbeats.SILENCE)
    assert ends == []
    assert first.cause() is None
    for life in pair[:2]:
        life._done = True
    for life in pair[:2]:
        life.__exit__(None, None, None)
    assert ends == []


def test_a_silent_process_ends_the_others(pair, monkeypatch, capfd):
    first, second, ends = pair
    entered(first, second)
    time.sleep(4 * heartbeats.BEAT)
    silenced(second, monkeypatch)
    started = time.monotonic()
    while not ends and time.monotonic() - started < 10 * heartbeats.SILENCE:
        time.sleep(0.05)
    assert ends[0] == 1
    assert time.monotonic() - started > heartbeats.SILENCE / 2
    assert f"process 1 ({os.getpid()} on " in first._silence(heartbeats.SUSPICION)


def test_a_broken_connection_is_explained_by_who_is_silent(pair, monkeypatch):
    first, second, _ = pair
    entered(first, second)
    time.sleep(4 * heartbeats.BEAT)
    silenced(second, monkeypatch)
    assert "process 1 (" in first.cause()


def test_one_process_alone_says_why_a_run_fails(pair):
    first, second, ends = pair
    entered(first, second)
    assert second.report("dawn/3.png cannot be read")
    assert not first.report("process 1 is gone")
    assert not first.report("dawn/3.png cannot be read")
    assert first.cause() == "dawn/3.png cannot be read"
    time.sleep(3 * heartbeats.GRACE)
    assert ends  # one that cannot come to its end is ended


def test_after_a_failure_no_thread_is_left_in_the_store_when_the_interpreter_ends(pair, monkeypatch):
    """It would abort the process, whose status then says nothing of the failure."""
    at_exit = []
    monkeypatch.setattr(heartbeats.atexit, "register", at_exit.append)
    first, second, ends = pair
    entered(first, second)
    assert second.report("dawn/3.png cannot be read")
    error = UserError("dawn/3.png cannot be read")
    second.__exit__(UserError, error, None)
    assert all(thread.is_alive() for thread in second._threads)
    at_exit[1]()
    assert not any(thread.is_alive() for thread in second._threads)
    assert ends == []


class _Gone:
    """A store whose process has ended."""

    def __getattr__(self, name):
        def call(*arguments):
            raise RuntimeError("connection reset by peer")

        return call


def test_the_process_that_holds_the_store_leaves_when_the_others_know_why(pair, monkeypatch):
    first, second, _ = pair
    entered(first, second)
    time.sleep(4 * heartbeats.BEAT)
    assert first.report("dawn/3.png cannot be read")
    monkeypatch.setattr(second, "_store", _Gone())
    assert not second.report("dawn/3.png cannot be read")
    assert second.cause() == "dawn/3.png cannot be read"


@pytest.mark.parametrize("lost", [False, True])
def test_the_process_that_holds_the_store_does_not_wait_for_one_that_cannot_read(pair, monkeypatch, lost):
    first, second, ends = pair
    monkeypatch.setattr(second, "_listen", lambda: None)
    entered(first, second)
    time.sleep(4 * heartbeats.BEAT)
    if lost:
        silenced(second, monkeypatch)
        time.sleep(1.5 * heartbeats.SUSPICION)
    started = time.monotonic()
    assert first.report("process 1 is gone")
    assert time.monotonic() - started < (heartbeats.GRACE / 4 if lost else heartbeats.GRACE)
    assert ends == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "told"),
    [
        (["--set=train.images=24"], "train.images is 16 in process 0 and 24 in process 1"),
        (["--set=model.width=3"], "model.width is 2 in process 0 and 3 in process 1"),
        (["--dry-run"], "--dry-run is False in process 0 and True in process 1"),
        (["--set=data.domains=winter,summer"], "data.domains is ['summer', 'winter'] in process 0 and ['winter', 'sum"),
    ],
)
def test_processes_that_were_started_differently_end_with_the_setting_that_differs(tmp_path, other, told):
    line = ["-m", "i2i", *SMALL, "--set=train.images=16", f"--out={tmp_path / 'run'}"]
    statuses, said = ended(started(tmp_path, [line, [*line, *other]]))
    assert statuses == [2, 2], said
    assert f"the processes of one training were started differently: {told}" in "".join(said)
    assert "Traceback" not in "".join(said)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_two_processes_follow_one_that_sees_the_whole_batch(tmp_path):
    statuses, said = ended(started(tmp_path, [[ROOT / "tests/support/ten_steps.py"]] * 2))
    assert statuses == [0, 0], said
    first = json.loads(said[0][said[0].index("{") :])
    for name in SETTINGS:
        for step, (alone, together) in enumerate(zip(losses(name), first["losses"][name], strict=True)):
            assert together == pytest.approx(alone, rel=1e-5), f"{name} in step {step}"
    assert first["told"] == {
        "mean": [0.5, 0.5],
        "strided": [1.5 * n for n in range(24)],
        "first": [[5], True],
        "largest": 10,
        "of first": 0.25,
        "gathered": [{"pool 1": [0], "pool 2": [0, 0]}, {"pool 2": [1, 1]}],
        "alike": [True, False],
        "called": [0],
        "share": [0, 4],
    }


@pytest.mark.slow
def test_two_processes_under_torchrun_are_two_micro_batches_bit_for_bit_and_the_first_alone_speaks(tmp_path):
    arguments = [*SMALL, "--set=model.pool_size=0", "--set=train.images=48"]
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={port()}", "-m", "i2i"]
    environment = {**os.environ, "I2I_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    said = ""
    alone = ["-m", "i2i", *arguments, "--set=train.accumulate=2", "--out=one"]
    for command in ([*launcher, *arguments, "--out=two"], alone):
        done = Preloaded(command, env=environment, cwd=tmp_path)
        assert done.wait(120) == 0, done.said()
        said = said or done.said()
    assert same(weights(tmp_path / "two"), weights(tmp_path / "one"))
    lines = [json.loads(line)["step"] for line in (tmp_path / "two/metrics.jsonl").read_text().splitlines()]
    assert lines == list(range(1, len(lines) + 1))
    for text in ("by 2 processes, the first on cpu", "trained ", "step 1/"):
        assert said.count(text) == 1


@pytest.mark.slow
def test_a_killed_process_ends_the_run_and_what_is_left_resumes_bit_for_bit(tmp_path):
    pooled = ["--set=model.pool_size=3", "--set=train.checkpoint_every=2", "--set=train.images=96"]
    trained(tmp_path, *pooled, "--out=undisturbed")
    run = tmp_path / "killed"
    processes = started(tmp_path, [["-m", "i2i", *SMALL, *pooled, f"--out={run}"]] * 2)
    while newest_checkpoint(run) is None:
        time.sleep(0.05)
        assert processes[1].poll() is None
    processes[1].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    statuses, said = ended(processes)
    assert time.monotonic() - killed < 30
    assert statuses == [1, -signal.SIGKILL]
    reason = said[0].rpartition("i2i: ")[2]
    assert f"process 1 ({processes[1].pid} on " in reason
    assert f"is good in {run}: go on with i2i train --resume {run}" in reason
    assert newest_checkpoint(run).processes == 2
    shutil.copytree(run, tmp_path / "alone")
    statuses, said = ended(started(tmp_path, [["-m", "i2i", "train", "--resume", run, "--device=cpu"]] * 2))
    assert statuses == [0, 0], said
    assert same(weights(run), weights(tmp_path / "undisturbed"))
    pools = [require_checkpoint(place).training() for place in (run, tmp_path / "undisturbed")]
    for key in ("translator", "others"):
        one, other = ([state[key]] if key == "translator" else state[key] for state in pools)
        assert all(same(mine, theirs) for mine, theirs in zip(one, other, strict=True))
    assert not same(pools[0]["translator"], pools[0]["others"][0])  # each process has a pool of its own

    [status], [said] = ended(started(tmp_path, [["-m", "i2i", "train", "--resume=alone", "--device=cpu"]]))
    assert status == 0
    assert said.count("alone was trained by 2 processes and goes on with 1") == 1
    assert newest_checkpoint(tmp_path / "alone").processes == 1


@pytest.mark.slow
def test_what_processes_cannot_do_together_is_said_once(tmp_path):
    for name in ("here", "there"):
        for domain in ("dawn", "noon"):
            for number, scene in enumerate(("hill", "lake")):
                (tmp_path / name / "train" / domain).mkdir(parents=True, exist_ok=True)
                pixels = torch.full((16, 16, 3), number * 40 + len(name), dtype=torch.uint8).numpy()
                write_image(tmp_path / name / "train" / domain / f"{scene}.png", pixels)

    def refused(*places, size, start=Preloaded):
        narrow = {"width": 2, "discriminator_width": 2, "layers": 1}
        settings = [
            f"--set=train.batch_size={size}",
            *(f"--set=model.{name}={value}" for name, value in narrow.items()),
        ]
        shared = ["-m", "i2i", "train", "--model=cyclegan", "--size=16", "--device=cpu", "--out=run", *settings]
        statuses, said = ended(started(tmp_path, [[*shared, f"--data={place}"] for place in places], start))
        assert statuses == [2, 2], said
        assert not (tmp_path / "run").exists()
        [reason] = ["".join(one).rpartition("i2i: ")[2] for one in said if "i2i: " in one]
        return reason

    reason = refused("here", "here", size=1)
    assert reason.startswith("train.batch_size=1 cannot be shared equally by 2 processes: use --set train.batch_size=2")
    reason = refused("here", "there", size=2, start=fresh)
    assert " are not the same on all machines: copy them again" in reason
