"""Training of one model: begun, gone on with, or found finished."""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from i2i import custom_models
from i2i.benchmarks.evaluation.checkpoint_selection import Evaluation, bench_evaluator
from i2i.benchmarks.evaluation.cost_meters import peak_memory
from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.jobs.unchanged_inputs import InputState
from i2i.benchmarks.results_folder.result_records import read_record
from i2i.benchmarks.results_folder.staleness import KEY_FILE, StoredRun, files_in, write_key
from i2i.config import RunConfig, Settings
from i2i.data.layouts import DataSet
from i2i.data.open import open_data
from i2i.errors import Damaged, UserError
from i2i.runs.checkpoint import Checkpoint, Position
from i2i.runs.folder import intact_checkpoint
from i2i.runs.load import require_checkpoint
from i2i.tracking.callback import Tracked
from i2i.training.callbacks.base import Callback, EveryStep
from i2i.training.run import TrainingRun, train_run
from i2i.training.setup import run_config, task_of
from i2i.training.trainer import Trainer
from i2i.utils.wording import duration

log = logging.getLogger(__name__)

PEAK = "peak_memory"
DECODED_PER_REPORT = 64  # images between reports


@dataclass(frozen=True)
class CustomCode:
    """Source of a custom model, and the SHA-256 of its file: what runs must be what was planned."""

    source: str
    sha256: str

    def require(self) -> None:
        """Register the model; UserError if its file has changed."""
        custom_models.require(self.source, self.sha256)


@dataclass(frozen=True, kw_only=True)
class Train(Job):
    """Train one model in its run folder, or finish it, or find it finished.

    Attributes:
        run: the run folder.
        model: name of the translator.
        settings: its settings, with those of data and training.
        domains: what it learns between, in the model's order.
        inputs: the state at planning of the images that are read; None: unknown.
        custom: code of a custom model.
        evaluation: how it is evaluated on the validation split, if it is.
        trackers: names of those that record the training run.
        bench: name of the bench, under which they group it.
    """

    run: Path
    model: str
    settings: Settings
    domains: tuple[str, ...]
    inputs: InputState | None = None
    custom: CustomCode | None = None
    evaluation: Evaluation | None = None
    trackers: tuple[str, ...] = ()
    bench: str | None = None

    @property
    def result(self) -> StoredRun:
        """The run folder."""
        return StoredRun.of_folder(self.run)

    def config(self) -> RunConfig:
        """Checked settings; the code of a custom model is run for them."""
        if self.custom:
            self.custom.require()
        return run_config(self.model, self.settings)

    def perform(self, report: Report, device: torch.device) -> None:
        """Train to the end of the budget; UserError if the images change meanwhile."""
        if self.result.key() != self.key:
            self.result.make_room(self.key)
            write_key(self.run, self.key)
        checkpoint = self._intact()
        if checkpoint is not None and checkpoint.finished:
            self._record_end(checkpoint)
        else:
            self._train(report, device)

    def _train(self, report: Report, device: torch.device) -> None:
        config = self.config()
        data, reads_on = open_data(config.data).restricted(self.domains), list[bool]()

        tracked = Tracked(self.run, self.trackers, self.name, self.bench, log.warning)

        def callbacks(trainer: Trainer) -> tuple[Callback, ...]:
            _check(self.inputs, data)  # all images are read
            reads_on.append(bool(trainer.images.decoded_when_drawn or self.evaluation))
            return EveryStep(lambda position: report(_progress_text(position))), tracked.begun(config.settings())

        def decoding(done: int, total: int) -> None:
            if done % DECODED_PER_REPORT == 0:
                report(f"{done} of {total} images decoded")

        with peak_memory(device) as peak, tracked:
            evaluator = bench_evaluator(self.evaluation, device) if self.evaluation else None
            training = TrainingRun(self.run, config, task_of(config, data), data, device)
            train_run(training, callbacks, decoding, evaluator=evaluator)
            if any(reads_on):
                self._check_to_the_end(data)
            self._record_end(require_checkpoint(self.run), peak())

    def _check_to_the_end(self, data: DataSet) -> None:
        """Where images were read all along: if they have changed the run is kept, but not as what was planned."""
        try:
            _check(self.inputs, data)
        except UserError as error:
            self.result.set_aside(str(error))
            raise

    def _intact(self) -> Checkpoint | None:
        """The newest sound checkpoint; a run folder that holds damaged ones alone is set aside."""
        try:
            return intact_checkpoint(self.run)[0]
        except Damaged as damage:
            self.result.set_aside(damage.what)
            write_key(self.run, self.key)
            return None

    def _record_end(self, checkpoint: Checkpoint, peak: int | None = None) -> None:
        """Vouch for the last checkpoint; a peak that is known already stays."""
        record = read_record(self.run / KEY_FILE)
        known = {name: value for name, value in (record.contents if record else {}).items() if name == PEAK}
        write_key(self.run, self.key, files_in(checkpoint.folder), **known if peak is None else {PEAK: peak})


def _check(inputs: InputState | None, data: DataSet) -> None:
    if inputs is not None:
        inputs.check(data)


def _progress_text(position: Position) -> str:
    share = position.step / position.steps
    speed = f"{position.images / position.seconds:.0f} images/s"
    return f"{share:.0%}, {speed}, {duration(position.seconds_left)} left"
