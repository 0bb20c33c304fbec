"""Resampling without the features equals resampling them, and the intervals cover what they claim."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from i2i.metrics import frechet_interval
from i2i.metrics.bootstrap import Interval
from i2i.metrics.frechet import frechet_distance_between, frechet_distance_low_rank
from i2i.metrics.frechet_interval import ResampledFrechet, frechet_intervals

Array = NDArray[np.floating[Any]]


def features(n: int, d: int, *, seed: int, shift: float = 0.0) -> Array:
    random = np.random.default_rng(seed)
    return random.standard_normal((n, d)) @ random.standard_normal((d, d)) / np.sqrt(d) + shift


def covers(interval: Interval | None, truth: float) -> bool:
    assert interval is not None
    return interval.low <= truth <= interval.high


@pytest.mark.parametrize(("n", "m", "d"), [(20, 30, 64), (30, 20, 64), (40, 50, 4)], ids=["gram", "gram'", "moments"])
def test_a_resample_equals_the_distance_of_its_features(n: int, m: int, d: int) -> None:
    x, y = features(n, d, seed=1, shift=2.0), features(m, d, seed=2)
    distance_of, random = ResampledFrechet(x, y), np.random.default_rng(3)
    for _ in range(5):
        i, j = random.integers(0, n, n), random.integers(0, m, m - 5)
        assert distance_of(i, j) == pytest.approx(frechet_distance_low_rank(x[i], y[j]), rel=1e-8)


def test_resamples_of_few_images_are_told_apart_by_how_often_each_is_drawn() -> None:
    x, y = features(4, 16, seed=1), features(3, 16, seed=2)
    distance_of, random = ResampledFrechet(x, y), np.random.default_rng(3)
    for _ in range(200):
        i, j = random.integers(0, 4, 4), random.integers(0, 3, 3)
        assert distance_of(i, j) == pytest.approx(frechet_distance_low_rank(x[i], y[j]), rel=1e-8)


def test_a_resample_of_the_grams_does_not_look_at_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    distance_of = ResampledFrechet(features(20, 64, seed=4), features(20, 64, seed=5))
    expected = distance_of(np.arange(20), np.arange(20))
    monkeypatch.setattr(distance_of, "x", None)
    monkeypatch.setattr(distance_of, "y", None)
    assert distance_of(np.arange(20), np.arange(20)) == expected


def test_a_large_common_mean_costs_no_digits() -> None:
    x, y = features(20, 64, seed=6), features(20, 64, seed=7)
    near, far = (ResampledFrechet(x + shift, y + shift)(np.arange(20), np.arange(20)) for shift in (0.0, 1e6))
    assert far == pytest.approx(near, rel=1e-6)


def test_the_level_decides_the_length() -> None:
    """Both intervals are normal: half as long as at 0.95 is the quantile 0.975 halved, which is a level of 0.673."""
    x, y = features(60, 4, seed=20), features(60, 4, seed=21, shift=2.0)
    long, short = (frechet_intervals(x, y, resamples=50, level=level) for level in (0.95, 0.673))
    for one, other in ((long.at_this_size, short.at_this_size), (long.in_the_limit, short.in_the_limit)):
        assert one is not None
        assert other is not None
        assert (one.level, other.level) == (0.95, 0.673)
        assert one.low > 0
        assert (one.high - one.low) / (other.high - other.low) == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("reals", ["drawn", "paired", "fixed"])
def test_the_estimate_at_this_size_is_the_reported_distance(reals: frechet_interval.Reals) -> None:
    x, y = features(40, 8, seed=8), features(40, 8, seed=9, shift=0.3)
    found = frechet_intervals(x, y, reals=reals, resamples=20).at_this_size
    assert found.estimate == pytest.approx(frechet_distance_between(x, y))
    assert found.low < found.estimate < found.high


def test_the_limit_is_left_out_where_images_are_too_few_for_the_dimensions() -> None:
    few, many = features(15, 8, seed=10), features(16, 8, seed=11)
    assert frechet_intervals(few, many, resamples=20).in_the_limit is None
    assert frechet_intervals(many, few, resamples=20).in_the_limit is None
    assert frechet_intervals(many, many, resamples=20).in_the_limit is not None
    assert frechet_intervals(many, few, reals="fixed", resamples=20).in_the_limit is not None


def test_fixed_reals_do_not_vary() -> None:
    """Fakes that never vary against fixed reals leave nothing to chance."""
    x, y = np.ones((40, 4)), features(40, 4, seed=12)
    found = frechet_intervals(x, y, reals="fixed", resamples=20)
    assert found.at_this_size.high - found.at_this_size.low < 1e-9
    assert found.in_the_limit is not None
    assert found.in_the_limit.estimate == pytest.approx(found.at_this_size.estimate)
    drawn = frechet_intervals(x, y, reals="drawn", resamples=20).at_this_size
    assert drawn.high - drawn.low > 0.1


def test_pairs_that_move_together_have_shorter_intervals() -> None:
    x = features(100, 4, seed=13)
    apart, together = (frechet_intervals(x, 1.5 * x, reals=reals, resamples=200) for reals in ("drawn", "paired"))
    assert together.at_this_size.high - together.at_this_size.low < apart.at_this_size.high - apart.at_this_size.low


def test_intervals_end_at_zero() -> None:
    found = frechet_intervals(features(60, 4, seed=14), features(60, 4, seed=14), resamples=50)
    assert found.at_this_size.low == 0.0
    assert found.in_the_limit is not None
    assert found.in_the_limit.low == 0.0


def test_the_seed_decides_the_resamples() -> None:
    x, y = features(30, 4, seed=15), features(30, 4, seed=16)
    first, again, other = (frechet_intervals(x, y, resamples=20, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.integration
def test_the_jackknife_takes_the_bias_out() -> None:
    """40 images in 8 dimensions report twice the true distance of 0.72; the corrected mean is off by a tenth."""
    random = np.random.default_rng(17)
    found = [
        frechet_intervals(random.standard_normal((40, 8)) + 0.3, random.standard_normal((40, 8)), resamples=2)
        for _ in range(200)
    ]
    assert np.mean([each.at_this_size.estimate for each in found]) > 2 * 0.72
    assert np.mean([each.in_the_limit.estimate for each in found if each.in_the_limit]) == pytest.approx(0.72, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("d", "n", "decay"), [(16, 100, 0.0), (16, 100, 1.0), (32, 64, 1.0)])
def test_intervals_cover_the_distance_of_gaussians(d: int, n: int, decay: float) -> None:
    """Independent features: the true distance is |mean|^2 plus the squared differences of deviations."""
    random = np.random.default_rng(18)
    deviation = np.arange(1, d + 1) ** (-decay / 2)
    ratio = np.where(np.arange(d) % 2, 1.2, 0.8)
    truth = 4 * 0.3**2 + np.sum((deviation * ratio - deviation) ** 2)
    mean = np.where(np.arange(d) < 4, 0.3, 0.0)
    found = [
        frechet_intervals(
            mean + random.standard_normal((n, d)) * deviation * ratio,
            random.standard_normal((n, d)) * deviation,
            resamples=100,
            seed=seed,
        )
        for seed in range(150)
    ]
    expected = float(np.mean([each.at_this_size.estimate for each in found]))
    assert np.mean([covers(each.in_the_limit, truth) for each in found]) >= 0.90
    assert np.mean([covers(each.at_this_size, expected) for each in found]) >= 0.90


def test_impossible_input_is_refused() -> None:
    x = features(10, 4, seed=19)
    with pytest.raises(ValueError, match="at least 3 images a side, but one has 2"):
        frechet_intervals(x, x[:2])
    with pytest.raises(ValueError, match="10 fakes and 9 reals are no pairs"):
        frechet_intervals(x, x[:9], reals="paired")
    with pytest.raises(ValueError, match="4 and 3 dimensions"):
        frechet_intervals(x, x[:, :3])
    with pytest.raises(ValueError, match="between 0 and 1"):
        frechet_intervals(x, x, level=95)
    with pytest.raises(ValueError, match="resamples must be a whole number of at least 2"):
        frechet_intervals(x, x, resamples=1)
