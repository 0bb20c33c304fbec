"""`i2i.train`: what `i2i train` does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import torch
from PIL import Image

from i2i.api.arguments import Data, Place, Values, assignments, data_texts, listed, path_of, size_text
from i2i.api.html import image_tag, page_text
from i2i.api.images import Images
from i2i.api.loading import LoadedTranslator, load
from i2i.api.python_messages import pythonic
from i2i.api.train_cases import Options
from i2i.api.train_session import train_to_the_end, training_of
from i2i.distributed.process_group import joined
from i2i.runs.checkpoint import Weights
from i2i.runs.load import require_checkpoint
from i2i.tracking.registry import trackers_named
from i2i.training.device import choose_device
from i2i.training.sample_grid import SAMPLES
from i2i.utils.wording import duration


@dataclass(frozen=True)
class TrainedRun:
    """A run folder after its training; every function that takes a run folder takes it.

    Attributes:
        folder: the run folder.
    """

    folder: Path

    def __fspath__(self) -> str:
        return str(self.folder)

    @cached_property
    def history(self) -> pd.DataFrame:
        """The log by step: images, seconds, speed, and a column for each loss, `losses.PHASE/TERM`."""
        lines = [json.loads(line) for line in (self.folder / "metrics.jsonl").read_text().splitlines()]
        records = [line for line in lines if "losses" in line]
        return pd.json_normalize(records).set_index("step") if records else pd.DataFrame()

    @property
    def samples(self) -> Images:
        """The sample grids, the earliest first."""
        found = Images()
        for path in sorted((self.folder / SAMPLES).glob("*.png")):
            with Image.open(path) as image:
                found.append(image.copy())
        return found

    @pythonic
    def load(self, device: torch.device | str = "cpu", weights: Weights | None = None) -> LoadedTranslator:
        """Its translator, as `i2i.load` gives it."""
        return load(self.folder, device, weights)

    def _repr_html_(self) -> str:
        checkpoint = require_checkpoint(self.folder)
        position, domains = checkpoint.position, ", ".join(checkpoint.task.domains)
        said = (
            f"{checkpoint.settings['model']['name']} on {domains}: {position.step} of {position.steps} steps, "
            f"{position.images} images in {duration(position.seconds)}, {self.folder}"
        )
        samples = self.samples
        return page_text(said) + (image_tag(samples[-1]) if samples else "")


@pythonic
def train(
    model: str | None = None,
    data: Data | None = None,
    *,
    out: Place | None = None,
    settings: Values | None = None,
    size: int | str | tuple[int, int] | None = None,
    attributes: str | Sequence[str] | None = None,
    config: str | None = None,
    resume: Place | None = None,
    init: Place | None = None,
    on_nan: str | None = None,
    accept_data: bool = False,
    device: str | None = None,
    track: str | Sequence[str] | None = None,
    cache_gib: float | None = None,
    skip_bad: bool = False,
    allow_download: bool = False,
) -> TrainedRun:
    """Train a translator, as `i2i train` with the same options does: the same settings, the same bits.

    Example: `i2i.train("cyclegan", "photos/", settings={"train.images": 200_000, "model.lambda_identity": 5})`.

    Args:
        model: name of the translator, as `i2i models` lists it, or FILE.py:CLASS.
        data: a folder, archive, manifest or hf:OWNER/NAME, or several by name to learn jointly; None: the built-in
            dataset, with the small networks of the seasons suite.
        out: run folder; None: runs/MODEL-DATA.
        settings: by name (`{"train.images": 9}`) or in sections (`{"train": {"images": 9}}`).
        size: side, or height and width, pixels.
        attributes: to learn, from the list in the data folder.
        config: name or file of the settings to start from.
        resume: a run folder that is to go on.
        init: a run folder whose weights are to be started with.
        on_nan: stop or rollback, when a loss or gradient is not finite.
        accept_data: resume though the images have changed since the checkpoint.
        device: cuda, cuda:1, mps or cpu; None: the best there is.
        track: trackers of experiments that record it too: wandb, mlflow, aim, tensorboard.
        cache_gib: keep decoded images on disk up to so many GiB.
        skip_bad: leave out images that cannot be read.
        allow_download: fetch data hf:OWNER/NAME that are not on this machine.

    Raises:
        UserError: for arguments that do not fit each other or the data; the text names what is allowed.
        TrainingError: if the training had to stop; its checkpoints are kept.
    """
    options = Options(
        model,
        data_texts(data),
        listed(attributes),
        config,
        size_text(size),
        assignments(settings),
        path_of("out", out),
        path_of("resume", resume),
        path_of("init", init),
        on_nan,
        accept_data,
        cache_gib,
        skip_bad,
        allow_download,
    )
    trackers, chosen = trackers_named(listed(track)), choose_device(device)
    with joined(chosen) as processes:
        ready, run = training_of(options, chosen, processes)
        train_to_the_end(ready, run, trackers)
    return TrainedRun(run.folder)
