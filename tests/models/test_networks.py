"""The shared networks are the published ones: parameter counts, outputs, sizes."""

import pytest
import torch
from torch import nn

from i2i.interop.patchgan import PATCHGAN
from i2i.interop.resnet import LABELLED_RESNET, RESNET
from i2i.interop.strided_patchgan import STRIDED_PATCHGAN
from i2i.interop.unet import UNET
from i2i.nn.multiscale import MultiscaleDiscriminator, image_pyramid
from i2i.nn.norm import InstanceNorm
from i2i.nn.patch_discriminator import patchgan, strided_patchgan
from i2i.nn.resnet import ResnetGenerator
from i2i.nn.unet import UNet
from tests.support import reference

STARGAN = {
    "norm": "instance-affine",
    "padding": "zeros",
    "resampling": "conv4",
    "last_bias": False,
    "blocks": 6,
}

PUBLISHED_COUNTS = [
    (lambda: ResnetGenerator(blocks=9), 11_378_179),
    (lambda: ResnetGenerator(blocks=6), 7_837_699),
    (lambda: ResnetGenerator(blocks=9, norm="batch"), 11_383_427),
    (lambda: UNet(depth=8, norm="batch"), 54_413_955),
    (lambda: UNet(depth=8, norm="instance"), 54_409_603),
    (lambda: UNet(depth=7, norm="batch"), 41_828_995),
    (lambda: UNet(depth=7, norm="instance"), 41_825_667),
    (lambda: patchgan(3, norm="instance"), 2_764_737),
    (lambda: patchgan(3, norm="batch"), 2_765_633),
    (lambda: patchgan(6, norm="instance"), 2_767_809),
    (lambda: patchgan(6, norm="batch"), 2_768_705),
    (lambda: patchgan(6, margin=2), 2_767_809),
    (lambda: patchgan(3, layers=1), 136_385),
    (lambda: patchgan(3, layers=2), 662_977),
    (lambda: patchgan(3, layers=5), 11_154_369),
    (lambda: patchgan(3, layers=0), 8_705),
    (lambda: patchgan(6, layers=0, norm="batch"), 9_024),
    (lambda: ResnetGenerator(labels=5, **STARGAN), 8_430_528),
    (lambda: ResnetGenerator(labels=8, **STARGAN), 8_439_936),
    (lambda: ResnetGenerator(labels=15, **STARGAN), 8_461_888),
    (lambda: strided_patchgan(classes=5), 44_762_048),
    (lambda: strided_patchgan(classes=8), 44_786_624),
    (lambda: strided_patchgan(classes=13), 44_827_584),
    (lambda: strided_patchgan(classes=5, image_size=(256, 256)), 44_884_928),
    (lambda: strided_patchgan(classes=5, image_size=(64, 64)), 44_731_328),
]


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("build", "count"), PUBLISHED_COUNTS)
def test_parameter_count_is_the_published_one(build, count):
    with torch.device("meta"):
        assert parameters(build()) == count


REFERENCE_NETWORKS = {
    "cyclegan_resnet_6blocks": (RESNET, lambda: ResnetGenerator(width=4, blocks=6)),
    "cyclegan_resnet_9blocks": (RESNET, lambda: ResnetGenerator(width=4, blocks=9)),
    "pix2pix_unet_128": (UNET, lambda: UNet(width=4, depth=7)),
    "pix2pix_unet_256": (UNET, lambda: UNet(width=4, depth=8)),
    "cyclegan_patchgan70": (PATCHGAN, lambda: patchgan(3, width=4)),
    "pix2pix_patchgan70": (PATCHGAN, lambda: patchgan(6, width=4, norm="batch")),
    "pix2pix_pixelgan": (PATCHGAN, lambda: patchgan(6, width=4, layers=0, norm="batch")),
    "stargan_generator": (LABELLED_RESNET, lambda: ResnetGenerator(width=4, labels=5, **STARGAN)),
    "stargan_discriminator": (STRIDED_PATCHGAN, lambda: strided_patchgan(width=4, classes=5)),
}


@pytest.mark.parametrize("name", REFERENCE_NETWORKS)
def test_output_is_the_reference_implementations(name):
    family, build = REFERENCE_NETWORKS[name]
    network = build().eval()
    reference.load(network, family, reference.weights(name))
    stored = reference.arrays(name)
    with torch.no_grad():
        if name == "stargan_discriminator":
            outputs = network.scores_and_logits(stored["input"])
            expected = (stored["output0"], stored["output1"])
        else:
            outputs = (network(*(stored[key] for key in ("input", "labels") if key in stored)),)
            expected = (stored["output"],)
    for output, wanted in zip(outputs, expected, strict=True):
        assert output.shape == wanted.shape
        assert (output - wanted).abs().max() < 1e-5


@pytest.mark.parametrize("name", REFERENCE_NETWORKS)
def test_names_and_order_of_the_reference_lead_to_the_same_weights(name):
    family, build = REFERENCE_NETWORKS[name]
    by_name, by_order = build(), build()
    reference.load(by_name, family, reference.weights(name))
    reference.load_in_order(by_order, reference.weights(name))
    for key, value in by_order.state_dict().items():
        assert torch.equal(by_name.state_dict()[key], value), key


@pytest.mark.parametrize("name", REFERENCE_NETWORKS)
def test_keys_and_shapes_tell_how_a_network_is_built(name):
    family, build = REFERENCE_NETWORKS[name]
    recognized = [own for own, _ in REFERENCE_NETWORKS.values() if own.recognizes(reference.weights(name))]
    assert set(recognized) == {family}
    told = family.build(**family.read(reference.weights(name)))
    assert str(told) == str(build())


