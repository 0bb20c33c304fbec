"""Tests between models find what is there, and what is not there no more often than they say."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from i2i.metrics.significance import (
    LEVEL,
    PValue,
    holm,
    indistinguishable,
    pairwise,
    sign_flip,
    smallest_difference,
    welch,
)


def test_sign_flip_of_few_images_goes_through_all_patterns() -> None:
    a, b = np.array([3.0, 1.0, 4.0, 1.5]), np.array([1.0, 2.0, 1.0, 1.0])
    sums = [abs(np.dot(signs, a - b)) for signs in product((-1, 1), repeat=4)]
    assert sign_flip(a, b) == np.mean(np.array(sums) >= abs((a - b).sum()))


@pytest.mark.parametrize("n", [5, 10])
def test_sign_flip_where_one_model_always_wins_is_two_patterns_of_all(n: int) -> None:
    a = np.arange(n) * 0.1
    assert sign_flip(a + 0.1, a) == 2 / 2**n


def test_drawn_patterns_agree_with_all_of_them() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(0.5, 1.0, 13), random.normal(0.0, 1.0, 13)
    exact, drawn = sign_flip(a, b, flips=2**13), sign_flip(a, b, flips=2**13 - 1)
    assert exact != drawn
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 2**13))


def test_sign_flip_is_symmetric_and_never_zero() -> None:
    a, b = np.random.default_rng(1).normal(size=(2, 50))
    assert sign_flip(a, b) == sign_flip(b, a)
    assert sign_flip(a + 100, b) == 1 / 10_000


def test_equal_scores_are_not_told_apart() -> None:
    a = np.random.default_rng(2).normal(size=50)
    assert sign_flip(a, a) == 1.0
    assert welch([1.0, 1.0], [1.0, 1.0]) == 1.0


def test_pairing_finds_a_difference_far_smaller_than_the_spread_of_images() -> None:
    random = np.random.default_rng(3)
    images = random.normal(20.0, 5.0, 100)
    a, b = images + random.normal(0.2, 0.3, 100), images + random.normal(0.0, 0.3, 100)
    assert sign_flip(a, b) < 0.01
    assert stats.ttest_ind(a, b).pvalue > 0.5


@pytest.mark.parametrize("n", [10, 40])
def test_sign_flip_errs_as_often_as_it_says(n: int) -> None:
    random = np.random.default_rng(4)
    p = [sign_flip(*random.laplace(size=(2, n)), flips=1024) for _ in range(800)]
    assert 0.03 < np.mean(np.array(p) <= 0.05) < 0.07


def test_welch_over_three_seeds_errs_no_more_often_than_it_says() -> None:
    random = np.random.default_rng(5)
    p = [welch(random.normal(0, 1, 3), random.normal(0, 3, 3)) for _ in range(1000)]
    assert np.mean(np.array(p) <= 0.05) < 0.07


def test_welch_equals_its_formula() -> None:
    a, b = np.array([1.0, 2.0, 4.0]), np.array([5.0, 9.0])
    parts = a.var(ddof=1) / 3, b.var(ddof=1) / 2
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 1)
    t = abs(a.mean() - b.mean()) / np.sqrt(sum(parts))
    assert welch(a, b) == pytest.approx(2 * stats.t.sf(t, freedom))


def test_seeds_that_never_vary_are_told_apart_if_they_differ() -> None:
    assert welch([0.5, 0.5], [0.6, 0.6, 0.6]) == 0.0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.04, 0.01, 0.01, 0.5], [0.08, 0.04, 0.04, 0.5]),
        ([0.6, 0.7], [1.0, 1.0]),
    ],
)
def test_holm_worked_by_hand(given: list[float], expected: list[float]) -> None:
    assert holm(given).tolist() == pytest.approx(expected)


def models(*means: float, n: int = 80, seed: int = 6) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    images = random.normal(size=n)
    return {f"m{place}": images + mean + 0.5 * random.normal(size=n) for place, mean in enumerate(means)}


def test_a_clearly_worse_model_is_distinguished_and_a_near_one_is_not() -> None:
    assert indistinguishable(models(0.0, 1.0, 0.98), "max") == ("m1", {"m2"})
    assert indistinguishable(models(0.0, 1.0, 0.02), "min") == ("m0", {"m2"})


def test_the_corrected_p_value_decides_and_the_level_is_the_one_that_is_given() -> None:
    base, step = np.arange(12.0) ** 2, np.array([1.0] * 10 + [-1.0] * 2)
    scores = {"x": base + step, "y": base, "z": base}
    assert pairwise(scores)["x", "y"] == PValue(158 / 4096, pytest.approx(3 * 158 / 4096))
    assert indistinguishable(scores, "max") == ("x", {"y", "z"})
    assert indistinguishable(scores, "max", level=0.12) == ("x", set())
    del scores["z"]
    assert indistinguishable(scores, "max") == ("x", set())


def test_distinguished_stays_distinguished_when_it_gets_worse() -> None:
    found = [indistinguishable(models(1.0, 1.0 - gap), "max", level=0.05)[1] for gap in (0.0, 0.05, 0.2, 0.4, 2.0)]
    assert found[0]
    assert not found[-1]
    assert [len(each) for each in found] == sorted((len(each) for each in found), reverse=True)


def test_one_model_is_the_best_and_alone() -> None:
    assert indistinguishable({"a": [1.0, 2.0]}, "max") == ("a", set())


@pytest.mark.slow
def test_equal_models_are_told_apart_no_more_often_than_the_level_says() -> None:
    """Of five: were only the four pairs with the best corrected, it would be near 0.1."""
    fooled = [
        len(indistinguishable(models(*[0.0] * 5, n=30, seed=s), "max", test=paired_t)[1]) < 4 for s in range(1000)
    ]
    assert np.mean(fooled) <= 0.065


def paired_t(a: np.ndarray, b: np.ndarray) -> float:
    return float(stats.ttest_rel(a, b).pvalue)


def test_seeds_are_compared_without_pairing() -> None:
    scores = {"a": [25.0, 25.2, 24.9], "b": [20.0, 20.3], "c": [25.1, 24.8, 25.0, 25.2]}
    assert indistinguishable(scores, "max", test=welch) == ("a", {"c"})


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="3 and 2 scores"):
        sign_flip([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
        sign_flip([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match="no models"):
        indistinguishable({}, "max")
    with pytest.raises(ValueError, match="'max' or 'min', not 'lower'"):
        indistinguishable({"a": [1.0, 2.0]}, "lower")
    with pytest.raises(ValueError, match="between 0 and 1"):
        indistinguishable({"a": [1.0, 2.0]}, "max", level=5)


@pytest.mark.parametrize(("seeds", "pairs"), [(2, 1), (3, 3), (5, 1)])
def test_the_test_over_seeds_misses_its_smallest_difference_more_often_than_not(seeds, pairs):
    random = np.random.default_rng(0)
    shift = smallest_difference(seeds, pairs)
    found = [welch(random.normal(0, 1, seeds), random.normal(shift, 1, seeds)) <= LEVEL / pairs for _ in range(1000)]
    assert 0.25 < np.mean(found) < 0.52


@pytest.mark.parametrize(
    ("seeds", "pairs", "deviations"),
    [(2, 1, 4.3), (2, 3, 7.6), (3, 1, 2.3), (3, 3, 3.2), (3, 10, 4.6), (5, 1, 1.5), (5, 3, 1.9)],
)
def test_the_smallest_difference_is_as_the_page_on_statistics_has_it(seeds, pairs, deviations):
    assert round(smallest_difference(seeds, pairs), 1) == deviations
    assert smallest_difference(1) == np.inf
