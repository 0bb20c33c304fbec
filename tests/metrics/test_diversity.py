"""Diversity is the mean distance over all pairs of samples, whatever is computed to find it."""

from itertools import combinations

import numpy as np
import pytest

from i2i.metrics import cosine_distances, cosine_diversity


def of_pairs(samples):
    return np.mean([cosine_distances(one, other) for one, other in combinations(samples, 2)], axis=0)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_diversity_is_the_mean_over_all_pairs(count):
    samples = np.random.default_rng(count).normal(size=(count, 6, 4))
    samples[0, 2] = 0  # a vector without a direction
    found = cosine_diversity(list(samples))
    assert found.shape == (6,)
    np.testing.assert_allclose(found, of_pairs(samples), rtol=1e-12)


def test_samples_that_are_alike_have_none_and_opposite_ones_the_most():
    rows = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(cosine_diversity([rows, 2 * rows, rows]), 0, atol=1e-12)
    np.testing.assert_allclose(cosine_diversity([rows, -rows]), 2)
    assert (cosine_diversity([rows, rows]) >= 0).all()


@pytest.mark.parametrize("samples", [[], [np.ones((2, 3))], [np.ones((2, 3)), np.ones((2, 4))], [np.ones((2, 3))] * 0])
def test_what_is_no_set_of_samples_is_refused(samples):
    with pytest.raises(ValueError, match="two samples or more"):
        cosine_diversity(samples)
