"""The training loop: it drives the phases of any translator and knows none by name.

Whatever changes with time - learning rate, data order, random draws - is a function of seed and step, so a
resumed training continues bit for bit (on the CPU, with the same number of threads).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from i2i import registry
from i2i.config import RunConfig, TrainConfig, to_yaml
from i2i.data.batches import Batch
from i2i.data.batches_ahead import BatchesAhead
from i2i.data.data_record import DataRecord
from i2i.data.training_images import TrainingImages
from i2i.distributed.process_group import ALONE, Processes
from i2i.errors import DiskFull, LostProcess, OutOfMemory
from i2i.runs.checkpoint import Best, Checkpoint, Position
from i2i.runs.checkpoint_meta import Budget
from i2i.runs.folder import checkpoint_folder, newest_checkpoint
from i2i.runs.load import load_weights, starting_weights
from i2i.runs.save import save_checkpoint
from i2i.runs.training_state import load_optimizer, of_process
from i2i.training.budget import images_per_step, training_budget
from i2i.training.callbacks.base import Callback, Record
from i2i.training.compiled_networks import can_compile, compile_networks
from i2i.training.device import autocast, memory_format_of, resolved, seed_streams
from i2i.training.ema import build_average
from i2i.training.loss_log import LossLog
from i2i.training.rollback import NotFinite, Rollback, seed_after, to_return_to
from i2i.training.steps.cuda_graphs import CapturedSteps, captured_steps
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, plain_state, set_rate, training_step
from i2i.training.stops import Interrupted, disk_full, lost_process, out_of_memory, stop_signals
from i2i.training.validation import Evaluator, Validation
from i2i.translator import LinearDecay, ModelConfig, Schedule, Task, Translator
from i2i.utils.atomic_write import write_text
from i2i.utils.disk_full import is_disk_full
from i2i.utils.memory import asked_for, freed_memory_kept, is_out_of_memory


def build_translator(config: RunConfig, task: Task) -> Translator:
    """The untrained translator of a config; the same seed gives the same weights."""
    torch.manual_seed(config.train.seed)
    return registry.get(config.name)(cast(ModelConfig, config.model), task)


class Trainer:
    """Trains one translator in one run folder, from the start or from the folder's newest checkpoint.

    Args:
        run: the run folder.
        config: what to train.
        task: domains, directions and size.
        images: the training images.
        device: where to train.
        callbacks: of the training run.
        start: checkpoint of another run whose weights a new training starts with.
        evaluator: scores it on the validation split, `train.evaluations` times and once before the first step.
        data: the files of the images, for the checkpoints.
        processes: those that train together; callbacks and evaluator are asked on the first alone.
    """

    def __init__(
        self,
        run: Path,
        config: RunConfig,
        task: Task,
        images: TrainingImages,
        device: torch.device,
        callbacks: tuple[Callback, ...] = (),
        start: Checkpoint | None = None,
        evaluator: Evaluator | None = None,
        data: DataRecord | None = None,
        processes: Processes = ALONE,
    ) -> None:
        config = resolved(config, device)
        self.run, self.config, self.images, self.device = run, config, images.on(device), device
        self.callbacks, self.data, self._evaluator, self.processes = callbacks, data, evaluator, processes
        self.seed, self.rollbacks = config.train.seed, 0
        self._compiled = config.train.compile == "auto" and can_compile(device)
        self.memory_format = memory_format_of(config.train, self._compiled)
        self.translator = build_translator(config, task)
        self.log, self.budgets = LossLog(), tuple[Budget, ...]()
        checkpoint = newest_checkpoint(run)
        if checkpoint is None:
            if start is not None:
                self.translator.load_state_dict(starting_weights(self.translator, start), strict=False)
            self.translator.prepare(images.centered)
        else:
            load_weights(self.translator, checkpoint)
        self.translator.to(device=device, memory_format=self.memory_format)  # type: ignore[call-overload]
        if self._compiled:
            compile_networks(self.translator)
        processes.take_from_first([*self.translator.parameters(), *self.translator.buffers()])
        self.optimizers = build_optimizers(self.translator)
        self.average = build_average(
            self.translator, config.train.ema, config.train.ema_warmup, config.train.ema_statistics
        )
        self.guard, self.rates = FiniteGuard(device), dict[str, float]()
        self.schedule = schedule_of(self.translator, config.train)
        self.budget = training_budget(config, self.translator)
        self.position = Position(0, self.budget.planned(0, 0.0), 0, 0.0)
        self.validation: Validation | None
        if checkpoint is not None:
            self._load_training(checkpoint)
        else:
            self.validation = self._validation(None)
        self._captured = self._by_graphs()

    def train(self) -> Path:
        """Train to the end of the budget; returns the folder of the last checkpoint.

        Raises:
            TrainingError: when a loss or gradient is not finite (with train.on_nan=rollback: once more than
                `MAX_ROLLBACKS` times), when the disk is full, when there is not enough memory, on SIGINT, SIGTERM or
                SIGHUP, or when another process is gone.
                The run folder then holds a good checkpoint to go on from.
        """
        try:
            with freed_memory_kept():
                return self._train()
        except LostProcess as lost:
            raise LostProcess(lost_process(self.run, self.position.step, str(lost))) from None
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemory(self._out_of_memory(asked_for(error))) from None
            if not is_disk_full(error, self.run):
                raise
            raise DiskFull(disk_full(self.run, self.position.step)) from None

    def _train(self) -> Path:
        if self.processes.first:
            write_text(self.run / "config.yaml", to_yaml(self.config.settings()))
        if self.validation is not None and not self.position.step:
            self._validate(self.validation)
        with stop_signals() as stopped, BatchesAhead(self._draw, self.device) as batches:
            if self.config.train.on_nan == "rollback" and not self.position.step:
                self._save()  # there is always one to return to
            while not self.position.finished:
                try:
                    self._step(batches)
                except NotFinite as found:
                    self._roll_back(found)
                signal_number = self.processes.largest(stopped())
                if signal_number:
                    self._save()
                    raise Interrupted(self.run, self.position, signal_number)
        self._sample()
        folder = self._save()
        self.processes.wait()  # until the first has written it
        return folder

    def _step(self, drawn: BatchesAhead) -> None:
        train, started = self.config.train, time.perf_counter()
        before = self.position.step, self.position.seconds
        step = self.position.step
        batches = drawn(step)
        elapsed = self.budget.elapsed(step, self.position.seconds)
        self._schedule(elapsed)
        seed_streams(step_seed(self.processes.seed([self.seed, step])), self.device)
        if not self.translator.training:
            self.translator.train()
        terms = self._updated(batches, step, elapsed / self.budget.total)
        if self.average is not None:
            self.average.update(step)
        self.log.add(terms)
        if self._reports(step + 1):
            self._wait()
        step_seconds = time.perf_counter() - started
        self.log.add_time(step_seconds, drawn.waited)
        if self.budget.seconds is not None:
            step_seconds = self.processes.of_first(step_seconds)  # the time that decides has to be the same for all
        seconds = self.position.seconds + step_seconds
        images = self.position.images + images_per_step(self.config, self.translator)
        self.position = Position(step + 1, self.budget.planned(step + 1, seconds), images, seconds)
        if self.budget.crossed(train.evaluations, before, (step + 1, seconds)):
            self._evaluate()
        self._report()

    def _updated(self, batches: list[Batch], step: int, progress: float) -> dict[str, Tensor]:
        """The terms of a step that has updated the networks."""
        if self._captured is not None:
            return self._captured(batches, step, progress)
        return training_step(
            self.translator,
            self.optimizers,
            batches,
            step,
            self.guard,
            self._precision(),
            progress=progress,
            processes=self.processes,
        )

    def _precision(self) -> AbstractContextManager[object]:
        return autocast(self.config.train.precision, self.device)

    def _by_graphs(self) -> CapturedSteps | None:
        """Made again for each state that is loaded, which brings tensors of its own."""
        graphs, processes = self.config.train.graphs, self.processes.count
        return captured_steps(graphs, self.translator, self.optimizers, self.guard, self._precision, processes)

    def _evaluate(self) -> None:
        """Ahead of the checkpoint of the same step, which then holds what was found."""
        if self.validation is not None:
            self._raise_if_not_finite()
            self._validate(self.validation)

    def _validate(self, validation: Validation) -> None:
        with self._translating():
            validation.evaluate(self.translator, self.position)

    def _sample(self) -> None:
        with self._translating():
            for callback in self.callbacks:
                callback.on_sample(self.translator, self.position)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """A block in which the translator has the weights that the method translates with and runs eagerly."""
        average = None if self.translator.translates_with == "last" else self.average
        eagerly = torch.compiler.set_stance("force_eager") if self._compiled else nullcontext()
        with eagerly, average.in_place() if average is not None else nullcontext():
            yield

    def _reports(self, step: int) -> bool:
        """Whether results are read from the device after so many steps."""
        train = self.config.train
        intervals = (train.log_every, train.sample_every, train.checkpoint_every)
        return step == 1 or any(interval and step % interval == 0 for interval in intervals)

    def _wait(self) -> None:
        """Let the device finish what it was given, so that its time is counted as that of steps."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)

    def _report(self) -> None:
        """Tell the callbacks what is due; the checkpoint last, which then vouches for what they have written."""
        step, train, last = self.position.step, self.config.train, self.position.finished
        for callback in self.callbacks:
            callback.on_step(self.position)
        if step == 1 or step % train.log_every == 0 or last:
            self._raise_if_not_finite()
            record = Record(
                self.position, self.log.speed(self.position), dict(self.rates), self.log.flush(), self.log.data_share()
            )
            for callback in self.callbacks:
                callback.on_record(record)
        if train.sample_every and step % train.sample_every == 0 and not last:
            self._raise_if_not_finite()
            self._sample()
        if step % train.checkpoint_every == 0 and not last:
            self._save()

    def _draw(self, step: int) -> list[Batch]:
        translator = self.translator
        size = images_per_step(self.config, translator) // translator.batch.images_per_item
        share = self.processes.share(size)
        batch = translator.batch.draw(self._images_at(step), translator.task.domains, size, step, share)
        return batch.to(self.device, self.memory_format).split(self.config.train.accumulate)

    def _images_at(self, step: int) -> TrainingImages:
        """The images of a step; where time decides how far it is, as of when they are drawn."""
        elapsed = self.budget.elapsed(step, self.position.seconds)
        zoomed = elapsed < self.config.train.zoom_until * self.budget.total
        return self.images if zoomed else self.images.unzoomed()

    def _schedule(self, elapsed: int) -> None:
        factor = self.schedule.factor(elapsed, self.budget.total)
        for name, settings in self.translator.optimizers().items():
            self.rates[name] = settings.lr * factor
            set_rate(self.optimizers[name], self.rates[name])

    def _raise_if_not_finite(self) -> None:
        fault = self.guard.fault()
        if fault is not None:
            raise NotFinite(fault, self.run, self.config.train.on_nan, self.rollbacks)

    def _out_of_memory(self, asked: str) -> str:
        step, train = self.position.step, self.config.train
        return out_of_memory(self.run, step, str(self.device), asked, train, self.processes.count)

    def _roll_back(self, found: "NotFinite") -> None:
        """Return to the newest checkpoint and go on from there in another order; raises `found` if that is not to be.

        The order depends on the number of the rollback, which later checkpoints hold. A process that resumes from the
        same checkpoint meets the same fault and returns to it likewise.
        """
        number = self.rollbacks + 1
        checkpoint = to_return_to(self.run, self.config.train.on_nan, number)
        if checkpoint is None:
            raise found
        load_weights(self.translator, checkpoint)
        self._load_training(checkpoint)
        self._reseed(number)
        self.guard = FiniteGuard(self.device)
        self._captured = self._by_graphs()
        for callback in self.callbacks:
            callback.on_rollback(Rollback(number, self.position.step, found.fault))

    def _reseed(self, rollbacks: int) -> None:
        self.rollbacks = rollbacks
        if rollbacks:
            self.seed = seed_after(self.config.train.seed, rollbacks)
            self.images = self.images.reseeded(self.seed)

    def _validation(self, best: Best | None) -> Validation | None:
        if self._evaluator is None or not self.optimizers or not self.processes.first:
            return None
        return Validation(self.run, self._evaluator, self.position.step, best)

    def _save(self) -> Path:
        self._raise_if_not_finite()
        own = self.processes.gather(self.translator.training_state())
        if not self.processes.first:
            return checkpoint_folder(self.run, self.position)
        for callback in self.callbacks:
            callback.on_checkpoint()
        states = {name: plain_state(optimizer) for name, optimizer in self.optimizers.items()}
        average = self.average.state() if self.average is not None else None
        best = self.validation.best if self.validation is not None else None
        return save_checkpoint(
            self.run,
            self.translator,
            self.config.settings(),
            self.position,
            states,
            average,
            best=best,
            data=self.data,
            rollbacks=self.rollbacks,
            others=own[1:],
            log=self.log.state(),
            budgets=self.budgets,
        )

    def _load_training(self, checkpoint: Checkpoint) -> None:
        state = checkpoint.training()
        with checkpoint.fitting("training.pt"):
            for name, optimizer in self.optimizers.items():
                load_optimizer(optimizer, state["optimizers"][name])
            own = of_process(state, self.processes.rank, self.translator.training_state())
            if own is not None:
                self.translator.load_training_state(own)
            self.log = LossLog.of(state.get("log", {}), self.device)
        if self.average is not None:
            average = checkpoint.average()
            with checkpoint.fitting("ema.safetensors"):
                self.average.load_state(average)
        self._continue_from(checkpoint)
        self._reseed(checkpoint.rollbacks)
        self.validation = self._validation(checkpoint.best)

    def _continue_from(self, checkpoint: Checkpoint) -> None:
        """Take over the position; where the budget is longer now, its schedule holds from here on."""
        self.position, self.budgets = checkpoint.position, checkpoint.facts.budgets
        before, now = checkpoint.budget, self.config.train.budget
        if before != now:
            position = self.position
            self.budgets = (*self.budgets, Budget.model_validate({"step": position.step, before[0]: before[1]}))
            steps = self.budget.planned(position.step, position.seconds)
            self.position = replace(position, steps=max(steps, position.step))


def schedule_of(translator: Translator, train: TrainConfig) -> Schedule:
    """The schedule of a training: the translator's own unless the settings say from where on rates fall."""
    return translator.schedule if train.decay_from is None else LinearDecay(train.decay_from)


def step_seed(numbers: Sequence[int]) -> int:
    """Seed of the random draws of a step, from the training's seed, the step and what else tells it from others."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
