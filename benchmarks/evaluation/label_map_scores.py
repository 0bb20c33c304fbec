"""Scores of translations to label maps, and by a segmenter of those from them: the FCN score, without a download."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.evaluation.direction_scores import of_images
from i2i.benchmarks.results_folder.score_file import Scores, entries
from i2i.metrics.registry import SEGMENTATION, segmented_name
from i2i.metrics.segmentation.palette import Palette
from i2i.metrics.segmentation.scores import agreement
from i2i.metrics.segmentation.segmenter import Segmenter


@dataclass(frozen=True)
class LabelMap:
    """A domain that is a label map.

    Attributes:
        domain: its name.
        palette: its classes.
        segmenter: file of the trained segmenter; None: it is not known yet.
    """

    domain: str
    palette: Palette
    segmenter: Path | None = None

    @property
    def about(self) -> list[object]:
        """What scores depend on, for keys."""
        return [self.domain, self.palette.settings()]


class LabelMapScores:
    """Scores what has to do with the label map of a bench.

    Args:
        label_map: which domain it is.
        device: where the segmenter runs.
        intervals: whether to resample for them.
    """

    def __init__(self, label_map: LabelMap, device: torch.device, intervals: bool = True) -> None:
        self._domain, self._palette, self._intervals = label_map.domain, label_map.palette, intervals
        assert label_map.segmenter is not None, "plans name the file of the segmenter"
        self._segmenter = Segmenter.load(label_map.segmenter, device=device)

    def of(self, direction: Direction, stems: list[str], fakes: Tensor, inputs: Tensor, truth: Tensor) -> Scores:
        """Scores of translations, pixels uint8 [N, 3, H, W], given what was translated and the ground truth.

        To the label map: its nearest colors against those of the truth. From it: what the segmenter sees in the photos
        against the label maps that they were made from. Nothing of other directions.
        """
        if direction[1] == self._domain:
            return self._scores(direction, stems, self._palette.classes(fakes), self._palette.classes(truth), "{}")
        if direction[0] == self._domain:
            return self.of_photos(direction, stems, fakes, inputs)
        return Scores()

    def of_photos(self, direction: Direction, stems: list[str], photos: Tensor, label_maps: Tensor) -> Scores:
        """What the segmenter sees in photos against their label maps; of real photos, the ceiling of translations."""
        segmented = self._segmenter.classes(photos)
        return self._scores(direction, stems, segmented, self._palette.classes(label_maps), segmented_name("{}"))

    def _scores(self, direction: Direction, stems: list[str], found: Tensor, truth: Tensor, form: str) -> Scores:
        pixel, *others = (form.format(name) for name in SEGMENTATION)
        met = agreement(found, truth, self._palette.scored)
        known = ~met.pixel_accuracy.isnan()
        shown = [stem for stem, there in zip(stems, known.tolist(), strict=True) if there]
        scores = of_images(direction, shown, {pixel: met.pixel_accuracy[known].numpy()}, self._intervals)
        values = zip(others, (met.class_accuracy, met.mean_iou), strict=True)
        rows = ({"metric": name, "value": value, "n": len(stems)} for name, value in values)
        scores.rows.extend(entries(direction, rows))
        return scores
