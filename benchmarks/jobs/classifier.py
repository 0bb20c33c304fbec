"""Training of the domain classifier that scores translations."""

from dataclasses import dataclass
from pathlib import Path

import torch

from i2i.benchmarks.evaluation.classifier_training import learner
from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.jobs.unchanged_inputs import Seen
from i2i.benchmarks.results_folder.cache_keys import DONE, Place, write_key
from i2i.benchmarks.suite.schema import ClassifierConfig
from i2i.config import DataConfig
from i2i.data.decoding.images import Preprocess
from i2i.data.open import open_data
from i2i.data.training_images import labelled
from i2i.metrics.image_scores import read_pixels


@dataclass(frozen=True, kw_only=True)
class TrainClassifier(Job):
    """Train the domain classifier on the training split.

    Attributes:
        path: file of its weights, in a folder of its own.
        data: the images.
        options: backbone and budget.
        bf16: whether it is trained in bfloat16.
        seen: what the plan saw of the images that are read; None: nobody knows.
    """

    path: Path
    data: DataConfig
    options: ClassifierConfig
    bf16: bool = False
    seen: Seen | None = None

    @property
    def result(self) -> Place:
        """The folder of the weights."""
        return Place.of_folder(self.path.parent)

    def perform(self, report: Report, device: torch.device) -> None:
        """Train it, unless that is done; UserError if the images change meanwhile."""
        if self.result.state(self.key) == DONE:
            return
        self.result.make_room(self.key)
        data = open_data(self.data)
        images, labels = labelled(data, self.data.train_split)
        pixels = read_pixels(images, Preprocess.of(self.data))
        if self.seen:
            self.seen.check(data)
        learn = learner(self.options, bf16=self.bf16, device=device)
        trained = learn(
            pixels,
            labels,
            data.labels,
            progress=lambda done, total: report(f"{done} of {total} images"),
        )
        trained.save(self.path)
        write_key(self.path.parent, self.key, [self.path])
