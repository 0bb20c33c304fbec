"""Grids of translations in a training run: the same images, again and again."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from i2i.data.image_files.images import write_image
from i2i.data.training_images import TrainingImages
from i2i.runs.checkpoint import Position
from i2i.training.callbacks.base import Callback
from i2i.training.sample_grid import SAMPLES, grid_path, tile
from i2i.translator import Translator
from i2i.utils.atomic_write import sync_to_disk

SAMPLE_COLUMNS = 4
SAMPLE_DIRECTIONS = 6


class SampleGrids(Callback):
    """Writes `RUN/samples/STEP.png`: per direction a row of inputs above a row of their translations.

    The same first training images are shown every time, so that the files read as a film. Grids beyond the step
    that training starts or goes on from are removed: another training may have drawn them.
    """

    def __init__(self, run: Path, images: TrainingImages, domains: tuple[str, ...], start: int = 0) -> None:
        self._run, self._folder = run, run / SAMPLES
        self._inputs = {domain: next(images.centered(domain, SAMPLE_COLUMNS)) for domain in domains}
        self._preprocess = images.preprocess
        for path in self._folder.glob("*.png"):
            if path.stem.isdecimal() and int(path.stem) > start:
                path.unlink()

    def on_sample(self, translator: Translator, position: Position) -> None:
        """Translate and write."""
        self._folder.mkdir(parents=True, exist_ok=True)
        directions = translator.task.directions[:SAMPLE_DIRECTIONS]
        rows: list[np.ndarray] = []
        for source, target in directions:
            inputs = self._inputs[source].to(_device(translator))
            rows += [self._shown(inputs, source), self._shown(translator.translate(inputs, source, target), target)]
        labels = [text for source, target in directions for text in (source, f"to {target}")]
        path = grid_path(self._run, position.step)
        write_image(path, tile(rows, labels))
        sync_to_disk(path)  # the checkpoint that follows vouches for it

    def _shown(self, images: Tensor, domain: str) -> np.ndarray:
        """uint8 [B, H, W, 1 or 3] of images [B, C, H, W] in [-1, 1]."""
        preprocess = self._preprocess.of_domain(domain)
        return preprocess.shown(preprocess.to_arrays(images))


def _device(translator: Translator) -> torch.device:
    tensors = [*translator.parameters(), *translator.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")
