"""Images of any size pass through networks at once or in tiles, and nobody sees where tiles meet."""

import itertools

import pytest
import torch
from torch import nn

import i2i
from i2i.errors import UserError
from i2i.inference.norm_statistics import found_statistics, held_statistics
from i2i.inference.tiling import in_full, in_tiles, mirrored, padded_size, ramp, reduced, starts, tiling
from i2i.nn.resnet import ResnetGenerator


def same(images: torch.Tensor) -> torch.Tensor:
    return images.clone()


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("multiple", [1, 4, 16])
def test_the_identity_gives_back_exactly_the_image_at_every_size(multiple):
    for height in range(1, 41):
        image = noise(height, 41 - height)
        assert torch.equal(in_full(image, same, multiple, (8, 8)), image)
        assert torch.equal(in_tiles(image, same, multiple, (8, 8), 32), image)


def test_every_image_that_a_network_sees_is_a_multiple_and_not_below_the_smallest():
    seen = []

    def look(images):
        seen.append(images.shape[2:])
        return images

    for height, width in itertools.product((1, 7, 32, 33, 90), repeat=2):
        in_full(noise(height, width), look, 4, (8, 12))
        in_tiles(noise(height, width), look, 4, (8, 12), 32)
    assert all(h % 4 == w % 4 == 0 and h >= 8 and w >= 12 for h, w in seen)
    assert padded_size((1, 13), 4, (8, 12)) == (8, 16)


def test_tiles_are_never_larger_than_told():
    seen = []
    in_tiles(noise(100, 20), lambda images: seen.append(images.shape[2:]) or images, 4, (8, 8), 32)
    assert set(seen) == {(32, 20)}


def test_mirrors_run_to_and_fro():
    row = torch.arange(3.0).view(1, 1, 1, 3)
    assert mirrored(row, 2, 8).tolist() == [[[[0, 1, 2, 1, 0, 1, 2, 1]] * 2]]
    assert mirrored(row[..., :1], 1, 3).tolist() == [[[[0, 0, 0]]]]


def test_the_weights_of_two_tiles_sum_to_one_and_the_outer_parts_count_nothing():
    for overlap in (4, 8, 32, 100):
        weights, outer = ramp(overlap), overlap * 3 // 8
        assert torch.equal(weights + weights.flip(0), torch.ones(overlap))
        assert (weights[:outer] == 0).all()
        assert (weights[-outer:] == 1).all()
        assert (weights[outer + 1 : -outer - 1] > 0).all()
        assert (weights[outer + 1 : -outer - 1] < 1).all()
    assert ramp(16).tolist() == [*[0] * 6, 0.125, 0.375, 0.625, 0.875, *[1] * 6]


def test_constant_tiles_give_a_constant_image_exactly():
    assert (in_tiles(noise(90, 70), lambda images: torch.full_like(images, 0.3), 4, (8, 8), 32) == 0.3).all()


def test_where_tiles_differ_one_passes_into_the_other_linearly():
    numbers = itertools.count()
    row = in_tiles(noise(64, 104), lambda images: torch.full_like(images, float(next(numbers))), 1, (8, 8), 64)
    side, overlap = tiling(1, (8, 8), 64)
    assert (side, overlap) == (64, 16)
    assert starts(104, side, overlap, 1) == [0, 40]  # evenly: the overlap is 24 and not 16
    expected = torch.cat([torch.zeros(40), ramp(24), torch.ones(40)])
    assert torch.equal(row[0, 0], expected.expand(64, -1))


@pytest.mark.parametrize("multiple", [1, 4, 8])
def test_tiles_cover_every_length_and_overlap_enough(multiple):
    for side, overlap in ((32, 8), (64, 32), (40, 16)):
        for length in range(side, 400, multiple):
            places = starts(length, side, overlap, multiple)
            assert (places[0], places[-1]) == (0, length - side)
            assert all(place % multiple == 0 for place in places)
            assert all(0 < later - place <= side - overlap for place, later in itertools.pairwise(places))


def test_tiles_that_are_too_small_for_the_model_are_told_a_side_that_is_not():
    with pytest.raises(UserError, match="tiles of 100 px are too small for this model: use --tile 512 or more"):
        tiling(256, (256, 256), 100)
    assert tiling(256, (256, 256), 512) == (512, 256)
    with pytest.raises(UserError, match="use --tile 64 or more"):
        tiling(4, (32, 64), 60)


def generator(norm: str) -> ResnetGenerator:
    """Random weights, large enough that every layer matters; its output depends on input up to 22 px away."""
    torch.manual_seed(0)
    net = ResnetGenerator(3, 4, blocks=1, norm=norm)
    for weights in net.parameters():
        nn.init.normal_(weights, 0, 0.2)
    return net.eval()


def test_no_more_than_the_reach_of_the_network_changes_what_it_makes():
    """The premise of the test below."""
    net, image = generator("none"), noise(96, 96)
    changed = image.clone()
    changed[:, :, :, :48] = 0
    with torch.no_grad():
        moved = (net(image) != net(changed)).any(dim=(0, 1, 2)).nonzero().flatten()
    assert 48 < int(moved.max()) < 48 + 24


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_tiles_equal_the_whole_where_norms_do_not_look_at_the_image_and_the_overlap_is_enough(norm):
    """Of tiles of 256 px, that overlap by 64, the outermost 24 px are context."""
    net, image = generator(norm), noise(32, 448)
    with torch.no_grad():
        whole = in_full(image, net, 4, (32, 32))
        enough, too_little = (in_tiles(image, net, 4, (32, 32), side) for side in (256, 32))
    assert (enough - whole).abs().max() < 1e-5
    assert (too_little - whole).abs().max() > 1e-3


def test_with_the_statistics_of_the_whole_image_instance_norm_is_exact_in_tiles():
    net, image = generator("instance-affine"), noise(32, 448)
    image[..., 224:] *= 0.2
    with torch.no_grad():
        with found_statistics(net) as statistics:
            whole = in_full(image, net, 4, (32, 32))
        with held_statistics(statistics):
            held = in_tiles(image, net, 4, (32, 32), 256)
        own = in_tiles(image, net, 4, (32, 32), 256)
    assert len(statistics) == 7
    assert (held - whole).abs().max() < 1e-4
    assert (own - whole).abs().max() > 0.05


def test_statistics_are_held_meanwhile_only():
    net, image = generator("instance"), noise(32, 32)
    with torch.no_grad():
        before = net(image)
        with found_statistics(net) as statistics:
            net(noise(64, 64) * 0.1)
        with held_statistics(statistics):
            assert not torch.equal(net(image), before)
        assert torch.equal(net(image), before)


def test_running_statistics_are_left_as_they_are():
    net = generator("batch")
    with torch.no_grad(), found_statistics(net) as statistics:
        net(noise(32, 32))
    assert not statistics


def test_batch_norm_by_the_images_statistics_takes_part():
    model = i2i.create("pix2pix", ["a", "b"], image_size=32, layers=1, width=2, discriminator_width=2, dropout=0)
    with found_statistics(model) as statistics:
        model.translate(noise(32, 32), "a", "b")
    assert statistics
    with held_statistics(statistics):
        held = model.translate(noise(32, 32), "a", "b")
    torch.testing.assert_close(held, model.translate(noise(32, 32), "a", "b"), atol=1e-5, rtol=0)


def test_reduction_keeps_proportions_and_contrast():
    small = reduced(noise(200, 800), 100)
    assert small.shape == (1, 3, 50, 200)
    assert float(small.std()) == pytest.approx(float(noise(200, 800).std()), rel=0.01)
    image = noise(50, 50)
    assert reduced(image, 100) is image
