"""MIND, CMMD and the wavelet distance: against other people's code, in closed form, and where they cannot be taken."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from i2i.benchmarks.studies.set_references import COUNTS, features, images
from i2i.metrics.sets.cmmd import cmmd
from i2i.metrics.sets.measures import ImageSet, notes, of_requested_sets
from i2i.metrics.sets.names import SET_MEASURES
from i2i.metrics.sets.sliced import monge_distance
from i2i.metrics.sets.wavelet import wavelet_distance


def pixels(seed, count):
    return torch.from_numpy(images(seed, count)).permute(0, 3, 1, 2)


def test_the_wavelet_distance_is_that_of_its_authors_code():
    # pytorchfwd 1.0.1, by benchmarks/studies/set_references.py
    assert wavelet_distance(pixels(0, COUNTS[0]), pixels(1, COUNTS[1])) == pytest.approx(0.2726746107, rel=1e-8)


@pytest.mark.parametrize(("count", "expected"), [(20, 493.5575087500), (24, 519.6800512272)])
def test_mind_is_the_sliced_distance_of_pot_squared_and_scaled(count, expected):
    # POT 0.9.7, by benchmarks/studies/set_references.py, along the same lines
    found = monge_distance(features(0, COUNTS[0]), features(1, count), directions=50)
    assert found == pytest.approx(expected, rel=1e-10)


def test_mind_of_a_shift_is_three_times_its_squared_length():
    x, shift = features(0, 40), np.linspace(-1, 2, 12)
    assert monge_distance(x, x + shift, directions=20_000) == pytest.approx(3 * (shift @ shift), rel=0.02)
    assert monge_distance(x, x[::-1]) == 0


def test_cmmd_is_the_kernel_distance_of_its_formula():
    x, y = features(0, 20), features(1, 24)
    left, right = (some / np.linalg.norm(some, axis=1, keepdims=True) for some in (x, y))
    within, other, across = (
        np.exp(-cdist(a, b, "sqeuclidean") / 200).mean() for a, b in ((left, left), (right, right), (left, right))
    )
    assert cmmd(x, y) == pytest.approx(1000 * (within + other - 2 * across), rel=1e-9)
    assert cmmd(x, 7 * x) == pytest.approx(0, abs=1e-9)


def test_cmmd_of_opposite_points_is_known():
    x = np.array([[1.0, 0], [1, 0]])
    assert cmmd(x, -x) == pytest.approx(2000 * (1 - math.exp(-4 / 200)))


def test_the_wavelet_distance_of_a_shade_is_that_of_the_lowest_band():
    x = pixels(0, 20).clamp(max=200)
    found = wavelet_distance(x, x + 51)  # 0.2 of 255, which only the first of 256 bands sees: 16 times, at 12 places
    assert found == pytest.approx(12 * (16 * 0.2) ** 2 / 256, rel=1e-6)


@pytest.mark.parametrize("size", [(31, 32), (32, 40), (8, 8)])
def test_the_wavelet_distance_needs_whole_blocks(size):
    wrong = torch.zeros(4, 3, *size, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"sides are multiples of 16, not"):
        wavelet_distance(wrong, wrong)
    line = f"no fwd: it needs sides that are multiples of 16 pixels, not {size[0]}x{size[1]}"
    assert notes(("fwd",), ["fid"], (9, 9), size) == [line]


@pytest.mark.parametrize("distance", [monge_distance, cmmd])
def test_what_is_no_pair_of_sets_is_refused(distance):
    x = features(0, 20)
    with pytest.raises(ValueError, match="features of 12 and 5 dimensions"):
        distance(x, x[:, :5])
    with pytest.raises(ValueError, match="at least 2 images a side, but one has 1"):
        distance(x, x[:1])
    with pytest.raises(ValueError, match="NaN"):
        distance(x, x * np.nan)


def test_an_embedding_of_zeros_is_refused():
    with pytest.raises(ValueError, match="an embedding of zeros has no direction"):
        cmmd(np.ones((3, 2)), np.zeros((3, 2)))


def asked(extractor, count=20):
    fakes, reals = (ImageSet(features(seed, count), pixels(seed, count)) for seed in (1, 0))
    return of_requested_sets(SET_MEASURES, extractor, fakes, reals)


def test_measures_are_named_after_their_features_and_cmmd_needs_those_of_clip():
    overlaps = {"precision", "recall", "density", "coverage"}
    assert asked("fid").keys() == {*overlaps, "mind", "fwd"}
    assert asked("FD-CLIP-1a2b").keys() == {
        *(f"{name}-CLIP-1a2b" for name in overlaps),
        "MIND-CLIP-1a2b",
        "cmmd",
        "fwd",
    }
    assert asked("FD-x")["MIND-x"] == asked("fid")["mind"]
    assert asked("").keys() == {"fwd"}
    assert asked("fid", 5).keys() == {"mind", "fwd"}
    assert asked("fid", 1) == {}


def test_what_is_left_out_is_told_with_its_remedy_and_the_rest_with_its_bias():
    said = notes(SET_MEASURES, ["fid"], (20, 20), (32, 32))
    assert said[0].startswith("coverage: equal distributions reach 0.9")
    assert said[1].startswith("MIND is 0 for equal sets and above it for other images")
    assert said[2] == "no cmmd: it is taken in CLIP's embeddings: --extractor clip"
    assert said[3].startswith("FWD is 0 for equal sets")
    assert notes(("mind",), "", (20, 20), (32, 32)) == ["no mind: it needs features: --extractor imagenet, or another"]
    assert notes(("prdc",), "fid", (20, 5), (32, 32)) == ["no prdc: it needs 6 images a side, not 5"]
