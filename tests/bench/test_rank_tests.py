"""Ranks over several data sets: Demšar's published example, SciPy's statistic, and what may be said with few sets."""

import numpy as np
import pytest
from scipy import stats

from i2i.benchmarks.analysis.rank_tests import alike, rank_test, ranks, too_few, win_rates

# Demšar 2006, Table 6: AUC of C4.5, with m tuned, with cf tuned, and both, on 14 data sets.
AUC = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.97501, 0.975],  # printed as equal, and ranked 2 and 3
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def without_ties(sets=14, methods=4, seed=0):
    return np.random.default_rng(seed).random((sets, methods))


def test_mean_ranks_of_the_published_example_are_those_published():
    assert ranks(AUC, True).mean(0).round(3).tolist() == [3.143, 2.0, 2.893, 1.964]


def test_the_critical_difference_of_the_published_example_is_that_published():
    assert round(rank_test(ranks(AUC, True)).critical_difference, 2) == 1.25


def test_the_statistics_of_the_published_example_are_those_published_but_for_its_ties():
    """The paper takes the formula for ranks without ties, 9.28 and 3.69; with ties it is SciPy's."""
    found = rank_test(ranks(AUC, True))
    assert found.chi_square == pytest.approx(stats.friedmanchisquare(*AUC.T).statistic)
    mean = ranks(AUC, True).mean(0)
    plain = 12 * 14 / 20 * ((mean**2).sum() - 25)
    assert (round(plain, 2), round(13 * plain / (42 - plain), 2)) == (9.28, 3.69)
    assert plain < found.chi_square < 1.2 * plain


@pytest.mark.parametrize(("sets", "methods"), [(5, 3), (14, 4), (20, 12)])
def test_friedmans_statistic_is_scipys_and_f_follows_from_it(sets, methods):
    scores = without_ties(sets, methods)
    found = rank_test(ranks(scores, False))
    assert found.chi_square == pytest.approx(stats.friedmanchisquare(*scores.T).statistic)
    assert found.f == pytest.approx((sets - 1) * found.chi_square / (sets * (methods - 1) - found.chi_square))


def test_the_better_end_has_rank_one():
    assert ranks([[1.0, 2.0, 2.0]], True).tolist() == [[3.0, 1.5, 1.5]]
    assert ranks([[1.0, 2.0, 2.0]], False).tolist() == [[1.0, 2.5, 2.5]]


@pytest.mark.integration
@pytest.mark.parametrize(("sets", "methods"), [(5, 3), (5, 6), (8, 4)])
def test_equal_methods_are_told_apart_as_rarely_as_the_level_says(sets, methods):
    random = np.random.default_rng(0)
    found = [rank_test(ranks(random.random((sets, methods)), True)).p for _ in range(600)]
    assert 0.02 < np.mean(np.array(found) <= 0.05) < 0.085


def test_one_order_on_all_sets_is_found_and_no_difference_at_all_is_none():
    assert rank_test(ranks([[1.0, 2.0, 3.0]] * 5, True)).p < 0.001
    assert rank_test(ranks([[1.0, 1.0, 1.0]] * 5, True)).p == 1.0


@pytest.mark.parametrize(("sets", "methods", "words"), [(4, 5, "5 data sets, and here are 4"), (9, 2, "3 methods")])
def test_with_too_few_there_is_no_test_but_words(sets, methods, words):
    assert words in too_few(sets, methods)
    with pytest.raises(ValueError, match=words):
        rank_test(ranks(without_ties(sets, methods), True))


def test_groups_that_are_not_told_apart_are_the_largest():
    assert alike([1.0, 1.5, 2.4, 3.9], 1.0) == [(0, 1), (1, 2)]
    assert alike([1.0, 1.2, 1.4], 1.0) == [(0, 2)]
    assert alike([1.0, 3.0], 1.0) == []


def test_win_rates_pair_by_data_set_and_seed():
    one = {"a": {0: 3.0, 1: 1.0}, "b": {0: 2.0, 1: 2.0}}
    other = {"a": {0: 5.0}, "b": {0: 4.0}, "c": {0: 4.0}}
    assert win_rates([one], True) == {"a": 0.5, "b": 0.5}
    assert win_rates([one, other], True) == {"a": 0.75, "b": (0.5 + 0.25) / 2, "c": 0.25}
    assert win_rates([other], False) == {"a": 0.0, "b": 0.75, "c": 0.75}


def test_a_method_without_seeds_of_its_own_is_compared_with_every_seed():
    assert win_rates([{"a": {0: 1.0, 1: 3.0}, "still": {0: 2.0}}], True) == {"a": 0.5, "still": 0.5}
