"""The kernel distance equals its definition, is free of bias, and needs no more memory than a block."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from i2i.metrics import kernel
from i2i.metrics.kernel import kernel_distance

Array = NDArray[np.floating[Any]]


def by_loops(x: Array, y: Array) -> float:
    """The unbiased estimate as the paper writes it, pair by pair."""
    n, m, d = len(x), len(y), x.shape[1]

    def k(u: Array, v: Array) -> float:
        return float((u @ v / d + 1) ** 3)

    within_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(k(u, v) for u in x for v in y) / (n * m)


def normal(n: int, d: int, *, seed: int, shift: float = 0.0) -> Array:
    return np.random.default_rng(seed).standard_normal((n, d)) + shift


def test_closed_form_for_two_points_a_side() -> None:
    """x = {0, 2}, y = {1, 1} on a line: k(0, .) = 1, k(1, 1) = 8, k(2, 1) = 27."""
    x, y = np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])
    assert kernel_distance(x, y).value == pytest.approx(1 + 8 - 2 * (1 + 27) / 2)


@pytest.mark.parametrize(("n", "m", "d"), [(2, 2, 1), (5, 9, 3), (12, 4, 20)])
def test_equals_the_double_loop(n: int, m: int, d: int) -> None:
    x, y = normal(n, d, seed=1), normal(m, d, seed=2, shift=0.5)
    assert kernel_distance(x, y).value == pytest.approx(by_loops(x, y), rel=1e-10)


def test_subsets_are_estimates_from_that_many_different_images() -> None:
    """Of three and two images, each subset of two leaves one of three out: three values in all."""
    x, y = normal(3, 2, seed=3), normal(2, 2, seed=4)
    possible = [by_loops(np.delete(x, left_out, axis=0), y) for left_out in range(3)]
    found = kernel_distance(x, y, subsets=3000, subset_size=2)
    assert found.subset_size == 2
    assert found.mean == pytest.approx(np.mean(possible), abs=4 * np.std(possible) / np.sqrt(3000))
    assert found.std == pytest.approx(np.std(possible), rel=0.1)


def test_equals_the_polynomial_discrepancy_of_torchmetrics() -> None:
    kid = pytest.importorskip("torchmetrics.image.kid")
    x, y = normal(60, 32, seed=5), normal(60, 32, seed=6, shift=0.1)
    theirs = kid.poly_mmd(torch.from_numpy(x), torch.from_numpy(y), 3, None, 1.0)
    assert kernel_distance(x, y).value == pytest.approx(float(theirs), rel=1e-9)


def test_two_samples_of_one_distribution_give_zero_on_average_and_negative_values_too() -> None:
    values = np.array([kernel_distance(*normal(40, 8, seed=s).reshape(2, 20, 8), subsets=2).value for s in range(400)])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    assert 0.3 < np.mean(values < 0) < 0.8


def test_the_deviation_is_that_of_a_sample() -> None:
    """Two subsets: half their distance times the root of 2, and their mean lies between."""
    x, y = normal(3, 2, seed=20), normal(2, 2, seed=21)
    possible = [by_loops(np.delete(x, left_out, axis=0), y) for left_out in range(3)]
    gaps = {round(abs(a - b) / np.sqrt(2), 9) for a in possible for b in possible}
    found = {round(kernel_distance(x, y, subsets=2, subset_size=2, seed=seed).std, 9) for seed in range(40)}
    assert found == gaps


def test_the_mean_over_subsets_is_as_free_of_bias_as_the_whole() -> None:
    x, y = normal(300, 8, seed=7), normal(300, 8, seed=8, shift=0.3)
    found = kernel_distance(x, y, subsets=400, subset_size=30)
    assert found.mean == pytest.approx(found.value, abs=4 * found.std / np.sqrt(400))


def test_symmetric_and_blind_to_order() -> None:
    x, y = normal(30, 6, seed=9), normal(20, 6, seed=10, shift=0.2)
    value = kernel_distance(x, y).value
    assert kernel_distance(y, x).value == pytest.approx(value, rel=1e-10)
    assert kernel_distance(x[::-1], np.roll(y, 7, axis=0)).value == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("block", [1, 7, 30, 64])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = normal(30, 6, seed=11), normal(41, 6, seed=12)
    whole = kernel_distance(x, y, subset_size=10)
    monkeypatch.setattr(kernel, "BLOCK", block)
    parts = kernel_distance(x, y, subset_size=10)
    for name in ("value", "mean", "std"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-9)


def test_the_seed_decides_the_subsets_and_only_them() -> None:
    x, y = normal(50, 4, seed=13), normal(50, 4, seed=14)
    first, again, other = (kernel_distance(x, y, subset_size=10, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.value == other.value
    assert first.mean != other.mean


def test_there_is_no_deviation_where_every_subset_is_the_whole() -> None:
    x, y = normal(10, 4, seed=15), normal(10, 4, seed=16)
    found = kernel_distance(x, y)
    assert math.isnan(found.std)
    assert found.mean == pytest.approx(found.value, rel=1e-9)
    assert found.subset_size == 10


def test_float32_features_are_compared_in_float64() -> None:
    x, y = (normal(20, 4, seed=17) + 50).astype(np.float32), (normal(20, 4, seed=18) + 50).astype(np.float32)
    value = kernel_distance(x.astype(np.float64), y.astype(np.float64)).value
    assert kernel_distance(x, y).value == value
    assert kernel_distance(torch.from_numpy(x), torch.from_numpy(y)).value == value


def test_impossible_input_is_refused() -> None:
    x = normal(5, 4, seed=19)
    with pytest.raises(ValueError, match="4 and 3 dimensions"):
        kernel_distance(x, x[:, :3])
    with pytest.raises(ValueError, match="at least 2 images a side, but one has 1"):
        kernel_distance(x, x[:1])
    with pytest.raises(ValueError, match="NaN or infinity"):
        kernel_distance(x, np.full((5, 4), np.nan))
    for wrong in ({"subsets": 1}, {"subset_size": 1}):
        with pytest.raises(ValueError, match="must be a whole number of at least 2"):
            kernel_distance(x, x, **wrong)
