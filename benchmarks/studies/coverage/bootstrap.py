"""How often the intervals for the Frechet distance cover what they should, by simulation.

    python benchmarks/studies/coverage/bootstrap.py                            # 200 simulations a line: four minutes
    python benchmarks/studies/coverage/bootstrap.py --cases 64x128 256x100 --simulations 60 --resamples 100

Each line draws pairs of samples from two distributions whose Frechet distance is known in closed form. Noise is
normal, or exponential for a heavy tail; variances are equal in all dimensions or fall as 1/k. Columns: what share of
the 0.95 intervals held the true distance, for the two textbook intervals and for `in_the_limit`; and the mean
distance at this size, for `at_this_size` (that mean is taken over the same simulations).
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i.metrics.bootstrap import Interval
from i2i.metrics.frechet import Moments, frechet_distance
from i2i.metrics.frechet_interval import FrechetIntervals, Reals, ResampledFrechet, frechet_intervals

Array = NDArray[np.floating[Any]]
Noise = Callable[[np.random.Generator, tuple[int, int]], Array]
NOISES: dict[str, Noise] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "exponential": lambda random, shape: random.exponential(size=shape) - 1.0,
}
SETTINGS: list[tuple[str, float, Reals]] = [
    ("normal", 0.0, "drawn"),
    ("normal", 1.0, "drawn"),
    ("exponential", 1.0, "drawn"),
    ("normal", 1.0, "paired"),
    ("normal", 1.0, "fixed"),
]


@dataclass(frozen=True)
class Populations:
    """Two distributions with independent features: means, deviations, and what noise they are made of."""

    mean: Array
    std_fake: Array
    std_real: Array
    noise: Noise

    @classmethod
    def of(cls, dimensions: int, decay: float, noise: str) -> "Populations":
        """Variances that fall as k^-decay; the fakes' are 0.7 and 1.5 of the reals' in turn, the mean is off by 0.6."""
        real = np.arange(1, dimensions + 1) ** (-decay / 2)
        ratio = np.sqrt(np.where(np.arange(dimensions) % 2, 1.5, 0.7))
        return cls(np.where(np.arange(dimensions) < 4, 0.3, 0.0), real * ratio, real, NOISES[noise])

    def distance(self) -> float:
        """The true one: covariances are diagonal, so |mean|^2 + |difference of deviations|^2."""
        return float(np.square(self.mean).sum() + np.square(self.std_fake - self.std_real).sum())

    def distance_to(self, real: Array) -> float:
        """From the distribution of the fakes to this very sample of reals."""
        fake = Moments(len(self.mean))
        fake.n = 10**9  # as good as a distribution: every direction is filled
        fake.mean, fake.scatter = self.mean, np.diag(self.std_fake**2) * (fake.n - 1)
        return frechet_distance(fake, Moments.of(real))

    def draw(self, n: int, reals: Reals, random: np.random.Generator) -> tuple[Array, Array]:
        """Features [n, d] of fakes and reals; of pairs, four fifths of the noise is common."""
        fake, real = (self.noise(random, (n, len(self.mean))) for _ in range(2))
        if reals == "paired":
            real = 0.8 * fake + 0.6 * real
        return self.mean + fake * self.std_fake, real * self.std_real


def main() -> None:
    """Print one line for each case and setting."""
    arguments = _arguments()
    print(f"{'d':>4} {'n':>4} {'noise':>11} {'decay':>5} {'reals':>6}", end="")
    print(f" {'true':>7} {'reported':>8} {'corrected':>9} | quantiles  reflected  in_the_limit | at_this_size")
    for case in arguments.cases:
        dimensions, n = map(int, case.split("x"))
        for noise, decay, reals in SETTINGS:
            line = _measure(Populations.of(dimensions, decay, noise), n, reals, arguments)
            print(f"{dimensions:4d} {n:4d} {noise:>11} {decay:5.1f} {reals:>6} {line}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--cases",
        nargs="+",
        default=["16x100", "32x64"],
        help="dimensions x images",
    )
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=200)
    return parser.parse_args()


@dataclass(frozen=True)
class _Simulation:
    truth: float
    quantiles: Interval
    reflected: Interval
    found: FrechetIntervals


def _measure(populations: Populations, n: int, reals: Reals, arguments: argparse.Namespace) -> str:
    rows = list(_simulate(populations, n, reals, arguments))
    truth = np.mean([row.truth for row in rows])
    reported = np.mean([row.found.at_this_size.estimate for row in rows])
    quantiles = np.mean([_covers(row.quantiles, row.truth) for row in rows])
    reflected = np.mean([_covers(row.reflected, row.truth) for row in rows])
    limits = [(row.found.in_the_limit, row.truth) for row in rows]
    covered = np.mean([_covers(interval, truth) if interval else np.nan for interval, truth in limits])
    corrected = np.mean([interval.estimate if interval else np.nan for interval, _ in limits])
    # Where the reals are fixed, each simulation has its own, and so a mean of its own.
    at_this_size = np.mean([reals == "fixed" or _covers(row.found.at_this_size, reported) for row in rows])
    last = f"{'–':>12}" if reals == "fixed" else f"{at_this_size:12.3f}"
    return (
        f"{truth:7.3f} {reported:8.3f} {corrected:9.3f} | {quantiles:9.3f} {reflected:10.3f} {covered:13.3f} | {last}"
    )


def _simulate(populations: Populations, n: int, reals: Reals, arguments: argparse.Namespace) -> Iterator[_Simulation]:
    random = np.random.default_rng(0)
    for seed in range(arguments.simulations):
        fake, real = populations.draw(n, reals, random)
        found = frechet_intervals(fake, real, reals=reals, resamples=arguments.resamples, seed=seed)
        distance_of, distance = ResampledFrechet(fake, real), found.at_this_size.estimate
        drawn = [distance_of(*_rows(n, reals, random)) for _ in range(arguments.resamples)]
        low, high = np.quantile(drawn, [0.025, 0.975])
        yield _Simulation(
            truth=populations.distance_to(real) if reals == "fixed" else populations.distance(),
            quantiles=Interval(distance, low, high, 0.95),
            reflected=Interval(distance, 2 * distance - high, 2 * distance - low, 0.95),
            found=found,
        )


def _rows(n: int, reals: Reals, random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    fakes = random.integers(0, n, n)
    return fakes, {"drawn": random.integers(0, n, n), "paired": fakes, "fixed": np.arange(n)}[reals]


def _covers(interval: Interval, truth: Any) -> bool:
    return bool(interval.low <= truth <= interval.high)


if __name__ == "__main__":
    main()
