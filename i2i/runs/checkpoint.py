"""A checkpoint, and the files that it is made of.

    RUN/config.yaml                        what runs
    RUN/metrics.jsonl, RUN/samples/        how it went
    RUN/checkpoints/STEP/model.safetensors, training.pt, checkpoint.json; with train.ema also ema.safetensors, with
                         train.best_by also best.safetensors; data.json lists the images that were learnt from
    RUN/validation.csv                     with train.best_by: the scores of the validation split

A checkpoint is written under a temporary name, synced and renamed, so at any moment the newest one with a
plain name is complete. Nothing is pickled: weights are safetensors, the rest loads with `weights_only=True`.
checkpoint.json holds checksums of the other files and of itself, which are compared whenever one is loaded, and the
checkpoint before the newest is kept. Checkpoints of before there were checksums are read without.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from i2i.config import EARLIER_WORDS, PixelFormat, Settings, TrainConfig, in_words, validate
from i2i.data.data_record import DataRecord
from i2i.data.image_files.images import Preprocess
from i2i.errors import Damaged, UserError, unreadable
from i2i.runs.checkpoint_meta import Meta
from i2i.runs.tensor_files import Shapes, load_finite, shapes_in
from i2i.translator import Task
from i2i.utils.checksums import SEAL, checksum
from i2i.utils.memory import is_out_of_memory

Weights = Literal["last", "ema", "best"]
"""Which weights translate: of the last step, the moving average of train.ema, or the best by train.best_by."""

DATA = "data.json"
EARLIER_ENTRIES = {"optimisers": "optimizers"}  # of training.pt
OF_FILES = ("files", SEAL, "data_fingerprint")
"""Entries of checkpoint.json that tell of the files beside it, and not of the translator."""

WEIGHT_FILES: Mapping[str, tuple[str, ...]] = {
    "last": ("model.safetensors",),
    "ema": ("model.safetensors", "ema.safetensors"),
    "best": ("best.safetensors",),
}
"""Where weights of each kind lie; what a later file holds takes the place of what an earlier one does."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk.

    Attributes:
        folder: where its files lie.
        facts: contents of checkpoint.json.
        remedy: what to do about a file that cannot be loaded, for messages.
    """

    folder: Path
    facts: Meta
    remedy: str

    @cached_property
    def meta(self) -> Mapping[str, Any]:
        """What checkpoint.json says, as plain JSON values."""
        return self.facts.model_dump(mode="json", exclude_unset=True)

    @property
    def position(self) -> "Position":
        """How far training was."""
        facts = self.facts
        return Position(facts.step, facts.steps, facts.images, facts.seconds)

    @property
    def finished(self) -> bool:
        """Whether training reached its budget."""
        return self.position.finished

    @property
    def rollbacks(self) -> int:
        """How often training has returned to a checkpoint because something was not finite."""
        return self.facts.rollbacks

    @property
    def processes(self) -> int:
        """How many processes trained together."""
        return self.facts.processes

    @property
    def averaged(self) -> bool:
        """Whether a moving average of the weights was kept."""
        return self.facts.averaged

    @property
    def settings(self) -> Settings:
        """Resolved settings of the run, in today's words."""
        return {**self.facts.settings, "model": in_words(self.facts.settings["model"], EARLIER_WORDS)}

    @property
    def budget(self) -> tuple[str, float]:
        """The unit of the training's budget, and its amount."""
        train = {key: value for key, value in self.settings["train"].items() if key in TrainConfig.model_fields}
        return TrainConfig.model_validate(train).budget

    @property
    def task(self) -> Task:
        """The task the model learnt."""
        return self.facts.task.task()

    @property
    def preprocess(self) -> Preprocess:
        """How its files became images; where that does not say how they were fitted, they were cropped."""
        data = self.settings["data"]
        given = {name: data[name] for name in ("fit", "background") if name in data}
        formats = {name: validate(PixelFormat, own, name) for name, own in (data.get("pixel_formats") or {}).items()}
        return Preprocess(self.task.image_size, self.task.channels, **given, formats=formats)

    @property
    def imported(self) -> bool:
        """Whether its weights came from files of a reference implementation, and no training here."""
        return self.facts.origin is not None

    @property
    def fresh(self) -> tuple[str, ...]:
        """Networks that nothing has trained yet: those that were not among the imported files."""
        return self.facts.origin.fresh if self.facts.origin is not None else ()

    def weights(self, kind: Weights = "last") -> Mapping[str, Tensor]:
        """Parameters and buffers of the translator; with `ema`, averages in place of those that translate."""
        return {name: value for file in self._weight_files(kind) for name, value in self._tensors(file).items()}

    def shapes(self, kind: Weights = "last") -> Shapes:
        """Shapes of what `weights` gives, read from the files' headers alone."""
        return {name: shape for file in self._weight_files(kind) for name, shape in self._shapes(file).items()}

    def average(self) -> dict[str, Tensor]:
        """Averaged parameters, and buffers, of the networks that translate; UserError if the run keeps none."""
        return self._tensors(self._weight_files("ema")[-1])

    @property
    def best(self) -> "Best | None":
        """The weights that were best on the validation split, if any were looked for."""
        facts = self.facts.best
        if facts is None:
            return None
        return Best(facts.step, facts.images, facts.metric, facts.value, weights=self.weights("best"))

    def _weight_files(self, kind: Weights) -> tuple[str, ...]:
        run = self.folder.parent.parent
        if kind == "ema" and not self.averaged:
            raise UserError(
                f"{run} has no averaged weights: take --weights last, or train a model with --set train.ema=0.999"
            )
        if kind == "best" and self.facts.best is None:
            raise UserError(
                f"{run} has no best weights: take --weights last, or train a model with --set train.best_by=psnr"
            )
        return WEIGHT_FILES[kind]

    def _tensors(self, name: str) -> dict[str, Tensor]:
        path = self._intact(name)
        with self._loading(path):
            return load_finite(path)

    def _shapes(self, name: str) -> Shapes:
        path = self.folder / name
        with self._loading(path):
            return shapes_in(path)

    def training(self) -> dict[str, Any]:
        """States of the optimizers and of the translator's own training, as they were written."""
        path = self._intact("training.pt")
        with self._loading(path):
            state = torch.load(path, map_location="cpu", weights_only=True)
            if not isinstance(state, dict):
                raise ValueError("it holds no states")
            return {EARLIER_ENTRIES.get(str(name), str(name)): value for name, value in state.items()}

    @contextmanager
    def fitting(self, name: str) -> Iterator[None]:
        """A block that takes over what a file holds; `Damaged` where that does not fit, whatever the reason."""
        with self._loading(self.folder / name):
            yield

    def data(self) -> DataRecord | None:
        """The images that were learnt from; None if they were not written down."""
        if self.facts.data_fingerprint is None:
            return None
        path = self._intact(DATA)
        with self._loading(path):
            return DataRecord.from_text(path.read_text(encoding="utf-8"))

    def check(self) -> None:
        """Compare every file with its checksum, or if there are none load it.

        Raises:
            Damaged: for the first that differs.
            UserError: if one cannot be read just now.
        """
        for name in self.facts.files or {}:
            self._intact(name)
        if self.facts.files is None:
            self.weights()
            self.training()

    def _intact(self, name: str) -> Path:
        """Path of a file that is as it was written."""
        path = self.folder / name
        expected = (self.facts.files or {}).get(name)
        with self._loading(path):
            if expected is not None and checksum(path) != expected:
                raise ValueError("its checksum is not that of what was written")
        return path

    @contextmanager
    def _loading(self, path: Path) -> Iterator[None]:
        """A block that reads a file: what was read and does not add up is `Damaged`, and nothing else is."""
        try:
            yield
        except OSError as error:
            raise unreadable(path, error, self.remedy) from None
        except (UserError, MemoryError):
            raise
        except Exception as error:  # of torch and safetensors, which have no class in common
            if is_out_of_memory(error):
                raise
            raise Damaged(f"{path} cannot be loaded ({_reason(error)})", self.remedy) from None


def _reason(error: Exception) -> str:
    """What is the matter with a file, in one line."""
    if isinstance(error, KeyError):
        return f"it lacks {str(error)[:100]}"
    return " ".join(str(error).split())[:300] or type(error).__name__


@dataclass(frozen=True)
class Position:
    """How far a training is: steps done and to do, real images shown, seconds spent in steps.

    Where a training ends after a time, the steps to do are an estimate until it has ended.
    """

    step: int
    steps: int
    images: int
    seconds: float

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.step >= self.steps

    @property
    def seconds_left(self) -> float:
        """An estimate, after the first step: what is left takes as long per step as what is done."""
        return self.seconds / self.step * (self.steps - self.step)


@dataclass(frozen=True)
class Best:
    """The weights that were best so far.

    Attributes:
        step, images: how far training was.
        metric, value: what they are best by, and how good they were.
        weights: parameters and buffers of the translator, on the CPU.
    """

    step: int
    images: int
    metric: str
    value: float
    weights: Mapping[str, Tensor]

    def facts(self) -> dict[str, object]:
        """All but the weights."""
        return {"step": self.step, "images": self.images, "metric": self.metric, "value": self.value}
