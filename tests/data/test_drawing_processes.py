"""Scenes drawn by several processes are those drawn by one, whatever becomes of the others."""

import os

import pytest

from i2i.data.synthetic import processes
from i2i.data.synthetic.embedded import make

SCENES = 5


@pytest.fixture
def started(monkeypatch):
    """The processes that are started, by two scenes each."""
    started, start = [], processes._started
    monkeypatch.setattr(processes, "SCENES_PER_PROCESS", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(processes, "_started", lambda order: started.append(start(order)) or started[-1])
    return started


def drawn(folder):
    told = []
    make("seasons", folder, (32, 32), train=3, test=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(count, SCENES) for count in range(1, SCENES + 1)]
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


@pytest.mark.integration
def test_several_processes_draw_what_one_draws(tmp_path, started, monkeypatch):
    by_two = drawn(tmp_path / "two")
    assert [helper.returncode for helper in started] == [0]
    monkeypatch.setattr(processes, "SCENES_PER_PROCESS", 100)
    assert by_two == drawn(tmp_path / "one")
    assert len(started) == 1


@pytest.mark.integration
def test_what_a_process_leaves_is_drawn_by_the_first(tmp_path, started, monkeypatch):
    monkeypatch.setattr(processes, "MODULE", "i2i.no_such_module")
    assert len(drawn(tmp_path / "set")) == 4 * SCENES
    assert len(started) == 1


@pytest.mark.integration
def test_a_drawing_that_is_stopped_ends_its_processes(tmp_path, started):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make("seasons", tmp_path / "set", (32, 32), train=400, test=0, progress=stop)
    assert len(started) == 7
    assert all(helper.poll() is not None for helper in started)
