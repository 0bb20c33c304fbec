"""How often the intervals of a human study cover the truth, with simulated raters of known skill.

    python benchmarks/studies/coverage/rater.py        # 300 simulations a line: about two minutes

A rater takes an image for the real one with the chance logistic(mean + spread * z), z normal and the rater's own; the
truth is its mean over all such raters. `binomial` counts every answer as drawn by itself (Wilson's interval). Below
stand Bradley-Terry scores of five methods whose log-odds differ between raters in the same way.
"""

import argparse
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from i2i.benchmarks.human_study.rater_statistics import Choices, rate_interval, scores
from i2i.metrics.bootstrap import share_interval

MEANS = (0.0, -1.0, -2.5)
SPREADS = (0.0, 0.5, 1.0)
STRENGTHS = np.array([1.0, 0.5, 0.0, -0.5, -1.0])
PAIRS = list(combinations(range(len(STRENGTHS)), 2))


def main() -> None:
    """Print a line for each kind of raters and their number."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--raters", type=int, nargs="+", default=[15, 30, 60])
    parser.add_argument("--answers", type=int, default=7, help="of each rater about a method")
    parser.add_argument("--simulations", type=int, default=300)
    given = parser.parse_args()
    print(f"{'raters':>6} {'mean':>6} {'spread':>6} {'truth':>6} {'binomial':>8} {'ours':>6}")
    for raters in given.raters:
        for mean in MEANS:
            for spread in SPREADS:
                case = raters, given.answers, mean, spread, given.simulations
                binomial, ours = rates(*case, plain=True), rates(*case)
                truth = _true_rate(mean, spread)
                print(f"{raters:6d} {mean:6.1f} {spread:6.1f} {truth:6.3f} {binomial:8.3f} {ours:6.3f}", flush=True)
    print(f"\n{'raters':>6} {'spread':>6} {'scores':>6}")
    for raters in given.raters:
        for spread in SPREADS:
            print(f"{raters:6d} {spread:6.1f} {strengths(raters, 36, spread, given.simulations):6.3f}", flush=True)


def rates(
    raters: int, answers: int, mean: float, spread: float, simulations: int, seed: int = 0, plain: bool = False
) -> float:
    """The share of intervals for a rate that cover it; `plain` for binomial ones."""
    random, truth = np.random.default_rng(seed), _true_rate(mean, spread)
    held = 0
    for _ in range(simulations):
        asked = random.integers(max(1, answers - 1), answers + 2, raters)
        hits = random.binomial(asked, _logistic(mean + spread * random.standard_normal(raters)))
        found = share_interval(int(hits.sum()), int(asked.sum())) if plain else rate_interval(hits, asked)
        held += found is not None and found.low <= truth <= found.high
    return held / simulations


def strengths(raters: int, answers: int, spread: float, simulations: int, seed: int = 0) -> float:
    """The share of intervals for scores that cover them, over all methods."""
    random = np.random.default_rng(seed)
    truth = [one.estimate for one in scores(_preferences(random, 20_000, answers, spread))] if spread else STRENGTHS
    held = 0
    for _ in range(simulations):
        found = scores(_preferences(random, raters, answers, spread))
        held += sum(one.low <= true <= one.high for one, true in zip(found, truth, strict=True))
    return held / (simulations * len(STRENGTHS))


def _preferences(random: np.random.Generator, raters: int, answers: int, spread: float) -> Choices:
    members = np.zeros((len(PAIRS), len(STRENGTHS)), bool)
    for row, pair in enumerate(PAIRS):
        members[row, list(pair)] = True
    shown = random.multinomial(answers, np.full(len(PAIRS), 1 / len(PAIRS)), raters)
    own = STRENGTHS + spread * random.standard_normal((raters, len(STRENGTHS)))
    wins = np.zeros((raters, len(STRENGTHS)), int)
    for place, (one, other) in enumerate(PAIRS):
        first = random.binomial(shown[:, place], _logistic(own[:, one] - own[:, other]))
        wins[:, one] += first
        wins[:, other] += shown[:, place] - first
    return Choices(members, shown, wins)


def _true_rate(mean: float, spread: float) -> float:
    z = np.linspace(-8, 8, 4001)
    return float(np.average(_logistic(mean + spread * z), weights=np.exp(-(z**2) / 2)))


def _logistic(x: NDArray[np.floating]) -> NDArray[np.floating]:
    found: NDArray[np.floating] = 1 / (1 + np.exp(-x))
    return found


if __name__ == "__main__":
    main()
