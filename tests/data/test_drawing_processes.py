"""Scenes drawn by several processes are those drawn by one, whatever becomes of the others."""

import os
import sys
from pathlib import Path

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
    monkeypatch.setattr(processes, "_started", lambda: started.append(start()) or started[-1])
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
@pytest.mark.parametrize("program", ["import no_such_module", "print('hello')"])
def test_what_a_process_leaves_is_drawn_by_the_first(program, tmp_path, started, monkeypatch):
    """Neither of them draws anything, whatever it says."""
    monkeypatch.setattr(processes, "PROGRAM", program)
    assert len(drawn(tmp_path / "set")) == 4 * SCENES
    assert len(started) == 1


def test_where_no_process_can_be_started_the_first_draws_all(tmp_path, started, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path))
    assert len(drawn(tmp_path / "set")) == 4 * SCENES
    assert not started


@pytest.mark.integration
def test_what_lies_in_the_working_directory_is_not_imported(tmp_path, started, monkeypatch):
    for name in ("json.py", "i2i.py", "numpy.py"):
        (tmp_path / name).write_text("raise SystemExit('not the one')")
    expected = drawn(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(processes, "_draw_here", only_first_share(processes._draw_here))
    assert drawn(Path("there")) == expected


def only_first_share(draw_here):
    def draw(scenes, *others):
        assert scenes.start == 0 or not scenes, "the process has left scenes"
        draw_here(scenes, *others)

    return draw


@pytest.mark.integration
def test_a_drawing_that_is_stopped_ends_its_processes(tmp_path, started):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make("seasons", tmp_path / "set", (32, 32), train=400, test=0, progress=stop)
    assert len(started) == 7
    assert all(helper.poll() is not None for helper in started)
