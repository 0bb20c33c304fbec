"""Training of the domain classifier that scores translations."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from i2i.benchmarks.evaluation.classifier_training import learner
from i2i.benchmarks.jobs.scorer_training import Saved, ScorerTraining
from i2i.benchmarks.suite.schema import ClassifierConfig
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.data.training_images import labelled, pools_and_rows
from i2i.metrics.image_scores import read_pixels
from i2i.utils.progress import Progress


@dataclass(frozen=True, kw_only=True)
class TrainClassifier(ScorerTraining):
    """Train the domain classifier on the training split.

    Attributes:
        options: backbone and budget.
        bf16: whether it is trained in bfloat16.
    """

    options: ClassifierConfig
    bf16: bool = False

    def prepared(self, data: DataSet, device: torch.device) -> Callable[[Progress], Saved]:
        """On all images and their labels."""
        _, labels = labelled(data, self.data.train_split)
        preprocess, (pools, _) = Preprocess.of(self.data), pools_and_rows(data, self.data.train_split)
        pixels = torch.cat([read_pixels(images, preprocess.of_domain(pool)) for pool, images in pools.items()])
        learn = learner(self.options, bf16=self.bf16, device=device)
        return lambda progress: learn(pixels, labels, data.labels, progress=progress)