@pytest.mark.parametrize("image_size", [(32, 32), (16, 48), (64, 128), (100, 60)])
@pytest.mark.parametrize("build", [strided_patchgan, patchgan])
def test_class_head_works_on_small_and_non_square_images(build, image_size):
    layers = 6 if build is strided_patchgan else 1
    network = build(3, 4, layers, classes=7, image_size=image_size)
    patches, logits = network.scores_and_logits(torch.randn(2, 3, *image_size))
    assert logits.shape == (2, 7)
    assert patches.shape[:2] == (2, 1)


@pytest.mark.parametrize(("layers", "field"), [(0, 1), (1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_patchgan_judges_the_published_receptive_field(layers, field):
    network = patchgan(1, width=2, layers=layers, norm="none").double()
    for parameter in network.parameters():
        nn.init.ones_(parameter)  # no gradient can cancel or vanish
    side = field + 50
    image = torch.ones(1, 1, side, side, dtype=torch.double, requires_grad=True)
    scores = network(image)
    middle = scores.shape[2] // 2
    (gradient,) = torch.autograd.grad(scores[0, 0, middle, middle], image)
    rows = gradient[0, 0].abs().sum(1).nonzero().flatten()
    assert int(rows.max() - rows.min() + 1) == field


@pytest.mark.parametrize("depth", [2, 3, 5, 6])
def test_unet_keeps_the_size_at_any_depth(depth):
    network = UNet(width=2, depth=depth).eval()
    images = torch.randn(1, 3, 2**depth, 2 * 2**depth)
    assert network(images).shape == images.shape


def test_generator_without_its_labels_says_what_it_needs():
    with pytest.raises(ValueError, match=r"labels of shape \[B, 4\]"):
        ResnetGenerator(width=2, blocks=0, labels=4)(torch.zeros(1, 3, 8, 8))


def test_forward_leaves_the_class_head_out():
    network = strided_patchgan(width=2, layers=2, classes=3, image_size=(16, 16))
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(network(images), network.scores_and_logits(images)[0])
    with pytest.raises(ValueError, match="without a class head"):
        patchgan(3, width=2).scores_and_logits(images)


@pytest.mark.parametrize("size", [(8, 8), (7, 10), (1, 3)])
def test_an_image_pyramid_halves_by_means_of_what_lies_within_the_image(size):
    image = torch.rand(2, 3, *size)
    full, half, quarter = image_pyramid(image, 3)
    assert full is image
    for fine, coarse in ((full, half), (half, quarter)):
        assert coarse.shape[2:] == ((fine.shape[2] + 1) // 2, (fine.shape[3] + 1) // 2)
        for row in range(coarse.shape[2]):
            for column in range(coarse.shape[3]):
                top, left = max(2 * row - 1, 0), max(2 * column - 1, 0)
                field = fine[:, :, top : 2 * row + 2, left : 2 * column + 2]
                assert torch.allclose(coarse[:, :, row, column], field.mean((2, 3)), atol=1e-6)


def test_each_of_several_discriminators_judges_its_own_scale():
    judges = MultiscaleDiscriminator(patchgan(3, width=2, layers=2, margin=2) for _ in range(2))
    first, second = judges.scales
    image = torch.rand(1, 3, 21, 32)
    full, half = image_pyramid(image, 2)
    assert [torch.equal(*pair) for pair in zip(judges(image), (first(full), second(half)), strict=True)] == [True, True]


@pytest.mark.parametrize(
    "build", [lambda: patchgan(3, 2, 3), lambda: patchgan(3, 2, 0), lambda: strided_patchgan(3, 2, 3)]
)
def test_activations_are_of_every_layer_and_end_with_the_patch_map(build):
    discriminator, image = build(), torch.rand(1, 3, 32, 32)
    outputs = discriminator.activations(image)
    convolutions = [module for module in discriminator.trunk.modules() if isinstance(module, nn.Conv2d)]
    assert [output.shape[1] for output in outputs] == [layer.out_channels for layer in convolutions] + [1]
    assert torch.equal(outputs[-1], discriminator(image))
    assert torch.equal(discriminator.patch_head(outputs[-2]), outputs[-1])


def test_the_margin_widens_the_patch_map():
    # 256 px: with one pixel around 30 fields a side, with two 129, 65, 33, 34 and 35.
    with torch.device("meta"):
        assert patchgan(margin=1)(torch.empty(1, 3, 256, 256)).shape[2:] == (30, 30)
        assert patchgan(margin=2)(torch.empty(1, 3, 256, 256)).shape[2:] == (35, 35)


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("given", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("received", [torch.contiguous_format, torch.channels_last])
def test_an_image_alone_has_the_gradient_that_it_has_among_others(affine, given, received):
    """Whatever the layouts of the features and of what comes back to them."""
    norm = InstanceNorm(4, affine=affine)
    features, gradient = torch.randn(1, 4, 5, 6), torch.randn(1, 4, 5, 6)
    found = []
    for count in (1, 2):
        own = features.repeat(count, 1, 1, 1).contiguous(memory_format=given).requires_grad_()
        back = gradient.repeat(count, 1, 1, 1).contiguous(memory_format=received)
        found.append(torch.autograd.grad(norm(own), own, back)[0][:1])
    assert torch.allclose(*found, atol=1e-5)
