"""Features of real images are computed once, and are those of the images and network that are asked for."""

import numpy as np
import pytest
import torch

from i2i.benchmarks.evaluation.real_features import RealFeatures


class Counted:
    """An extractor that counts how often it is asked: means of channels."""

    def __init__(self):
        self.calls = 0

    def __call__(self, pixels):
        self.calls += 1
        return pixels.float().mean(dim=(2, 3)).numpy()


def images(seed, count=3):
    return torch.randint(0, 256, (count, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def test_features_of_equal_pixels_are_computed_once():
    kept, compute = RealFeatures(), Counted()
    first, again = (kept.of("net", images(0), compute) for _ in range(2))
    assert compute.calls == 1
    assert np.array_equal(first, Counted()(images(0))) and again is first


@pytest.mark.parametrize("change", ["pixel", "order", "network", "shape"])
def test_features_of_other_pixels_or_networks_are_computed_anew(change):
    kept, compute, pixels = RealFeatures(), Counted(), images(0)
    kept.of("net", pixels, compute)
    other = {"pixel": pixels.clone(), "order": pixels.flip(0), "network": pixels, "shape": pixels.reshape(3, 3, 2, 8)}
    other["pixel"][2, 1, 3, 3] ^= 1
    found = kept.of("other net" if change == "network" else "net", other[change], compute)
    assert compute.calls == 2
    assert np.array_equal(found, Counted()(other[change]))


def test_the_oldest_features_make_room():
    size = Counted()(images(0)).nbytes
    kept, compute = RealFeatures(most=2 * size), Counted()
    for seed in (0, 1, 0, 2):
        kept.of("net", images(seed), compute)
    assert compute.calls == 3
    kept.of("net", images(0), compute)
    assert compute.calls == 3
    kept.of("net", images(1), compute)
    assert compute.calls == 4


def test_what_is_not_kept_is_computed_each_time_unless_it_is_a_copy_of_what_is():
    kept, compute = RealFeatures(), Counted()
    for _ in range(2):
        kept.of("net", images(0), compute, keep=False)
    assert compute.calls == 2
    real = kept.of("net", images(0), compute)
    assert kept.of("net", images(0), compute, keep=False) is real
    assert kept.of("net", images(0), compute) is real
    assert compute.calls == 3
