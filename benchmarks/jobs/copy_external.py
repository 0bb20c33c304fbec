"""Taking over external translations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.results_folder.partial import PARTIAL
from i2i.benchmarks.results_folder.staleness import DONE, StoredResult, files_in, write_key
from i2i.config import DataConfig
from i2i.data.image_files.images import Preprocess
from i2i.utils.atomic_write import write_text
from i2i.utils.joined_names import direction_name


@dataclass(frozen=True, kw_only=True)
class CopyExternal(Job):
    """Take over images made elsewhere, where `Translate` would have written translations.

    Attributes:
        out: holds a folder for each direction.
        files: by direction and stem.
        stems: by source domain those that are there, where some are not; None: all.
        data: how images are stored.
    """

    out: Path
    files: Mapping[Direction, Mapping[str, Path]]
    stems: Mapping[str, Sequence[str]] | None
    data: DataConfig

    @property
    def result(self) -> StoredResult:
        """The folder of translations."""
        return StoredResult.of_folder(self.out)

    def perform(self, report: Report, device: torch.device) -> None:
        """Copy every image as a file of its domain's kind, unless that is done."""
        if self.result.state(self.key) == DONE:
            return
        self.result.make_room(self.key)
        preprocess = Preprocess.of(self.data)
        for number, (direction, found) in enumerate(self.files.items(), 1):
            folder, own = self.out / direction_name(direction), preprocess.of_written(direction[1])
            folder.mkdir(parents=True)
            for stem, path in found.items():
                own.write(folder / f"{stem}{own.suffix}", own.pixels_of(path))
            report(f"{number} of {len(self.files)} directions")
        if self.stems is not None:
            write_text(self.out / PARTIAL, json.dumps(self.stems))
        write_key(self.out, self.key, files_in(self.out))
