"""What a training leaves for people to look at: sample grids and the progress line."""

import re
from io import StringIO

import numpy as np
import pytest
from PIL import Image

from i2i import registry
from i2i.runs.checkpoint import Position
from i2i.testing import CPU, Subject
from i2i.training.callbacks.base import Record
from i2i.training.callbacks.progress_line import ProgressLine
from i2i.training.callbacks.sample_grids import SampleGrids
from i2i.training.sample_grid import tile
from i2i.training.trainer import Trainer


@pytest.mark.integration
def test_sample_grids_come_at_intervals_and_at_the_end(tmp_path):
    subject = Subject(registry.get("stargan"))
    images = subject.training_images()
    run = Trainer(tmp_path, subject.config(sample_every=4), subject.task, images, CPU)
    run.callbacks = (SampleGrids(tmp_path, images, subject.task.domains),)
    run.train()
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["00000004.png", "00000006.png"]
    with Image.open(tmp_path / "samples" / "00000006.png") as grid:
        assert grid.size[1] == 2 * 6 * (96 + 2)  # an input and an output row for each of six directions


def test_tiles_show_the_pixels_enlarged_beside_their_label():
    rows = [np.full((2, 32, 32, 3), value, dtype=np.uint8) for value in (10, 200)]
    sheet = tile(rows, ["input", "to winter"])
    assert sheet[48, -50].tolist() == [10, 10, 10]
    assert sheet[48 + 98, -50].tolist() == [200, 200, 200]
    assert (sheet[:, :60] < 128).any()  # the labels


def live_line(width: int, monkeypatch) -> str:
    """The live line of a training half done, on a terminal of that many columns."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = StringIO()
    line = ProgressLine("cyclegan", stream)
    losses = {"generator/adversarial": 0.5, "generator/cycle": 1.25, "discriminators/real": 0.125}
    with line:
        line.on_step(Position(500, 1000, 2000, 60.0))
        line.on_record(Record(Position(500, 1000, 2000, 60.0), 123.4, {}, losses))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).replace("\r", "\n").strip().split("\n")[-1]
    assert len(shown) <= width
    return shown


@pytest.mark.parametrize("width", [40, 50, 60, 80, 120])
def test_share_and_time_left_stand_on_the_live_line_of_any_terminal(width, monkeypatch):
    shown = live_line(width, monkeypatch)
    assert "cyclegan" in shown
    assert re.search(r"\d+% .*[-\d]:[-\d]{2} left", shown)
    assert ("━" in shown) == (width >= 80)
    assert ("123.4 images/s" in shown) == (width >= 50)
    assert ("generator" in shown) == (width >= 60)
