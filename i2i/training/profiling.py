"""What a training will take, measured: a few of its own steps in a process of their own.

Steps in which other phases run take other times (StarGAN's generator takes every fifth turn), so each kind of step is
tried: once to warm up, then twice by the clock. Where a training has CUDA graphs, they are captured ahead of that.
Loading images, samples and checkpoints are not counted.
"""

import math
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection

import torch

from i2i.config import RunConfig, Settings
from i2i.custom_models import CustomModel, require
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.data.training_images import TrainingImages
from i2i.errors import TrainingError, UserError
from i2i.training.budget import TrainingBudget, images_per_step, training_budget
from i2i.training.device import autocast, memory_format_of, resolved
from i2i.training.setup import run_config
from i2i.training.steps.cuda_graphs import captured_steps, until_captured
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step
from i2i.training.trainer import build_translator
from i2i.translator import Task, Translator
from i2i.utils.child_processes import in_child, kept_from_children
from i2i.utils.memory import freed_memory_kept, most_resident

TIMED = 2
PATIENCE = 20.0
"""Seconds of a warm-up from which on its own time is taken: it is then far longer than what warming up costs."""


@dataclass(frozen=True)
class Trial:
    """What was measured and what follows from it.

    Attributes:
        seconds_per_step: mean over a round of all kinds of steps.
        steps: of the whole training.
        seconds: of the whole training, without loading, samples and checkpoints.
        memory: most bytes that the process held, on the device if that is an accelerator. Images that stay in memory
            are not counted.
        device: where it ran.
    """

    seconds_per_step: float
    steps: int
    seconds: float
    memory: int
    device: str


def try_out(
    config: RunConfig, task: Task, data: DataSet, device: torch.device, own: CustomModel | None = None
) -> Trial:
    """Run a few steps of a training on real images in a new process; nothing is written.

    If the model is a custom model, `own` tells the process where it comes from. The keyboard does not reach the
    process, and it ends at once when this one does.

    Raises:
        UserError: for an image that cannot be read.
        TrainingError: if a step fails or the process dies, as it does where memory is too small.
    """
    some = few(data.restricted(task.domains), config)
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=in_child, args=(theirs,), daemon=True)
    with kept_from_children():
        process.start()
    theirs.close()
    try:
        ours.send_bytes(pickle.dumps((_work, own, config.name, config.settings(), task, some, str(device))))
        answer = ours.recv()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        process.join()
        raise TrainingError(f"its process died with status {process.exitcode} (out of memory?)") from None
    finally:
        process.kill()
        process.join()
    if isinstance(answer, Trial):
        return answer
    kind, text = answer
    raise kind(text)


def measure(
    config: RunConfig,
    task: Task,
    data: DataSet,
    device: torch.device,
    patience: float = PATIENCE,
    begin: Callable[[], object] = lambda: None,
) -> Trial:
    """Run the steps in this process, which is to be one of their own.

    A warm-up of `patience` seconds is enough. `begin` is called when all that only a first step takes is done.
    """
    config = resolved(config, device)
    train = config.train
    images = TrainingImages.load(
        data, config.data.train_split, Preprocess.of(config.data), config.data.zoom, config.data.flip
    ).on(device)
    translator = build_translator(config, task)
    translator.prepare(images.centered)
    memory_format = memory_format_of(train)
    translator.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
    optimizers, guard = build_optimizers(translator), FiniteGuard(device)
    size = images_per_step(config, translator) // translator.batch.images_per_item

    by_graphs = captured_steps(train.graphs, translator, optimizers, guard, lambda: autocast(train.precision, device))

    def run(step: int) -> None:
        batch = translator.batch.draw(images, task.domains, size, step).to(device, memory_format)
        batches = batch.split(train.accumulate)
        if by_graphs is not None:
            by_graphs(batches, step, 0.0)
        else:
            training_step(translator, optimizers, batches, step, guard, autocast(train.precision, device))
        if device.type != "cpu":
            torch.accelerator.synchronize(device)

    translator.train()
    with freed_memory_kept():
        for step in range(until_captured(translator) if by_graphs is not None else 0):
            run(step)
        begin()
        mean = _mean_seconds(translator, run, patience)
    steps, seconds = _whole(training_budget(config, translator), mean)
    return Trial(mean, steps, seconds, _most_memory(device), str(device))


def kinds_of_steps(translator: Translator) -> dict[tuple[str, ...], list[int]]:
    """Steps of one round, by the phases that run in them."""
    kinds: dict[tuple[str, ...], list[int]] = {}
    for step in range(math.lcm(*(phase.every for phase in translator.phases()))):
        running = tuple(phase.name for phase in translator.phases() if phase.runs_in(step))
        kinds.setdefault(running, []).append(step)
    return kinds


def _mean_seconds(translator: Translator, run: Callable[[int], None], patience: float = PATIENCE) -> float:
    kinds = kinds_of_steps(translator)
    seconds = [_seconds(run, steps[0], patience) * len(steps) for steps in kinds.values()]
    return sum(seconds) / sum(len(steps) for steps in kinds.values())


def _seconds(run: Callable[[int], None], step: int, patience: float) -> float:
    began = time.perf_counter()
    run(step)
    warming = time.perf_counter() - began
    if warming > patience:
        return warming
    began = time.perf_counter()
    for _ in range(TIMED):
        run(step)
    return (time.perf_counter() - began) / TIMED


def _whole(budget: TrainingBudget, mean: float) -> tuple[int, float]:
    """Steps and seconds of the whole training."""
    if budget.steps is not None:
        return budget.steps, budget.steps * mean
    seconds = budget.seconds or 0.0
    return math.ceil(seconds / mean), seconds


def few(data: DataSet, config: RunConfig) -> DataSet:
    """As many training images of each domain as a batch can hold."""
    split, size = config.data.train_split, config.train.batch_size
    return replace(data, splits={split: {domain: data.images(split, domain)[:size] for domain in data.domains}})


def _most_memory(device: torch.device) -> int:
    """Bytes; on CUDA with what its allocator keeps in reserve, without which the device has to do."""
    return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else most_resident()


def _work(
    connection: Connection,
    own: CustomModel | None,
    name: str,
    settings: Settings,
    task: Task,
    data: DataSet,
    device: str,
) -> None:
    """The life of the process: measure, tell, end."""
    model = {key: value for key, value in settings["model"].items() if key != "name"}
    try:
        if own is not None:
            require(own.source, own.sha256)
        config = run_config(name, {**settings, "model": model})
        connection.send(measure(config, task, data, torch.device(device)))
    except UserError as error:
        connection.send((UserError, str(error)))
    except (TrainingError, RuntimeError, MemoryError) as error:
        connection.send((TrainingError, str(error).strip().splitlines()[0] if str(error) else "out of memory"))
