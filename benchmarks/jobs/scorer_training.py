"""Training of a network that scores translations: once for each dataset, into a folder of its own."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.jobs.unchanged_inputs import InputState
from i2i.benchmarks.results_folder.staleness import DONE, StoredResult, write_key
from i2i.config import DataConfig
from i2i.data.layouts import DataSet
from i2i.data.open import open_data
from i2i.utils.progress import Progress


class Saved(Protocol):
    """A trained network."""

    def save(self, path: Path) -> None:
        """Write its weights."""


@dataclass(frozen=True, kw_only=True)
class ScorerTraining(Job):
    """Train a network on the training split.

    Attributes:
        path: file of its weights, in a folder of its own.
        data: the images.
        inputs: the state at planning of the images that are read; None: unknown.
    """

    path: Path
    data: DataConfig
    inputs: InputState | None = None

    @property
    def result(self) -> StoredResult:
        """The folder of the weights."""
        return StoredResult.of_folder(self.path.parent)

    @abstractmethod
    def prepared(self, data: DataSet, device: torch.device) -> Callable[[Progress], Saved]:
        """Read the images; what is returned trains on them and tells how many it has shown."""

    def perform(self, report: Report, device: torch.device) -> None:
        """Train it, unless that is done; UserError if the images change meanwhile."""
        if self.result.state(self.key) == DONE:
            return
        self.result.make_room(self.key)
        data = open_data(self.data)
        train = self.prepared(data, device)
        if self.inputs:
            self.inputs.check(data)
        train(lambda done, total: report(f"{done} of {total} images")).save(self.path)
        write_key(self.path.parent, self.key, [self.path])
