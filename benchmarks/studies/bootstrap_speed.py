"""Time of a thousand bootstrap resamples of the Frechet distance, and of its intervals.

    python benchmarks/studies/bootstrap_speed.py        # 200 images a side, 2048 features, one core: ten seconds
    python benchmarks/studies/bootstrap_speed.py --images 400 --dimensions 512

Three ways: resampling the Gram matrices (`ResampledFrechet`), the low-rank distance of the drawn features, timed on a
twentieth of the resamples, and the whole of `frechet_intervals`. Features are random and not negative.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from i2i.metrics.frechet import frechet_distance_low_rank
from i2i.metrics.frechet_interval import ResampledFrechet, frechet_intervals

Array = NDArray[np.float64]


def main() -> None:
    """Print one line for each way."""
    arguments = _arguments()
    images, resamples = arguments.images, arguments.resamples
    random = np.random.default_rng(0)
    fake, real = (np.maximum(random.standard_normal((images, arguments.dimensions)) + s, 0.0) for s in (0.1, 0.0))
    draws = random.integers(0, images, (resamples, 2, images))
    few = max(resamples // 20, 1)
    print(f"{images} images a side, {arguments.dimensions} dimensions, {resamples} resamples")
    gram = _seconds(lambda: _by_gram(fake, real, draws))
    plain = _seconds(lambda: [frechet_distance_low_rank(fake[i], real[j]) for i, j in draws[:few]]) * resamples / few
    whole = _seconds(lambda: frechet_intervals(fake, real, resamples=resamples))
    print(f"Gram matrices     {gram:8.2f} s")
    print(f"drawn features    {plain:8.2f} s")
    print(f"frechet_intervals {whole:8.2f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--dimensions", type=int, default=2048)
    parser.add_argument("--resamples", type=int, default=1000)
    return parser.parse_args()


def _by_gram(fake: Array, real: Array, draws: NDArray[np.int64]) -> list[float]:
    distance_of = ResampledFrechet(fake, real)
    return [distance_of(i, j) for i, j in draws]


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
