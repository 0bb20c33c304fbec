"""The Frechet distance equals its closed form, its reference, and itself however it is computed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.typing import NDArray

from i2i.metrics.frechet import (
    Moments,
    frechet_distance,
    frechet_distance_between,
    frechet_distance_low_rank,
)

Array = NDArray[np.floating[Any]]
Distance = Callable[[Array, Array], float]


def by_moments(x: Array, y: Array) -> float:
    return frechet_distance(Moments.of(x), Moments.of(y))


both_ways = pytest.mark.parametrize("distance", [by_moments, frechet_distance_low_rank], ids=["moments", "low_rank"])


def with_moments(mean: Array, covariance: Array, *, n: int = 200, seed: int = 0) -> Array:
    """Features [n, d] whose sample mean and covariance are exactly the given ones."""
    noise = np.random.default_rng(seed).standard_normal((n, len(mean)))
    noise -= noise.mean(axis=0)
    white = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise, rowvar=False))).T
    features: Array = mean + white @ np.linalg.cholesky(covariance).T
    return features


def correlated(n: int, d: int, *, seed: int, shift: float = 0.0) -> Array:
    random = np.random.default_rng(seed)
    features: Array = random.standard_normal((n, d)) @ random.standard_normal((d, d)) / np.sqrt(d)
    return features + shift


def by_sqrtm(x: Array, y: Array) -> float:
    """The textbook formula, with SciPy's general matrix square root."""
    covariance_x, covariance_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.trace(scipy.linalg.sqrtm(covariance_x @ covariance_y)).real
    shift = x.mean(axis=0) - y.mean(axis=0)
    return float(shift @ shift + np.trace(covariance_x) + np.trace(covariance_y) - 2 * root)


@both_ways
def test_closed_form_for_diagonal_covariances(distance: Distance) -> None:
    mean_x, mean_y = np.array([0.0, 1.0, -2.0]), np.array([1.0, 1.0, 1.0])
    deviation_x, deviation_y = np.array([1.0, 2.0, 0.5]), np.array([3.0, 2.0, 0.1])
    x = with_moments(mean_x, np.diag(deviation_x**2), seed=1)
    y = with_moments(mean_y, np.diag(deviation_y**2), seed=2)
    expected = np.sum((mean_x - mean_y) ** 2) + np.sum((deviation_x - deviation_y) ** 2)
    assert distance(x, y) == pytest.approx(expected, rel=1e-10)


@both_ways
def test_closed_form_for_commuting_covariances(distance: Distance) -> None:
    """Covariances with the same eigenvectors: the trace is |sqrt(S1) - sqrt(S2)|^2."""
    basis, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((5, 5)))
    values_x, values_y = np.array([4.0, 1.0, 9.0, 0.25, 2.0]), np.array([1.0, 16.0, 9.0, 1.0, 3.0])
    x = with_moments(np.zeros(5), basis * values_x @ basis.T, seed=4)
    y = with_moments(np.full(5, 0.5), basis * values_y @ basis.T, seed=5)
    expected = 5 * 0.25 + np.sum((np.sqrt(values_x) - np.sqrt(values_y)) ** 2)
    assert distance(x, y) == pytest.approx(expected, rel=1e-10)


@both_ways
def test_closed_form_for_two_dimensions_that_do_not_commute(distance: Distance) -> None:
    """Of a 2 x 2 matrix M, Tr sqrt(M) = sqrt(Tr M + 2 sqrt(det M))."""
    covariance_x = np.array([[2.0, 0.9], [0.9, 1.0]])
    covariance_y = np.array([[1.0, -0.4], [-0.4, 3.0]])
    x = with_moments(np.zeros(2), covariance_x, seed=6)
    y = with_moments(np.ones(2), covariance_y, seed=7)
    product = covariance_x @ covariance_y
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    assert distance(x, y) == pytest.approx(2 + 3 + 4 - 2 * root, rel=1e-10)


@both_ways
@pytest.mark.parametrize(("n", "m", "d"), [(300, 400, 64), (500, 200, 20), (70, 2000, 64)])
def test_equals_the_matrix_square_root(distance: Distance, n: int, m: int, d: int) -> None:
    x, y = correlated(n, d, seed=8), correlated(m, d, seed=9, shift=0.2)
    assert distance(x, y) == pytest.approx(by_sqrtm(x, y), rel=1e-6)


def test_both_ways_agree_where_the_covariances_are_singular() -> None:
    """To 1e-12: were the empty directions not left out, their noise would show at 1e-9."""
    x, y = correlated(40, 128, seed=10), correlated(60, 128, seed=11, shift=0.1)
    assert by_moments(x, y) == pytest.approx(frechet_distance_low_rank(x, y), rel=1e-12)


def test_a_constant_feature_is_harmless_where_there_are_many_images() -> None:
    """A dead unit makes the covariance singular although n > d: Cholesky's way is shut."""
    x, y = correlated(300, 32, seed=12), correlated(300, 32, seed=13)
    x[:, 7] = 0.0
    y[:, [7, 9]] = 0.0
    assert by_moments(x, y) == pytest.approx(frechet_distance_low_rank(x, y), rel=1e-6)


@both_ways
@pytest.mark.parametrize(("n", "d"), [(300, 32), (40, 128)], ids=["full_rank", "low_rank"])
def test_distance_to_itself_is_zero(distance: Distance, n: int, d: int) -> None:
    """Within 1e-10, where the total variance is near d."""
    x = correlated(n, d, seed=14)
    assert 0.0 <= distance(x, x) < 1e-10


