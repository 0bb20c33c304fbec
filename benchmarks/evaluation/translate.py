"""Translating test images into files, and noting what the files cannot tell."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.evaluation.cost_meters import work_of
from i2i.benchmarks.evaluation.cycle_consistency import cycle_errors
from i2i.benchmarks.results_folder.results_folder import of_sample
from i2i.benchmarks.results_folder.score_file import Entry, image_entries
from i2i.data.image_files.decode import Decoding
from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.load_pixels import load_pixels
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.layouts import DataSet, ImageFile
from i2i.training.evaluators import described_as
from i2i.translator import Translator
from i2i.translator.request import sample_name
from i2i.utils.joined_names import direction_name

BATCH = 64
CYCLE = "cycle"
FINITE = "finite"
NOTED = "images.csv"
"""The table of what was noted of single images: `finite`, 0 or 1, and `cycle` where there is a way back."""


@dataclass(frozen=True)
class Route:
    """A direction and who serves it.

    Attributes:
        direction: source and target.
        there: its translator.
        back: a translator of the opposite direction, if there is one.
        preprocess: how images become input, and output files.
        device: where both translators are.
    """

    direction: Direction
    there: Translator
    back: Translator | None
    preprocess: Preprocess
    device: torch.device

    @property
    def sides(self) -> tuple[Preprocess, Preprocess]:
        """How files of the source become images, and images of the target files."""
        return self.preprocess.of_domain(self.direction[0]), self.preprocess.of_domain(self.direction[1])


@dataclass(frozen=True)
class SamplingOptions:
    """What translators are asked for beside domains.

    Attributes:
        samples: translations of each image, from those that take noise.
        sampling_steps: of an iterative method; None: its own number.
    """

    samples: int = 1
    sampling_steps: int | None = None


@dataclass
class Translations:
    """Translates directions one after the other, and keeps account.

    Attributes:
        out: folder of the results, one folder for each direction.
        data: the images.
        split: which of them.
        cache: where they may lie decoded.
        options: samples and network evaluations.
        costs: `images`, the `seconds` from decoded pixels to pixels, and the work for one image, as
            `Work` names it; each sample counts as an image.
        noted: of single images, see `NOTED`.
    """

    out: Path
    data: DataSet
    split: str
    cache: PixelCache | None = None
    options: SamplingOptions = SamplingOptions()
    costs: dict[str, Any] = field(default_factory=lambda: {"images": 0, "seconds": 0.0})
    noted: list[Entry] = field(default_factory=list)

    def add(self, route: Route) -> None:
        """Translate all images of the route's source; what is noted is of the first sample."""
        folders, (before, after) = self._folders(route), route.sides
        images = self.data.images(self.split, route.direction[0])
        decoded = self.cache.pixels(Decoding(images, before)) if self.cache else None
        for start in range(0, len(images), BATCH):
            some = images[start : start + BATCH]
            mapped = None if decoded is None else decoded[start : start + BATCH]
            inputs = load_pixels(some, before) if mapped is None else np.array(mapped)
            for sample, folder in enumerate(folders):
                outputs, translated = self._timed(route, some, inputs, sample)
                for image, values in zip(some, translated, strict=True):
                    after.write(folder / f"{image.stem}{after.suffix}", values)
                if not sample:
                    self._note(route, some, inputs, outputs, translated)

    def _folders(self, route: Route) -> list[Path]:
        """A new folder for each sample of the route's direction."""
        samples = self.options.samples if "noise" in route.there.takes else 1
        folders = [of_sample(self.out, sample) / direction_name(route.direction) for sample in range(samples)]
        for folder in folders:
            folder.mkdir(parents=True)
        return folders

    def _timed(
        self, route: Route, some: Sequence[ImageFile], inputs: np.ndarray, sample: int
    ) -> tuple[Tensor, np.ndarray]:
        described, (before, after) = described_as(self.data, some, *route.direction), route.sides
        began = time.perf_counter()
        images = before.to_images(inputs).to(route.device)
        seeds = route.there.seeds_of(sample_name(image.stem, sample) for image in some)
        steps = self.options.sampling_steps
        outputs = route.there.translate(images, *route.direction, described, seeds=seeds, sampling_steps=steps)
        translated = after.to_arrays(outputs)
        self.costs["seconds"] += time.perf_counter() - began
        self.costs["images"] += len(some)
        if "macs" not in self.costs:
            one = described[:1] if described else None
            self.costs |= work_of(
                route.there, images[:1], *route.direction, attributes=one, sampling_steps=steps
            ).costs()
        return outputs, translated

    def _note(
        self, route: Route, some: Sequence[ImageFile], inputs: np.ndarray, outputs: Tensor, translated: np.ndarray
    ) -> None:
        stems = [image.stem for image in some]
        finite = outputs.isfinite().flatten(1).all(dim=1)
        self.noted += image_entries(route.direction, stems, FINITE, finite.tolist())
        if route.back is not None:
            source = route.direction[0]
            described = described_as(self.data, some, source, source)
            again = {"seeds": route.back.seeds_of(stems), "sampling_steps": self.options.sampling_steps}
            errors = cycle_errors(
                route.back, route.direction, route.sides, inputs, translated, described, route.device, **again
            )
            self.noted += image_entries(route.direction, stems, CYCLE, errors)
