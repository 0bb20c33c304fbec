"""What answers of raters say, who differ: rates with intervals, and tests, over raters and not over answers.

Answers of one rater are alike, so an interval that counts every answer as drawn by itself is too narrow. Here raters
are what is drawn: they are resampled with all their answers (cluster bootstrap). docs/human_study.md has the coverage.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from i2i.metrics.bootstrap import LEVEL, Interval
from i2i.metrics.significance import sign_flip

Counts = NDArray[np.integer]
Array = NDArray[np.floating]
RESAMPLES = 1000
MOST_STEPS = 2000
CONVERGED = 1e-8
PRIOR = 0.5
"""Wins, and losses, of every method against an average one, added so that no score is infinite."""


def rate_interval(hits: Counts, answers: Counts, *, level: float = LEVEL, seed: int = 0) -> Interval | None:
    """The share of hits among all answers, and its interval over raters.

    Wilson's interval, at the number of independent answers that would scatter as much as the share does over resamples
    of the raters, with Student's quantile for their number; for the number of answers where raters do not differ by
    more than chance, so that each answer counts. It has a length also where nobody, or everybody, hits.

    Args:
        hits: [n], of each rater.
        answers: [n], of each rater, 0 for one who was not asked.
        level: nominal coverage.
        seed: of the resamples.

    Returns:
        None with fewer than two raters who were asked.
    """
    asked = answers > 0
    hits, answers = hits[asked], answers[asked]
    n, total = len(hits), int(answers.sum())
    if n < 2:
        return None
    share = float(hits.sum() / total)
    drawn = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))
    shares = hits[drawn].sum(1) / answers[drawn].sum(1)
    variance = float(shares.var(ddof=1)) * n / (n - 1)
    independent = min(total, share * (1 - share) / variance) if variance > 0 else total
    quantile = float(stats.t.ppf((1 + level) / 2, (n if independent < total else total) - 1))
    return Interval(share, *_wilson(share, independent, quantile), level)


def _wilson(share: float, n: float, quantile: float) -> tuple[float, float]:
    square = quantile**2 / n
    center, half = share + square / 2, np.sqrt(square * share * (1 - share) + square**2 / 4)
    return max(0.0, float((center - half) / (1 + square))), min(1.0, float((center + half) / (1 + square)))


def chance_test(hits: Counts, expected: Array) -> float | None:
    """P-value of as many hits as by chance: each rater's excess could as well have the other sign.

    Args:
        hits: [n], of each rater.
        expected: [n], hits of one who guesses; 0 for one who was not asked.

    Returns:
        None with fewer than two raters who were asked.
    """
    asked = expected > 0
    if asked.sum() < 2:
        return None
    return sign_flip(hits[asked].astype(float), expected[asked])


@dataclass(frozen=True)
class Choices:
    """Choices of one method out of several, by rater.

    Attributes:
        members: bool [s, m], which methods were to choose from in each kind of set.
        shown: [n, s], how often each rater saw each.
        wins: [n, m], how often each rater chose each method.
    """

    members: NDArray[np.bool_]
    shown: Counts
    wins: Counts


def scores(choices: Choices, *, level: float = LEVEL, seed: int = 0) -> list[Interval]:
    """Bradley-Terry scores of all methods, log-odds with mean 0, with intervals over raters.

    Between two methods the model is Bradley and Terry, "Rank Analysis of Incomplete Block Designs", 1952; among more,
    Luce's choice axiom: the chance of method i is exp(score i) over the sum of all that are shown. The interval has the
    standard deviation over resamples of the raters and Student's quantile for their number.

    Args:
        choices: of at least two raters.
        level: nominal coverage.
        seed: of the resamples.
    """
    n = len(choices.wins)
    drawn = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))
    weights = np.stack([np.bincount(row, minlength=n) for row in drawn])
    every = np.concatenate([np.ones((1, n), int), weights])
    fitted = _fitted(choices.members, every @ choices.shown, every @ choices.wins)
    error = fitted[1:].std(0, ddof=1) * np.sqrt(n / (n - 1))
    margin = float(stats.t.ppf((1 + level) / 2, n - 1)) * error
    return [
        Interval(float(score), float(score - by), float(score + by), level)
        for score, by in zip(fitted[0], margin, strict=True)
    ]


def _fitted(members: NDArray[np.bool_], shown: Counts, wins: Counts) -> Array:
    """Scores [b, m] by Hunter's MM algorithm, "MM Algorithms for Generalized Bradley-Terry Models", 2004.

    Args:
        members: [s, m].
        shown: [b, s].
        wins: [b, m].
    """
    inside = members.astype(float)
    strength = np.ones(wins.shape)
    for _ in range(MOST_STEPS):
        chance = shown / (strength @ inside.T)
        new = (wins + PRIOR) / (chance @ inside + 2 * PRIOR / (strength + 1))
        new /= np.exp(np.log(new).mean(1, keepdims=True))
        change = np.abs(np.log(new / strength)).max()
        strength = new
        if change < CONVERGED:
            break
    logs: Array = np.log(strength)
    return logs
