"""Time of the Frechet distance: SciPy's matrix square root against `i2i.metrics.frechet`.

    python benchmarks/studies/frechet_speed.py        # 3000 and 500 images, 2048 features: half a minute
    python benchmarks/studies/frechet_speed.py --images 200 --dimensions 512

Features are random but shaped like Inception's: not negative, correlated, with a spectrum that
falls as a power law. Both columns start from features and do all the work, covariances included.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from i2i.metrics.frechet import frechet_distance_between

Array = NDArray[np.float64]


def main() -> None:
    """Print one line for each number of images."""
    arguments = _arguments()
    print(f"{'images':>7} {'dims':>5} {'sqrtm s':>9} {'ours s':>9} {'ratio':>8} {'difference':>11}")
    for images in arguments.images:
        real, fake = _pair(images, arguments.dimensions)
        reference, slow = _timed(_by_sqrtm, real, fake, repeats=1)
        distance, fast = _timed(frechet_distance_between, real, fake, repeats=arguments.repeats)
        difference = abs(distance - reference) / reference
        print(
            f"{images:7d} {arguments.dimensions:5d} {slow:9.3f} {fast:9.3f} {slow / fast:7.1f}x {difference:11.1e}",
            flush=True,
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, nargs="+", default=[3000, 500])
    parser.add_argument("--dimensions", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours; the fastest counts")
    return parser.parse_args()


def _pair(images: int, dimensions: int) -> tuple[Array, Array]:
    """Features of two related sets, each [images, dimensions]."""
    random = np.random.default_rng(0)
    spectrum = np.arange(1, dimensions + 1) ** -0.5
    mixing = spectrum[:, None] * random.standard_normal((dimensions, dimensions))
    real = random.standard_normal((images, dimensions)) @ mixing
    fake = random.standard_normal((images, dimensions)) @ mixing + 0.1
    return np.maximum(real, 0.0), np.maximum(fake, 0.0)


def _by_sqrtm(x: Array, y: Array) -> float:
    covariance_x, covariance_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.real(np.trace(scipy.linalg.sqrtm(covariance_x @ covariance_y)))
    shift = x.mean(axis=0) - y.mean(axis=0)
    return float(shift @ shift + np.trace(covariance_x) + np.trace(covariance_y) - 2 * root)


def _timed(function: Callable[[Array, Array], float], x: Array, y: Array, *, repeats: int) -> tuple[float, float]:
    """The function's value and the seconds of its fastest run."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        value = function(x, y)
        seconds.append(time.perf_counter() - start)
    return value, min(seconds)


if __name__ == "__main__":
    main()
