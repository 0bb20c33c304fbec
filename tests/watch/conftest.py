"""A run folder as a training leaves it, written by hand."""

import json

import numpy as np
import pytest

from i2i.data.image_files.images import write_image
from i2i.training.sample_grid import grid_path, tile


class Run:
    """A run folder that can go on."""

    def __init__(self, folder, steps=40):
        self.folder, self.steps = folder, steps
        folder.mkdir(parents=True)

    def log(self, *steps, **more):
        with (self.folder / "metrics.jsonl").open("a") as file:
            for step in steps:
                line = {"step": step, "steps": self.steps, "images": 2 * step, "seconds": step / 2}
                losses = {"generator/l1": 1 / step, "critic/real": float("inf")}
                file.write(json.dumps({**line, "images_per_second": 4.0, "losses": losses, **more}) + "\n")

    def sample(self, *steps):
        for step in steps:
            grid_path(self.folder, step).parent.mkdir(exist_ok=True)
            write_image(grid_path(self.folder, step), tile([np.full((2, 8, 8, 3), step, np.uint8)], ["a to b"]))

    def lock(self, text):
        (self.folder / ".lock").write_text(text)


@pytest.fixture
def run(tmp_path):
    """A training that was stopped halfway, with a name that must stay text."""
    made = Run(tmp_path / "</script><b>run")
    made.log(1, 10, 20)
    made.sample(10, 20)
    return made
