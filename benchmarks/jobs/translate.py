"""Translating test images with trained models, into PNG folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.evaluation.cycle_consistency import reverse_translator
from i2i.benchmarks.evaluation.translate import NOTED, Route, SamplingOptions, Translations
from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.jobs.train import CustomCode
from i2i.benchmarks.jobs.unchanged_inputs import InputState
from i2i.benchmarks.results_folder.score_file import write_images
from i2i.benchmarks.results_folder.staleness import DONE, StoredResult, files_in, write_key
from i2i.config import DataConfig
from i2i.data.open import open_data, pixel_cache
from i2i.runs.checkpoint import Weights
from i2i.runs.load import load_translator


@dataclass(frozen=True, kw_only=True)
class Translate(Job):
    """Translate the test images of every direction with the training run that serves it, into PNG folders.

    Beside the key stands what it cost: seconds from decoded pixels to pixels, and the work for one image. What only
    the networks tell of single images is noted in a table: whether all values were finite, and the cycle error
    where the method has a way back.

    Attributes:
        out: holds a folder for each direction.
        runs: run folder by direction.
        data: the images.
        weights: which of a run's translate.
        samples: how many translations of each image; those after the first lie apart.
        sampling_steps: of an iterative method; None: its own number.
        inputs: the state at planning of the images that are read; None: unknown.
        custom: code of a custom model.
    """

    out: Path
    runs: Mapping[Direction, Path]
    data: DataConfig
    weights: Weights = "last"
    samples: int = 1
    sampling_steps: int | None = None
    inputs: InputState | None = None
    custom: CustomCode | None = None

    @property
    def result(self) -> StoredResult:
        """The folder of translations."""
        return StoredResult.of_folder(self.out)

    def perform(self, report: Report, device: torch.device) -> None:
        """Translate everything, unless it is done; UserError if the images change meanwhile."""
        if self.result.state(self.key) == DONE:
            return
        if self.custom:
            self.custom.require()
        self.result.make_room(self.key)
        data = open_data(self.data)
        load = lru_cache(maxsize=2)(lambda run: load_translator(run, device, self.weights))  # there and back
        asked = SamplingOptions(self.samples, self.sampling_steps)
        made = Translations(self.out, data, self.data.test_split, pixel_cache(self.data), asked)
        for number, (direction, run) in enumerate(self.runs.items(), 1):
            translator, preprocess = load(run)
            back = reverse_translator(direction, self.runs, lambda run: load(run)[0])
            made.add(Route(direction, translator, back, preprocess, device))
            report(f"{number} of {len(self.runs)} directions")
        if self.inputs:
            self.inputs.check(data)
        write_images(self.out / NOTED, made.noted)
        write_key(self.out, self.key, files_in(self.out), **made.costs)
