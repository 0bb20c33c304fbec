"""How much bfloat16 and channels-last gain over float32 and NCHW in training, at the published widths.

    python benchmarks/studies/training_speed.py [--size 128] [--pairs 5] [--models pix2pix,cyclegan,stargan] [--batch 8]

Both variants train the same model on the same batch in turn, so that a machine whose speed drifts slows both.
Printed are images/s and the ratio, pair by pair: its median, smallest and largest.
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
from i2i.training.nan_guard import FiniteGuard
from i2i.training.setup import run_config
from i2i.training.step import build_optimizers, training_step
from i2i.training.trainer import build_translator
from i2i.translator import Coverage, Task

BATCH_SIZES = {"pix2pix": 8, "cyclegan": 1, "stargan": 16}


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
    """Wall-clock time of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print one line per model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--models", default="pix2pix,cyclegan,stargan")
    parser.add_argument("--batch", type=int, help="by default 8 for pix2pix, 1 for cyclegan, 16 for stargan")
    parser.add_argument("--device")
    options = parser.parse_args()
    device = choose_device(options.device)
    print(f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads, {options.size} px")
    for name in options.models.split(","):
        batch_size = options.batch or BATCH_SIZES[name]
        fast, images = stepper(name, options.size, batch_size, device, bf16=True, channels_last=True)
        plain, _ = stepper(name, options.size, batch_size, device, bf16=False, channels_last=False)
        fast(), plain()
        pairs = [(seconds(fast), seconds(plain)) for _ in range(options.pairs)]
        ratios = sorted(slow / quick for quick, slow in pairs)
        quickest, plainest = (images / min(times) for times in zip(*pairs, strict=True))
        print(
            f"{name:9} batch {batch_size}: "
            f"bf16 channels-last {quickest:.2f} images/s, fp32 NCHW {plainest:.2f} images/s, "
            f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
