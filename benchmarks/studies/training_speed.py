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

import torch

from i2i import registry
from i2i.benchmarks.studies.steps.variants import Steps, Variant
from i2i.training.device import choose_device
from i2i.utils.memory import freed_memory_kept

BATCH_SIZES = {"pix2pix": 8, "stargan": 16}
VARIANTS = {
    "fp32 NCHW": Variant(channels_last=False),
    "fp32 NHWC": Variant(),
    "bf16 NCHW": Variant("bf16", channels_last=False),
    "bf16 NHWC": Variant("bf16"),
}
PLAIN = "fp32 NCHW"


def stepper(
    name: str, size: int, batch_size: int, device: torch.device, variant: Variant
) -> tuple[Callable[[], None], int]:
    """A function that runs a round of all phases, always on the same batch, and how many images that shows."""
    settings = {"data": {"image_size": size}, "train": {"batch_size": batch_size}}
    steps = Steps(name, settings, variant, device)
    batches = steps.draw(0)

    def run() -> None:
        for step in range(steps.round):
            steps.take(batches, step)
        if steps.guard.fault():
            raise RuntimeError(f"{name} diverged")

    return run, steps.round * batch_size * steps.translator.batch.images_per_item


def seconds(run: Callable[[], None]) -> float:
    """Time of this process for one call."""
    started = time.process_time()
    run()
    return time.process_time() - started


def measured(name: str, options: argparse.Namespace) -> str:
    """How fast the first variant is, and by what factor the others are faster."""
    device = choose_device("cpu")
    batch_size = options.batch or BATCH_SIZES.get(name, 1)
    built = {label: stepper(name, options.size, batch_size, device, variant) for label, variant in VARIANTS.items()}
    for run, _ in built.values():
        run()
    rounds = [{variant: seconds(run) for variant, (run, _) in built.items()} for _ in range(options.rounds)]
    _, images = built[PLAIN]
    label = f"batch {batch_size}: {images / min(times[PLAIN] for times in rounds):.2f} images/s"
    for variant in list(VARIANTS)[1:]:
        ratios = sorted(times[PLAIN] / times[variant] for times in rounds)
        label += f", {variant} {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    return label


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
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.size} px, against fp32 NCHW")
    with freed_memory_kept():  # as in a training
        for name in options.models.split(","):
            print(f"{name:10} {measured(name, options)}", flush=True)


if __name__ == "__main__":
    main()
