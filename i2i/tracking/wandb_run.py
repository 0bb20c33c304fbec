"""Weights & Biases: a run of the project that WANDB_PROJECT names, or of `i2i`."""

import os
from collections.abc import Mapping
from pathlib import Path

import wandb

from i2i.tracking.tracker import PROJECT, About, Tracker


class Wandb(Tracker):
    """Numbers lie over images shown, so that a training that returns to an earlier step is drawn as it was."""

    name = "wandb"

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=self.known(),
            resume="allow",
            name=about.name,
            group=about.group,
            config=dict(about.settings),
            notes=about.link,
        )
        self.note(self._run.id)
        self._run.define_metric("*", step_metric="images")

    def scalars(self, values: Mapping[str, float], images: int) -> None:
        """Log them."""
        self._run.log({**values, "images": images})

    def image(self, name: str, path: Path, images: int) -> None:
        """Log it."""
        self._run.log({name: wandb.Image(str(path)), "images": images})

    def summary(self, values: Mapping[str, float]) -> None:
        """Put them into the run's summary."""
        self._run.summary.update(dict(values))

    def end(self, status: str) -> None:
        """Wait until all is written or uploaded."""
        self._run.finish(exit_code=0 if status == "finished" else 1)
