"""Seconds and memory of the measures of sets at the size of published comparisons.

    python benchmarks/studies/set_speed.py                                # 5,000 images a side, 2,048 dimensions

Features are drawn at random. Seconds are of processor time, on as many threads as OMP_NUM_THREADS says; memory is the
largest resident size of the process so far, libraries included, which precision and its kin have reached first.
"""

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np

from i2i.metrics._arrays import Features
from i2i.metrics.sets.manifold import overlap
from i2i.metrics.sets.sliced import monge_distance

MEASURES: dict[str, Callable[[Features, Features], object]] = {
    "precision, recall, density, coverage": overlap,
    "MIND": monge_distance,
}


def main() -> None:
    """Print a line for each measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--dimensions", type=int, default=2048)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    one, other = (random.normal(size=(arguments.images, arguments.dimensions)).astype(np.float32) for _ in range(2))
    for name, measure in MEASURES.items():
        start = time.process_time()
        measure(one, other)
        seconds_taken, memory = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"{name:38} {seconds_taken:6.1f} s {memory / 1024:6.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
