"""Precision, recall, density and coverage: closed forms, another implementation, and what equal sets give."""

import numpy as np
import pytest

from i2i.metrics.sets.manifold import BLOCK, NEIGHBORS, Overlap, expected_coverage, overlap

# compute_prdc(real, fake, nearest_k=5) of the package prdc 0.2 with scikit-learn, on what `normal` gives.
PRDC = [
    ((60, 40, 3, 0.0, 1.0), Overlap(0.975, 1.0, 1.075, 0.9666666666666667)),
    ((200, 150, 16, 0.3, 1.0), Overlap(0.8466666666666667, 0.865, 0.844, 0.86)),
    ((150, 200, 8, 0.0, 0.5), Overlap(1.0, 0.19333333333333333, 2.604, 0.9333333333333333)),
    ((80, 80, 5, 6.0, 1.0), Overlap(0.0, 0.0, 0.0, 0.0)),
]


def normal(seed, reals, fakes, dimensions, shift, scale):
    stream = np.random.RandomState(seed)
    real = stream.standard_normal((reals, dimensions))
    return real, stream.standard_normal((fakes, dimensions)) * scale + shift


def values(found):
    return (found.precision, found.recall, found.density, found.coverage)


@pytest.mark.parametrize(("seed", "case"), list(enumerate(PRDC)))
def test_values_are_those_of_another_implementation(seed, case):
    settings, expected = case
    assert values(overlap(*normal(seed, *settings))) == pytest.approx(values(expected), abs=1e-12)


def test_on_a_line_the_balls_can_be_counted_by_hand():
    real = np.array([[0.0], [1.0], [2.0], [10.0]])  # radii with one neighbour: 1, 1, 1, 8
    fake = np.array([[0.5], [1.5], [30.0]])  # radii: 1, 1, 28.5
    found = overlap(real, fake, neighbors=1)
    # 0.5 lies in the balls of 0 and 1, 1.5 in those of 1 and 2, and 30 in none. All reals but 10 have a fake in their
    # ball; 10 has none at 8 or less but 1.5 at 8.5. In the balls of the fakes lie 0, 1 and 2, and 10 in that of 30.
    assert found == Overlap(precision=2 / 3, recall=1.0, density=4 / 3, coverage=3 / 4)


def test_copies_of_real_images_are_precise_though_their_balls_have_no_radius():
    real = np.repeat(np.random.RandomState(0).standard_normal((4, 7)) * 1e3, NEIGHBORS + 1, axis=0)
    found = overlap(real, real)
    assert values(found) == (1.0, 1.0, pytest.approx((NEIGHBORS + 1) / NEIGHBORS), 1.0)


def test_equal_distributions_reach_the_expected_coverage_and_a_density_of_one():
    stream = np.random.RandomState(3)
    found = [overlap(stream.standard_normal((60, 6)), stream.standard_normal((90, 6))) for _ in range(150)]
    coverage, density = ([getattr(one, name) for one in found] for name in ("coverage", "density"))
    assert np.mean(coverage) == pytest.approx(expected_coverage(60, 90), abs=4 * np.std(coverage) / 150**0.5)
    assert np.mean(density) == pytest.approx(1.0, abs=4 * np.std(density) / 150**0.5)
    # With one fake only the reals in whose 5 nearest of N it is are covered: k of N on average.
    assert expected_coverage(100, 1) == pytest.approx(NEIGHBORS / 100)


def test_many_images_are_gone_through_in_parts_with_the_same_outcome(monkeypatch):
    real, fake = normal(1, 70, 50, 4, 0.5, 1.0)
    whole = overlap(real, fake)
    monkeypatch.setattr("i2i.metrics.sets.manifold.BLOCK", 16)
    assert overlap(real, fake) == whole and BLOCK > 70


def test_order_shift_rotation_and_scale_do_not_matter():
    real, fake = normal(2, 80, 60, 5, 0.4, 1.2)
    rotation = np.linalg.qr(np.random.RandomState(9).standard_normal((5, 5)))[0]
    assert overlap(1e3 * real[::-1] @ rotation + 1e4, 1e3 * fake[::-1] @ rotation + 1e4) == overlap(real, fake)


@pytest.mark.parametrize(
    ("real", "fake", "neighbors", "text"),
    [
        (np.zeros((5, 2)), np.zeros((9, 2)), 5, "5 nearest neighbours need at least 6 images a side, but one has 5"),
        (np.zeros((9, 2)), np.zeros((9, 3)), 5, "2 and 3 dimensions"),
        (np.zeros((9, 2)), np.zeros((9, 2)), 0, "neighbours must be a whole number of at least 1"),
        (np.full((9, 2), np.nan), np.zeros((9, 2)), 5, "9 of 9 features hold NaN"),
    ],
)
def test_what_has_no_such_measure_is_refused(real, fake, neighbors, text):
    with pytest.raises(ValueError, match=text):
        overlap(real, fake, neighbors)
