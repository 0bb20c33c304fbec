"""Training steps of a model on random images, taken in one of several ways."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i import registry
from i2i.config import Settings
from i2i.data.batches import Batch
from i2i.data.image_files.images import Preprocess
from i2i.data.training_images import RESIDENT, TrainingImages
from i2i.training.compiled_networks import can_compile, compile_networks
from i2i.training.device import autocast, seed_streams
from i2i.training.setup import run_config
from i2i.training.steps.cuda_graphs import WARM_UPS, CapturedSteps, reason_against_graphs
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step
from i2i.training.trainer import build_translator
from i2i.translator import Coverage, Task


@dataclass(frozen=True)
class Variant:
    """A way to take training steps."""

    precision: str = "fp32"
    by_graphs: bool = False
    tf32: bool = True
    channels_last: bool = True
    compiled: bool = False
    resident: float = RESIDENT

    def __str__(self) -> str:
        words = ["captured" if self.by_graphs else "eager", self.precision]
        words += [] if self.precision == "bf16" or self.tf32 else ["without TF32"]
        words += [] if self.channels_last else ["NCHW"]
        words += ["compiled"] if self.compiled else []
        return " ".join(words + ([] if self.resident else ["images sent"]))


class Steps:
    """Training steps of a model on random images, prefetched as the trainer does.

    Steps that are to be captured and cannot be raise a TrainingError.
    """

    def __init__(self, name: str, settings: Settings, variant: Variant, device: torch.device) -> None:
        train = {**settings.get("train", {}), "precision": variant.precision}
        self.config = run_config(name, {**settings, "train": train})
        cls, size = registry.get(name), self.config.data.image_size
        domains = tuple("abcde") if cls.coverage is Coverage.ALL else ("a", "b")
        task = Task.covering(cls.coverage, domains, size)
        self.name, self.variant, self.device = name, variant, device
        self.format = torch.channels_last if variant.channels_last else torch.contiguous_format
        with device:
            self.translator = build_translator(self.config, task).train()
        self.translator.to(device=device, memory_format=self.format)  # type: ignore[call-overload]
        if variant.compiled and can_compile(device):
            compile_networks(self.translator)
        self.optimizers, self.guard = build_optimizers(self.translator), FiniteGuard(device)
        rng = np.random.default_rng(0)
        pixels = {domain: rng.integers(0, 256, (20, *size, 3), dtype=np.uint8) for domain in domains}
        self.images = TrainingImages(pixels, Preprocess(size)).on(device, variant.resident)
        self.items = self.config.train.batch_size or 1
        self.captured = None
        if variant.by_graphs and not reason_against_graphs(device):
            self.captured = CapturedSteps(self.translator, self.optimizers, self.guard, self._precision, or_stop=True)

    @property
    def round(self) -> int:
        """Steps in which every phase has run as often as it does in the mean."""
        return math.lcm(*(phase.every for phase in self.translator.phases()))

    @property
    def warm_ups(self) -> int:
        """Steps after which nothing is new: algorithms are chosen and, of every kind of steps, graphs captured."""
        if self.device.type != "cuda":
            return 1
        kinds_drawn = 25 if self.name == "unsb" else 0
        return (WARM_UPS + 2) * self.round + kinds_drawn

    def _precision(self) -> Any:
        return autocast(self.config.train.precision, self.device)

    def draw(self, step: int) -> list[Batch]:
        """The batch of a step."""
        task = self.translator.task
        batch = self.translator.batch.draw(self.images, task.domains, self.items, step)
        return [batch.to(self.device, self.format)]

    def take(self, batches: list[Batch], step: int, progress: float = 0.0) -> dict[str, Tensor]:
        """Its terms."""
        seed_streams(step, self.device)
        if self.captured is not None:
            return self.captured(batches, step, progress)
        return training_step(
            self.translator, self.optimizers, batches, step, self.guard, self._precision(), progress=progress
        )


@contextmanager
def set_up(variant: Variant) -> Iterator[None]:
    """torch's switch as a variant has it: it is of convolutions, which PyTorch rounds unless told otherwise."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = variant.tf32
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
