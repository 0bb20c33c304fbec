"""Locks between processes: one holds it, the others are told so, and nothing is left of a process that is killed."""

import subprocess
import sys

import pytest

from i2i.utils import locks

HOLDER = """
import sys, time
from pathlib import Path
from i2i.utils.locks import Lock
lock = Lock(Path(sys.argv[1]))
print(getattr(lock, sys.argv[2])(), flush=True)
time.sleep(60)
"""

pytestmark = pytest.mark.skipif(not locks.available(), reason="this system has no file locks")


@pytest.fixture
def holder(tmp_path):
    """Starts a process that holds the lock in a way; returns it and the lock's path."""
    path, processes = tmp_path / "folder" / "job.lock", []

    def start(way):
        process = subprocess.Popen([sys.executable, "-c", HOLDER, path, way], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "True\n"
        return process, path

    yield start
    for process in processes:
        process.kill()
        process.wait()


def test_a_lock_that_another_process_holds_is_refused_until_that_is_killed(holder):
    process, path = holder("exclusive")
    with locks.tried(path) as mine:
        assert not mine
    assert locks.is_taken(path)
    process.kill()
    process.wait()
    assert not locks.is_taken(path)
    with locks.tried(path) as mine:
        assert mine
        assert locks.is_taken(path)
    assert not locks.is_taken(path)


def test_many_share_a_lock_and_none_has_it_alone_meanwhile(holder):
    _, path = holder("shared")
    lock = locks.Lock(path)
    assert not lock.exclusive()
    assert lock.shared()
    assert not locks.is_taken(path)
    lock.release()


def test_without_file_locks_everything_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    with locks.tried(tmp_path / "lock") as mine, locks.tried(tmp_path / "lock") as also_mine:
        assert mine
        assert also_mine
    assert not locks.available()
