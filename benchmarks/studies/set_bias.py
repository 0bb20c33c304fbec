"""How far measures of sets are from their limit at few images, for two sets of one distribution and a shifted one.

    python benchmarks/studies/set_bias.py

Features are normal, d wide, with variances 1/k as those of networks fall; the shift is 0.3 of a std in each.
"""

import argparse

import numpy as np
import torch

from i2i.metrics.frechet import frechet_distance_between
from i2i.metrics.kernel import kernel_distance
from i2i.metrics.sets.cmmd import cmmd
from i2i.metrics.sets.manifold import overlap
from i2i.metrics.sets.sliced import monge_distance
from i2i.metrics.sets.wavelet import wavelet_distance

COUNTS = (30, 60, 200, 1000)


def features(random: np.random.Generator, count: int, width: int, shift: float) -> np.ndarray:
    """Normal features [count, width] whose k-th variance is 1/k."""
    stds = np.arange(1, width + 1) ** -0.5
    return (random.standard_normal((count, width)) + shift) * stds


def images(random: np.random.Generator, count: int, shift: float) -> torch.Tensor:
    """Noise of two sizes, uint8 [count, 3, 32, 32], lighter by the shift."""
    coarse = random.standard_normal((count, 3, 4, 4)).repeat(8, axis=2).repeat(8, axis=3)
    fine = random.standard_normal((count, 3, 32, 32))
    return torch.from_numpy(np.clip(128 + 40 * (coarse + shift) + 20 * fine, 0, 255).astype(np.uint8))


def measured(random: np.random.Generator, count: int, width: int, shift: float) -> dict[str, float]:
    """Every measure of two sets of so many images, the second shifted."""
    x, y = features(random, count, width, 0.0), features(random, count, width, shift)
    overlaps = overlap(x, y)
    return {
        "FD": frechet_distance_between(x, y),
        "KID": kernel_distance(x, y, subsets=2).value,
        "MIND": monge_distance(x, y, directions=200),
        "CMMD": cmmd(x, y),
        "FWD": wavelet_distance(images(random, count, 0.0), images(random, count, shift)),
        "precision": overlaps.precision,
        "recall": overlaps.recall,
        "density": overlaps.density,
        "coverage": overlaps.coverage,
    }


def main() -> None:
    """Print a row per number of images and shift."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--simulations", type=int, default=20)
    options = parser.parse_args()
    for shift in (0.0, 0.3):
        for count in COUNTS:
            random = np.random.default_rng(0)
            runs = [measured(random, count, options.width, shift) for _ in range(options.simulations)]
            cells = {name: [run[name] for run in runs] for name in runs[0]}
            row = " | ".join(f"{np.mean(own):.4g} ± {np.std(own, ddof=1):.2g}" for own in cells.values())
            print(f"{', '.join(cells)}\n" * (shift == 0 and count == COUNTS[0]) + f"| {shift:g} | {count} | {row} |")


if __name__ == "__main__":
    main()
