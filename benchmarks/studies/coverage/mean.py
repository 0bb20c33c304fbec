"""How often the intervals for means and shares over images cover the truth, beside the ways not taken.

    python benchmarks/studies/coverage/mean.py        # 300 simulations a line: one to two minutes

Scores are drawn from distributions whose mean is known; the level is 0.95. `percentile` and `BCa` are SciPy's, whose
resamples are not seeded here.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from i2i.metrics.bootstrap import mean_interval, share_interval

Array = NDArray[np.floating[Any]]
Draw = Callable[[np.random.Generator, int], Array]

MEANS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda random, n: random.standard_normal(n), 0.0),
    "lognormal": (lambda random, n: random.lognormal(0.0, 0.5, n), float(np.exp(0.125))),
    "exponential": (lambda random, n: random.exponential(size=n), 1.0),
}
SHARES = (0.6, 0.9, 0.98)


def main() -> None:
    """Print one line for each distribution and number of images."""
    arguments = _arguments()
    print(f"{'scores':>11} {'n':>4} {'percentile':>10} {'BCa':>6} {'ours':>6}")
    random = np.random.default_rng(0)
    for n in arguments.images:
        for name, (draw, mean) in MEANS.items():
            samples = [draw(random, n) for _ in range(arguments.simulations)]
            ours = [_of_mean(sample, arguments.resamples) for sample in samples]
            _print(name, n, samples, ours, mean, arguments.resamples)
        for share in SHARES:
            samples = [(random.random(n) < share).astype(float) for _ in range(arguments.simulations)]
            _print(f"{share:.0%} right", n, samples, [_of_share(each) for each in samples], share, arguments.resamples)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, nargs="+", default=[20, 60, 200])
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=300)
    return parser.parse_args()


def _print(
    name: str, n: int, samples: list[Array], ours: list[tuple[float, float]], truth: float, resamples: int
) -> None:
    columns = [[_by_scipy(sample, method, resamples) for sample in samples] for method in ("percentile", "BCa")]
    shares = [np.mean([low <= truth <= high for low, high in column]) for column in (*columns, ours)]
    print(f"{name:>11} {n:4d} {shares[0]:10.3f} {shares[1]:6.3f} {shares[2]:6.3f}", flush=True)


def _by_scipy(sample: Array, method: str, resamples: int) -> tuple[float, float]:
    if np.ptp(sample) == 0:
        return float(sample[0]), float(sample[0])
    found = stats.bootstrap((sample,), np.mean, method=method, n_resamples=resamples, vectorized=True)
    return found.confidence_interval.low, found.confidence_interval.high


def _of_mean(sample: Array, resamples: int) -> tuple[float, float]:
    found = mean_interval(sample, resamples=resamples)
    return found.low, found.high


def _of_share(sample: Array) -> tuple[float, float]:
    found = share_interval(int(sample.sum()), len(sample))
    return found.low, found.high


if __name__ == "__main__":
    main()
