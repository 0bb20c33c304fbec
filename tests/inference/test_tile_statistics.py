"""Tiles find the statistics of their image, so that with instance norm they give what the image gives at once."""

import itertools

import pytest
import torch
from torch import Tensor, nn

import i2i
from i2i.data.image_files.images import Preprocess, to_arrays, to_images, write_image
from i2i.inference import tile_statistics
from i2i.inference.norm_statistics import Correction, Moments, found_statistics, held_statistics
from i2i.inference.tile_statistics import image_statistics
from i2i.inference.tiling import in_full, in_tiles, tiles
from i2i.inference.translate_files import full_resolution
from i2i.nn.norm import InstanceNorm
from i2i.nn.resnet import ResnetGenerator

LIMITS = 4, (32, 32)
SIDE = 128


def generator() -> ResnetGenerator:
    """Random weights, large enough that every layer matters; less than 12 px away from its output nothing matters."""
    torch.manual_seed(0)
    net = ResnetGenerator(3, 4, blocks=0, norm="instance-affine")
    for weights in net.parameters():
        nn.init.normal_(weights, 0, 0.3)
    return net.eval()


def landscape(height: int = 128, width: int = 640) -> Tensor:
    """Noise of several scales under a sky, unlike in every tile."""
    source = torch.Generator().manual_seed(1)
    layers = [torch.rand(1, 3, height // cell, width // cell, generator=source) - 0.5 for cell in (1, 4, 32)]
    rough = sum(nn.functional.interpolate(layer, (height, width)) for layer in layers)
    bright = torch.linspace(0.6, -0.6, width)
    return (rough * torch.linspace(0.2, 0.6, height)[:, None] + bright).clamp(-1, 1)


def tiled(net: nn.Module, image: Tensor, passes: int) -> Tensor:
    statistics = image_statistics(net, net, image, *LIMITS, SIDE, passes)
    with held_statistics(statistics):
        return in_tiles(image, net, *LIMITS, SIDE)


class Counted:
    """A network that counts how often it is used, and of what sizes."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, images: Tensor) -> Tensor:
        self.sizes.append(tuple(images.shape[2:]))
        return self.net(images)


class CountedTranslation(Counted):
    """From `a` to `b`, by a model that need not look at an image to know what to do."""

    def __init__(self, translator) -> None:
        self.translator = translator
        super().__init__(lambda images: translator.translate(images, "a", "b"))

    def of_files(self, paths) -> "CountedTranslation":
        return self

    def seeing(self, image: Tensor) -> "CountedTranslation":
        return self


@pytest.mark.integration
@torch.no_grad()
def test_tiles_equal_the_whole_with_instance_norm_and_every_pass_brings_them_nearer():
    net, image = generator(), landscape()
    whole = in_full(image, net, *LIMITS)
    results = [in_tiles(image, net, *LIMITS, SIDE), *(tiled(net, image, passes) for passes in range(5))]
    errors = [float((result - whole).abs().max()) for result in results]
    own, thumbnail, *passed = errors
    assert own > 1
    assert own / 4 < thumbnail < own
    assert all(later < before / 5 for before, later in itertools.pairwise([thumbnail, *passed]))
    assert passed[1] < 0.01
    assert passed[3] < 1e-4


@torch.no_grad()
def test_where_the_statistics_are_right_tiles_find_them_again():
    """Behind the premise: of the whole image every place counts once, at the scale of every norm."""
    net, image = generator(), landscape()
    with found_statistics(net) as right:
        in_full(image, net, *LIMITS)
    with held_statistics(right):
        found = tile_statistics.of_tiles(net, net, image, *LIMITS, SIDE)
    assert found.keys() == right.keys()
    assert len(found) == 5
    for norm, moments in found.items():
        assert moments.pixels == right[norm].pixels
        torch.testing.assert_close(moments.mean, right[norm].mean, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(moments.variance, right[norm].variance, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_of_all_tiles_every_place_counts_once_at_every_scale(scale):
    height, width = 100, 248
    numbers = torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width)
    seen = [part(tile[:, :, ::scale, ::scale]).flatten() for tile, part in tiles(numbers, 4, (32, 32), 64)]
    assert len(seen) == 2 * 5
    assert torch.equal(torch.cat(seen).sort().values, numbers[:, :, ::scale, ::scale].flatten())


def test_scales_at_which_no_pixel_is_left_for_a_tile_count_nothing():
    parts = [part(torch.zeros(1, 3, 1, 1)) for _, part in tiles(torch.zeros(1, 3, 64, 112), 4, (32, 32), 64)]
    assert [part.shape[2:] for part in parts] == [(1, 0), (1, 1)]


@torch.no_grad()
def test_statistics_are_those_of_the_tiles_that_have_any():
    net = nn.Sequential(nn.AdaptiveAvgPool2d((2, 1)), InstanceNorm(3).eval()).eval()
    (moments,) = tile_statistics.of_tiles(net, net, landscape(64, 112), 4, (32, 32), 64).values()
    assert moments.pixels == 2
    assert moments.mean.isfinite().all()


def test_moments_of_parts_together_are_those_of_all_their_pixels():
    features = torch.randn(1, 3, 8, 20, generator=torch.Generator().manual_seed(0)) + 5
    features[..., 3:] *= 2
    whole = Moments.of(features)
    both = Moments.together([Moments.of(features[..., :3]), Moments.of(features[..., 3:])])
    assert both.pixels == whole.pixels == 160
    torch.testing.assert_close(both.mean, whole.mean)
    torch.testing.assert_close(both.variance, whole.variance)
    torch.testing.assert_close(whole.variance, features.flatten(2)[0].var(1, correction=0))


def test_a_correction_makes_the_moments_it_was_found_between_and_moves_with_the_scale():
    reduced, image = (
        Moments(torch.tensor([1.0, -2.0, 0.0]), torch.tensor([4.0, 1.0, 0.0]), 9),
        Moments(torch.tensor([2.0, -2.0, 0.5]), torch.tensor([1.0, 9.0, 0.0]), 90),
    )
    correction = Correction.between(reduced, image, 1e-5)
    corrected = correction.applied(reduced, 1e-5)
    torch.testing.assert_close(corrected.mean, image.mean)
    torch.testing.assert_close(corrected.variance, image.variance, atol=1e-6, rtol=1e-5)
    doubled = correction.applied(Moments(reduced.mean * 2, reduced.variance * 4, 9), 0)
    torch.testing.assert_close(doubled.mean[:2], image.mean[:2] * 2, atol=1e-4, rtol=0)
    torch.testing.assert_close(doubled.variance[:2], image.variance[:2] * 4, atol=1e-3, rtol=0)


def test_a_corrected_variance_is_never_below_nought():
    flat = Moments(torch.zeros(1), torch.zeros(1), 9)
    assert Correction(torch.zeros(1), torch.tensor([0.1])).applied(flat, 1e-5).variance == 0


@torch.no_grad()
@pytest.mark.parametrize("passes", [0, 1, 3])
def test_every_pass_takes_all_tiles_and_the_reduced_image_again(passes):
    net = Counted(generator())
    image_statistics(net.net, net, landscape(), *LIMITS, SIDE, passes)
    small, tile = (57, 286), (SIDE, SIDE)
    padded = tuple(-(-length // 4) * 4 for length in small)
    assert net.sizes == [padded, *([tile] * 7 + [padded]) * passes]


@torch.no_grad()
def test_a_long_image_of_no_more_pixels_than_a_tile_gives_its_statistics_at_once():
    net, image = Counted(generator()), landscape(32, 320)
    whole = in_full(image, net.net, *LIMITS)
    statistics = image_statistics(net.net, net, image, *LIMITS, SIDE)
    assert net.sizes == [(32, 320)]
    with held_statistics(statistics):
        assert (in_tiles(image, net.net, *LIMITS, SIDE) - whole).abs().max() < 1e-4


def model():
    return i2i.create("cyclegan", ["a", "b"], image_size=32, width=2, blocks=1, discriminator_width=2, layers=1)


def test_an_image_of_one_tile_passes_once_and_is_unchanged(tmp_path):
    image = landscape(64, 96)
    write_image(tmp_path / "a.png", to_arrays(image)[0])
    translator = model().eval()
    pixels = to_images(to_arrays(image))
    with torch.no_grad():
        net = CountedTranslation(translator)
        convert = full_resolution(net, Preprocess((32, 32), 3), 96)
        (converted,) = convert([tmp_path / "a.png"])
        assert net.sizes == [(64, 96)]
        assert (converted == to_arrays(translator.translate(pixels, "a", "b"))[0]).all()


@pytest.mark.parametrize(("passes", "times"), [(None, 2), (0, 0), (1, 1)])
def test_tiles_pass_twice_ahead_of_their_translation_unless_told(tmp_path, passes, times):
    write_image(tmp_path / "a.png", to_arrays(landscape(64, 96))[0])
    net = CountedTranslation(model())
    list(full_resolution(net, Preprocess((32, 32), 3), 64, passes)([tmp_path / "a.png"]))
    assert net.sizes.count((64, 64)) == 2 * (times + 1)
