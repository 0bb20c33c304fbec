"""How often tests of ranks over data sets tell equal methods apart, at a level of 0.05.

python benchmarks/studies/rank_errors.py        # a minute
"""

import argparse

import numpy as np
from scipy import stats

from i2i.benchmarks.analysis.rank_tests import rank_test, ranks, too_few
from i2i.metrics.significance import LEVEL


def main() -> None:
    """Print a line for each number of methods and data sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--methods", type=int, nargs="+", default=[3, 6, 10])
    parser.add_argument("--sets", type=int, nargs="+", default=[5, 6, 8, 10, 20])
    parser.add_argument("--simulations", type=int, default=2000)
    given = parser.parse_args()
    print(f"{'methods':>7} {'sets':>5} {'chi-square':>10} {'F':>6} {'Nemenyi':>8}")
    for methods in given.methods:
        for sets in (sets for sets in given.sets if not too_few(sets, methods)):
            found = np.array([_distinguished(sets, methods, seed) for seed in range(given.simulations)]).mean(0)
            print(f"{methods:7d} {sets:5d} {found[0]:10.3f} {found[1]:6.3f} {found[2]:8.3f}", flush=True)


def _distinguished(sets: int, methods: int, seed: int) -> tuple[bool, bool, bool]:
    """Whether chi-square, F, and the critical difference of the best and the worst find a difference."""
    ranked = ranks(np.random.default_rng(seed).random((sets, methods)), True)
    found, means = rank_test(ranked), ranked.mean(0)
    chi = bool(stats.chi2.sf(found.chi_square, methods - 1) <= LEVEL)
    return chi, found.p <= LEVEL, bool(np.ptp(means) >= found.critical_difference)


if __name__ == "__main__":
    main()
