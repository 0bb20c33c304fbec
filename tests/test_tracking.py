"""What a training leaves for people to look at: sample grids and TensorBoard events."""

import numpy as np
import pytest
import torch
from PIL import Image

from i2i import registry
from i2i.samples import tile
from i2i.testing import CPU, Subject
from i2i.tracking import SampleGrids, TensorBoardLog
from i2i.trainer import Trainer


def test_sample_grids_come_at_intervals_and_at_the_end(tmp_path):
    subject = Subject(registry.get("stargan"))
    pictures = subject.pictures()
    run = Trainer(tmp_path, subject.config(sample_every=4), subject.task, pictures, CPU)
    run.observers = (SampleGrids(tmp_path, pictures, subject.task.domains),)
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


def test_tensorboard_gets_the_losses(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    subject = Subject(registry.get("pix2pix"))
    run = Trainer(tmp_path, subject.config(), subject.task, subject.pictures(), CPU, (TensorBoardLog(tmp_path),))
    run.train()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert "loss/generator/l1" in events.Tags()["scalars"]
    assert all(torch.isfinite(torch.tensor(event.value)) for event in events.Scalars("loss/generator/l1"))