@both_ways
def test_distance_of_two_orders_of_the_same_features_is_zero(distance: Distance) -> None:
    x = correlated(40, 64, seed=15)
    assert distance(x, x[::-1].copy()) < 1e-10


@both_ways
@pytest.mark.parametrize(("n", "m", "d"), [(200, 90, 32), (30, 50, 64)])
def test_symmetric(distance: Distance, n: int, m: int, d: int) -> None:
    x, y = correlated(n, d, seed=16), correlated(m, d, seed=17)
    assert distance(x, y) == pytest.approx(distance(y, x), rel=1e-6)


@both_ways
def test_a_common_shift_is_free_and_a_relative_one_adds_its_square(distance: Distance) -> None:
    x, y = correlated(100, 16, seed=18), correlated(100, 16, seed=19)
    y += x.mean(axis=0) - y.mean(axis=0)
    centered = distance(x, y)
    assert distance(x + 3.0, y + 3.0) == pytest.approx(centered, rel=1e-9)
    assert distance(x, y + 3.0) == pytest.approx(centered + 16 * 9.0, rel=1e-9)


@both_ways
def test_a_large_common_mean_costs_no_digits(distance: Distance) -> None:
    """A one-pass sum of squares would lose all 16 digits here."""
    x, y = correlated(200, 8, seed=20), correlated(200, 8, seed=21)
    assert distance(x + 1e7, y + 1e7) == pytest.approx(distance(x, y), rel=1e-6)


def test_streamed_moments_of_a_large_mean_keep_their_digits() -> None:
    x = correlated(200, 8, seed=22)
    moments = Moments(8)
    for row in x + 1e7:
        moments.update(row[None])
    np.testing.assert_allclose(moments.covariance, np.cov(x, rowvar=False), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("batch", [1, 7, 64, 200])
def test_moments_do_not_depend_on_batches_or_order(batch: int) -> None:
    x = correlated(200, 12, seed=23, shift=5.0)
    moments = Moments(12)
    for start in range(0, len(x), batch):
        moments.update(x[::-1][start : start + batch])
    assert moments.n == 200
    np.testing.assert_allclose(moments.mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(x, rowvar=False), atol=1e-12)


@pytest.mark.parametrize("cut", [0, 1, 60, 100])
def test_merged_moments_equal_one_pass(cut: int) -> None:
    x = correlated(100, 12, seed=24)
    x[50:] += 10.0
    left, right = Moments(12), Moments(12)
    left.update(x[:cut])
    right.update(x[cut:])
    kept = right.scatter.copy()
    left.merge(right)
    whole = Moments.of(x)
    assert left.n == whole.n
    np.testing.assert_allclose(left.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(left.scatter, whole.scatter, rtol=1e-10, atol=1e-9)
    np.testing.assert_array_equal(right.scatter, kept)


def test_merge_then_update_leaves_the_other_alone() -> None:
    """An empty accumulator must take a copy, not the arrays themselves."""
    x = correlated(20, 4, seed=25)
    left, right = Moments(4), Moments.of(x)
    mean, scatter = right.mean.copy(), right.scatter.copy()
    left.merge(right)
    left.update(x + 1.0)
    np.testing.assert_array_equal(right.mean, mean)
    np.testing.assert_array_equal(right.scatter, scatter)


@pytest.mark.parametrize(
    ("n", "m", "d", "expected"),
    [
        (20, 20, 64, "low_rank"),
        (500, 10, 64, "low_rank"),
        (4000, 10, 64, "moments"),
        (300, 300, 8, "moments"),
    ],
)
def test_between_takes_the_cheaper_way(n: int, m: int, d: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def spy(x: Array, y: Array) -> float:
        taken.append("low_rank")
        return frechet_distance_low_rank(x, y)

    monkeypatch.setattr("i2i.metrics.frechet.frechet_distance_low_rank", spy)
    x, y = correlated(n, d, seed=26), correlated(m, d, seed=27)
    value = frechet_distance_between(x, y)
    assert (taken or ["moments"]) == [expected]
    assert value == pytest.approx(by_moments(x, y), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_tensors_and_arrays_give_one_answer(dtype: torch.dtype) -> None:
    x = torch.from_numpy(correlated(30, 8, seed=28)).to(dtype).requires_grad_()
    y = torch.from_numpy(correlated(30, 8, seed=29)).to(dtype)
    as_arrays = x.detach().double().numpy(), y.double().numpy()
    assert frechet_distance_between(x, y) == frechet_distance_between(*as_arrays)


def test_float32_features_are_accumulated_in_float64() -> None:
    x = (correlated(100, 4, seed=30) + 1000.0).astype(np.float32)
    np.testing.assert_array_equal(Moments.of(x).mean, Moments.of(x.astype(np.float64)).mean)


@pytest.mark.parametrize("distance", [by_moments, frechet_distance_low_rank, frechet_distance_between])
def test_impossible_features_are_refused(distance: Distance) -> None:
    good = correlated(10, 4, seed=31)
    with pytest.raises(ValueError, match="4 and 3 dimensions"):
        distance(good, good[:, :3])
    with pytest.raises(ValueError, match="at least 2 images"):
        distance(good, good[:1])
    with pytest.raises(ValueError, match=r"shape \[n, d\]"):
        distance(good, good[0])
    for poison in (np.nan, np.inf):
        bad = good.copy()
        bad[3, 2] = poison
        with pytest.raises(ValueError, match="1 of 10 features hold NaN or infinity"):
            distance(good, bad)


def test_moments_refuse_a_batch_of_another_width() -> None:
    with pytest.raises(ValueError, match="4 and 5 dimensions"):
        Moments(4).update(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="4 and 5 dimensions"):
        Moments(4).merge(Moments(5))
