"""How much bfloat16 and channels-last gain over float32 and NCHW in training on a CPU, at the published widths.

    OMP_NUM_THREADS=1 python benchmarks/studies/training_speed.py [--size 128] [--rounds 3] [--models cyclegan]

All variants train the same model on the same batch in turn, so that a machine whose speed drifts slows all, and the
time of the process counts, which neighbours disturb less. Printed are images/s of float32 in NCHW, and by what factor
the others are faster: the median of the rounds, the smallest and the largest.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from i2i import registry
from i2i.data.decoding.images import Preprocess
from i2i.data.training_images import TrainingImages
from i2i.training.device import autocast, choose_device
from i2i.training.setup import run_config
from i2i.training.steps.nan_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step
from i2i.training.trainer import build_translator
from i2i.translator import Coverage, Task

BATCH_SIZES = {"pix2pix": 8, "stargan": 16}
PLAIN = (False, False)
VARIANTS_NAMED = {PLAIN: "fp32 NCHW", (False, True): "fp32 NHWC", (True, False): "bf16 NCHW", (True, True): "bf16 NHWC"}
VARIANTS = list(VARIANTS_NAMED)
"""Whether in bfloat16, and whether channels-last."""


def stepper(
    name: str, size: int, batch_size: int, device: torch.device, bf16: bool, channels_last: bool
) -> tuple[Callable[[], None], int]:
    """A function that runs as many steps as bring every phase once, and the images it trains on."""
    cls = registry.get(name)
    domains = ("a", "b", "c", "d", "e") if cls.coverage is Coverage.ALL else ("a", "b")
    config = run_config(name, {"data": {"image_size": size}, "train": {"batch_size": batch_size}})
    task = Task.covering(cls.coverage, domains, (size, size))
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    translator = build_translator(config, task).train()
    translator.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
    optimizers, guard = build_optimizers(translator), FiniteGuard(device)
    rng = np.random.default_rng(0)
    pixels = {domain: rng.integers(0, 256, (2, size, size, 3), dtype=np.uint8) for domain in domains}
    batch = cls.batch.draw(TrainingImages(pixels, Preprocess((size, size))), domains, batch_size, 0)
    batches = [batch.to(device, memory_format)]
    every = max(phase.every for phase in translator.phases())

    def run() -> None:
        for step in range(every):
            training_step(translator, optimizers, batches, step, guard, autocast("bf16" if bf16 else "fp32", device))
        if guard.fault():
            raise RuntimeError(f"{name} diverged")

    return run, every * batch_size * cls.batch.images_per_item


def seconds(run: Callable[[], None]) -> float:
    """Time of this process for one call."""
    started = time.process_time()
    run()
    return time.process_time() - started


def main() -> None:
    """Measure and print one line per model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--models", default=",".join(name for name in registry.names() if registry.get(name).generators)
    )
    parser.add_argument("--batch", type=int, help="by default 8 for pix2pix, 16 for stargan, else 1")
    options = parser.parse_args()
    device = choose_device("cpu")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.size} px, against fp32 NCHW")
    for name in options.models.split(","):
        batch_size = options.batch or BATCH_SIZES.get(name, 1)
        built = {variant: stepper(name, options.size, batch_size, device, *variant) for variant in VARIANTS}
        for run, _ in built.values():
            run()
        rounds = [{variant: seconds(run) for variant, (run, _) in built.items()} for _ in range(options.rounds)]
        _, images = built[PLAIN]
        told = f"{images / min(times[PLAIN] for times in rounds):.2f} images/s"
        for variant in VARIANTS[1:]:
            ratios = sorted(times[PLAIN] / times[variant] for times in rounds)
            told += f", {VARIANTS_NAMED[variant]} {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"{name:10} batch {batch_size}: {told}", flush=True)


if __name__ == "__main__":
    main()
