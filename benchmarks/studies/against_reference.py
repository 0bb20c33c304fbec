"""A training step of CycleGAN or pix2pix beside that of the authors' code, which you have a copy of.

    OMP_NUM_THREADS=1 python benchmarks/studies/against_reference.py PATH [--models cyclegan,pix2pix] [--size 128]

PATH is a checkout of https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix, whose modules `options` and `models` are
imported from there. Both train the published networks on the same batch in turn, theirs as it comes (float32, NCHW),
ours with what `auto` chooses and in float32. Printed are the steps per second of theirs by the time of the process, and
how many times as many ours takes, by that and by the clock: the median of the rounds.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from i2i import registry
from i2i.data.batches import PairedBatch, UnpairedBatch
from i2i.errors import UserError
from i2i.training.device import autocast, choose_device, memory_format_of, resolved
from i2i.training.setup import run_config
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step
from i2i.training.trainer import build_translator
from i2i.translator import Task

THEIR_NAMES = {"cyclegan": "cycle_gan", "pix2pix": "pix2pix"}
BATCHES = {"cyclegan": UnpairedBatch, "pix2pix": PairedBatch}

Take = Callable[[], None]


def ours(name: str, size: int, images: torch.Tensor, precision: str) -> Take:
    """A step of this project on two images [2, 3, size, size]."""
    device = choose_device("cpu")
    settings = {"data": {"image_size": size}, "train": {"precision": precision, "batch_size": 1}}
    config = resolved(run_config(name, settings), device)
    layout = memory_format_of(config.train)
    task = Task.covering(registry.get(name).coverage, ("a", "b"), (size, size))
    translator = build_translator(config, task).train()
    translator.to(memory_format=layout)
    optimizers, guard = build_optimizers(translator), FiniteGuard(device)
    batch = BATCHES[name](images[:1], images[1:]).to(device, layout)

    def take() -> None:
        training_step(translator, optimizers, [batch], 0, guard, autocast(config.train.precision, device))

    return take


def theirs(name: str, size: int, images: torch.Tensor, folder: str) -> Take:
    """A step of the authors' code on the same images."""
    options: Any = import_module("options.train_options")
    models: Any = import_module("models")
    given = ["--dataroot", folder, "--checkpoints_dir", folder, "--name", name, "--model", THEIR_NAMES[name]]
    given += [
        "--crop_size",
        str(size),
        "--load_size",
        str(size),
        "--batch_size",
        "1",
        "--no_html",
        "--display_id",
        "-1",
    ]
    model = models.create_model(_parsed(options.TrainOptions(), given))
    data = {"A": images[:1], "B": images[1:], "A_paths": ["a"], "B_paths": ["b"]}

    def take() -> None:
        model.set_input(data)
        model.optimize_parameters()

    return take


def _parsed(options: Any, given: list[str]) -> Any:
    """Their options for a training on the CPU; arguments that a version of theirs lacks are left out."""
    before = sys.argv
    try:
        for extra in (["--gpu_ids", "-1"], []):
            sys.argv = ["train.py", *given, *extra]
            try:
                parsed = options.parse()
            except SystemExit:
                given = [word for word in given if word not in ("--display_id", "-1", "--no_html")]
                continue
            parsed.device = torch.device("cpu")
            return parsed
    finally:
        sys.argv = before
    raise UserError("the options of that checkout are not understood: it is to be pytorch-CycleGAN-and-pix2pix")


def ratios(reference: Take, own: Take, rounds: int, steps: int) -> tuple[float, float, float]:
    """Their steps per second of process time, and how many times as many ours are, by process time and by the clock."""
    reference()
    own()
    measured = [(_seconds(reference, steps), _seconds(own, steps)) for _ in range(rounds)]
    process, clock = (statistics.median(one[kind] / two[kind] for one, two in measured) for kind in (0, 1))
    return steps / statistics.median(one[0] for one, _ in measured), process, clock


def _seconds(take: Take, steps: int) -> tuple[float, float]:
    process, clock = time.process_time(), time.perf_counter()
    for _ in range(steps):
        take()
    return time.process_time() - process, time.perf_counter() - clock


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a line per model and precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--models", default=",".join(THEIR_NAMES))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2)
    options = parser.parse_args(arguments)
    sys.path.insert(0, str(options.path.absolute()))
    for name in options.models.split(","):
        images = torch.rand(2, 3, options.size, options.size) * 2 - 1
        with tempfile.TemporaryDirectory() as folder:
            reference = theirs(name, options.size, images, folder)
            for precision in ("auto", "fp32"):
                own = ours(name, options.size, images, precision)
                rate, process, clock = ratios(reference, own, options.rounds, options.steps)
                print(
                    f"{name} {options.size} px: theirs {rate:.3f} steps/s; ours in {precision} {process:.2f} times as "
                    f"many by process time, {clock:.2f} by the clock",
                    flush=True,
                )


if __name__ == "__main__":
    main()
