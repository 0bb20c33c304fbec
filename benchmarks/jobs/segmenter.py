"""Training of the segmenter that scores photos made from label maps."""

from dataclasses import dataclass
from pathlib import Path

import torch

from i2i.benchmarks.evaluation.label_map_scores import LabelMap
from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.jobs.unchanged_inputs import Seen
from i2i.benchmarks.results_folder.cache_keys import DONE, Place, write_key
from i2i.config import DataConfig
from i2i.data.decoding.images import Preprocess
from i2i.data.open import open_data
from i2i.metrics.image_scores import read_pixels
from i2i.metrics.segmentation.segmenter import train_segmenter


@dataclass(frozen=True, kw_only=True)
class TrainSegmenter(Job):
    """Train the segmenter on the pairs of the training split, of every domain with the label map.

    Attributes:
        path: file of its weights, in a folder of its own.
        data: the images.
        label_map: which of their domains is the label map.
        images: how many it is shown.
        seen: what the plan saw of the images that are read; None: nobody knows.
    """

    path: Path
    data: DataConfig
    label_map: LabelMap
    images: int
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
        data, preprocess, own = open_data(self.data), Preprocess.of(self.data), self.label_map
        photos = [domain for domain in data.domains if domain != own.domain]
        pixels = [read_pixels(data.images(self.data.train_split, domain), preprocess) for domain in photos]
        classes = own.palette.classes(read_pixels(data.images(self.data.train_split, own.domain), preprocess))
        if self.seen:
            self.seen.check(data)
        trained = train_segmenter(
            torch.cat(pixels),
            classes.repeat(len(photos), 1, 1),
            own.palette,
            images=self.images,
            device=device,
            progress=lambda done, total: report(f"{done} of {total} images"),
        )
        trained.save(self.path)
        write_key(self.path.parent, self.key, [self.path])
