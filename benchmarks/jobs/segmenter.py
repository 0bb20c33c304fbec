"""Training of the segmenter that scores photos made from label maps."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from i2i.benchmarks.evaluation.label_map_scores import LabelMap
from i2i.benchmarks.jobs.scorer_training import Saved, ScorerTraining
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.metrics.image_scores import read_pixels
from i2i.metrics.segmentation.segmenter import train_segmenter
from i2i.utils.progress import Progress


@dataclass(frozen=True, kw_only=True)
class TrainSegmenter(ScorerTraining):
    """Train the segmenter on the pairs of the training split, of every domain with the label map.

    Attributes:
        label_map: which of their domains is the label map.
        images: how many it is shown.
    """

    label_map: LabelMap
    images: int

    def prepared(self, data: DataSet, device: torch.device) -> Callable[[Progress], Saved]:
        """On the photos of all other domains, each with its classes."""
        split, preprocess, own = self.data.train_split, Preprocess.of(self.data), self.label_map
        photos = [domain for domain in data.domains if domain != own.domain]
        pixels = [read_pixels(data.images(split, domain), preprocess.of_domain(domain)) for domain in photos]
        label_maps = read_pixels(data.images(split, own.domain), preprocess.of_domain(own.domain))
        classes = own.palette.classes(label_maps)
        return lambda progress: train_segmenter(
            torch.cat(pixels),
            classes.repeat(len(photos), 1, 1),
            own.palette,
            images=self.images,
            device=device,
            progress=progress,
        )
