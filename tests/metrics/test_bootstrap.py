"""Intervals for means cover them as often as they say, and stand still where nothing varies."""

import numpy as np
import pytest

from i2i.metrics.bootstrap import Interval, mean_interval, share_interval


def covers(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def test_interval_lies_around_the_mean_and_a_higher_level_is_wider() -> None:
    scores = np.random.default_rng(0).normal(25.0, 3.0, 60)
    narrow, wide = mean_interval(scores, level=0.8), mean_interval(scores, level=0.99)
    assert narrow.estimate == pytest.approx(scores.mean())
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high
    assert narrow.level == 0.8


def test_interval_of_many_normal_scores_is_the_normal_one() -> None:
    scores = np.random.default_rng(1).normal(0.0, 1.0, 2000)
    error = scores.std(ddof=1) / np.sqrt(2000)
    found = mean_interval(scores, resamples=4000)
    assert found.low == pytest.approx(scores.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(scores.mean() + 1.96 * error, abs=0.15 * error)


def test_interval_of_skewed_scores_reaches_further_into_the_tail() -> None:
    scores = np.random.default_rng(2).exponential(size=40)
    found = mean_interval(scores)
    assert found.high - found.estimate > 1.2 * (found.estimate - found.low)


def test_interval_moves_and_stretches_with_the_scores() -> None:
    scores = np.random.default_rng(3).normal(size=30)
    plain, moved = mean_interval(scores), mean_interval(3 * scores + 10)
    assert [moved.low, moved.high] == pytest.approx([3 * plain.low + 10, 3 * plain.high + 10])


def test_interval_of_few_scores_is_students() -> None:
    found = mean_interval([1.0, 2.0, 6.0])
    margin = 4.302653 * np.sqrt(7.0) / np.sqrt(3)  # t of 2 degrees; the variance is (4 + 1 + 9) / 2
    assert [found.low, found.high] == pytest.approx([3.0 - margin, 3.0 + margin])


def test_resamples_of_one_value_are_left_out() -> None:
    found = mean_interval([0.0] * 11 + [1.0])
    assert np.isfinite([found.low, found.high]).all()


@pytest.mark.parametrize("n", [2, 20])
def test_equal_scores_have_an_interval_of_no_length(n: int) -> None:
    found = mean_interval(np.full(n, 0.5))
    assert (found.low, found.high) == (0.5, 0.5)


def test_the_seed_decides_the_resamples() -> None:
    scores = np.random.default_rng(4).normal(size=30)
    assert mean_interval(scores) == mean_interval(scores, seed=0)
    assert mean_interval(scores) != mean_interval(scores, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("skew", ["normal", "lognormal"])
def test_mean_intervals_cover_the_mean(skew: str) -> None:
    random = np.random.default_rng(5)
    draw, truth = {
        "normal": (lambda: random.standard_normal(20), 0.0),
        "lognormal": (lambda: random.lognormal(0.0, 0.5, 20), np.exp(0.125)),
    }[skew]
    covered = np.mean([covers(mean_interval(draw(), resamples=300), truth) for _ in range(400)])
    assert 0.91 <= covered <= 0.98


def test_share_interval_is_wilsons() -> None:
    """Its ends are the roots of (share - p)^2 = z^2 p (1 - p) / n."""
    found = share_interval(45, 60)
    for end in (found.low, found.high):
        assert (0.75 - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / 60, rel=1e-5)
    assert found.estimate == 0.75


def test_share_interval_keeps_its_length_where_all_images_are_right() -> None:
    found = share_interval(60, 60)
    assert found.high == pytest.approx(1.0)
    assert found.low == pytest.approx(0.9398, abs=1e-3)


@pytest.mark.integration
@pytest.mark.parametrize("truth", [0.6, 0.9, 0.98])
def test_share_intervals_cover_the_share(truth: float) -> None:
    hits = np.random.default_rng(6).binomial(60, truth, 1000)
    assert np.mean([covers(share_interval(int(k), 60), truth) for k in hits]) >= 0.92


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \[n\] with n of at least 2, but have \[1\]"):
        mean_interval([1.0])
    with pytest.raises(ValueError, match=r"have \[2, 2\]"):
        mean_interval(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="1 of 3 scores are NaN or infinite"):
        mean_interval([1.0, np.inf, 2.0])
    for level in (0.0, 1.0, 95.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            mean_interval([1.0, 2.0], level=level)
        with pytest.raises(ValueError, match="between 0 and 1"):
            share_interval(1, 2, level=level)
    for hits, n in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match=r"no share|whole number of at least"):
            share_interval(hits, n)
