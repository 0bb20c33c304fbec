"""Departures from the published networks, shared by the models: upsampling, padding, norms, spectral norm."""

import copy

import pytest
import torch
from torch import nn

from i2i import registry
from i2i.errors import UserError
from i2i.losses import gradient_penalty
from i2i.nn.autoencoder import Autoencoder, StyledAutoencoder
from i2i.nn.class_activation import AttentiveGenerator
from i2i.nn.initialization import initialize
from i2i.nn.patch_discriminator import patchgan, strided_patchgan
from i2i.nn.resampling import PixelShuffleUp, upsample
from i2i.nn.resnet import ResnetGenerator
from i2i.nn.spectral import _InFloat32, normalize_spectrally
from i2i.nn.timed import TimedGenerator
from i2i.nn.unet import UNet
from i2i.testing import Subject
from i2i.training.setup import check_trainable, run_config

GANS = ["pix2pix", "cyclegan", "stargan"]
KINDS = ["deconv", "resize-conv", "pixel-shuffle"]
CRITICS = {
    "patchgan": lambda: initialize(patchgan(3, width=4, layers=2)),
    "strided_patchgan": lambda: strided_patchgan(3, width=4, layers=3, classes=2, image_size=(32, 32)),
}


ENCODERS = {
    "unit": lambda norm: Autoencoder(3, 4, 1, norm).encoder,
    "munit": lambda norm: StyledAutoencoder(3, 4, 1, norm=norm).content,
    "ugatit": lambda norm: AttentiveGenerator(3, 4, 1, norm=norm).encoder,
    "unsb": lambda norm: TimedGenerator(3, 4, 1, timed=True, norm=norm).encoder,
}


def checkerboard_share(features):
    """Share of the energy of [B, C, H, W] at the highest horizontal, vertical and diagonal frequency."""
    energy = torch.fft.fft2(features.double()).abs().square().sum((0, 1))
    rows, columns = energy.shape[0] // 2, energy.shape[1] // 2
    return float((energy[rows, 0] + energy[0, columns] + energy[rows, columns]) / energy.sum())


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_only_transposed_convolutions_start_with_checkerboards(kind, kernel):
    torch.manual_seed(0)
    layer = initialize(nn.Sequential(upsample(8, 8, kind, kernel)))
    with torch.no_grad():
        inside = layer(torch.ones(1, 8, 16, 16))[:, :, 2:-2, 2:-2]
    share = checkerboard_share(inside)
    assert share > 0.1 if kind == "deconv" else share < 1e-10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("resampling", ["conv3", "conv4"])
def test_a_generator_without_transposed_convolutions_keeps_a_constant_image_constant(kind, resampling):
    torch.manual_seed(0)
    network = ResnetGenerator(width=8, blocks=1, norm="none", resampling=resampling, upsampling=kind)
    with torch.no_grad():
        inside = initialize(network, "xavier", gain=1.0)(torch.ones(1, 3, 64, 64))[:, :, 24:40, 24:40]
    share = checkerboard_share(inside)
    assert share > 1e-4 if kind == "deconv" else share < 1e-10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("padding", ["zeros", "reflect"])
@pytest.mark.parametrize(
    "build",
    [lambda **options: UNet(width=2, depth=4, **options), lambda **options: ResnetGenerator(width=2, **options)],
)
def test_every_upsampling_keeps_the_size(build, kind, padding):
    images = torch.zeros(1, 3, 16, 48)
    assert build(upsampling=kind, padding=padding).eval()(images).shape == images.shape


def test_resize_convolution_sees_the_nearest_pixel():
    layer = upsample(1, 1, "resize-conv", bias=False)
    with torch.no_grad():
        layer[1].weight.zero_()[0, 0, 1, 1] = 1  # the convolution gives its input back
    images = torch.arange(4.0).view(1, 1, 2, 2)
    assert layer(images).tolist() == [[[[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]]]


@pytest.mark.parametrize("kind", ["normal", "xavier", "kaiming", "default"])
def test_pixel_shuffle_starts_with_equal_weights_for_the_four_pixels(kind):
    layer = initialize(PixelShuffleUp(3, 2, "zeros", True), kind)
    weight, bias = layer.parameters()
    assert weight.shape[0] == 8
    for channel in range(2):
        group = slice(4 * channel, 4 * channel + 4)
        assert torch.equal(weight[group], weight[4 * channel].expand_as(weight[group]))
        assert bias[group].unique().numel() == 1
    assert not torch.equal(weight[0], weight[4])


@pytest.mark.parametrize("padding", ["zeros", "reflect"])
def test_padding_decides_what_a_unet_sees_beyond_the_border(padding):
    """Of a constant image the first convolution makes a constant map, unless zeros surround it."""
    network = UNet(width=2, depth=2, padding=padding)
    features = network.downs[0](torch.ones(1, 3, 8, 8))
    assert (features.std((2, 3)).max() < 1e-6) == (padding == "reflect")


@pytest.mark.parametrize("name", GANS)
def test_published_networks_have_no_variation(name):
    defaults = registry.get(name).Config()
    assert (defaults.upsampling, defaults.spectral_norm) == ("deconv", False)
    assert defaults.padding == ("reflect" if name == "cyclegan" else "zeros")


@pytest.mark.parametrize("name", GANS)
def test_shared_settings_reach_the_networks(name):
    def build(**settings):
        return Subject(registry.get(name), settings).build()

    def count(translator, kind):
        return sum(isinstance(module, kind) for module in translator.modules())

    for kind in ("resize-conv", "pixel-shuffle"):
        varied = build(upsampling=kind)
        assert count(varied, nn.ConvTranspose2d) == 0
        assert count(varied, nn.PixelShuffle if kind == "pixel-shuffle" else nn.Upsample) > 0
    norms = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "instance-affine": nn.InstanceNorm2d}
    for norm, module in norms.items():
        found = [m for m in build(norm=norm).modules() if isinstance(m, nn.BatchNorm2d | nn.InstanceNorm2d)]
        assert found
        assert all(isinstance(m, module) and m.affine == (norm != "instance") for m in found)
    assert count(build(norm="none"), nn.BatchNorm2d | nn.InstanceNorm2d) == 0
    spectral = build(spectral_norm=True)
    normalized = {key.split(".")[0] for key in spectral.state_dict() if "parametrizations" in key}
    assert normalized == {key for key, _ in spectral.named_children() if key.startswith("discriminator")}


@pytest.mark.parametrize("padding", ["zeros", "reflect"])
@pytest.mark.parametrize("name", ["cyclegan", "stargan"])
def test_outer_kernel_is_the_size_of_a_generators_first_and_last_kernels_alone(name, padding):
    def kernels(**settings):
        translator = Subject(registry.get(name), {"padding": padding, **settings}).build().eval()
        generator = getattr(translator, translator.generators[0])
        images, labels = torch.zeros(1, 3, 16, 24), torch.zeros(1, generator.labels) if generator.labels else None
        assert generator(images, labels).shape == images.shape
        return [m.kernel_size for m in generator.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]

    published = kernels()
    assert (published[0], published[-1]) == ((7, 7), (7, 7))
    assert kernels(outer_kernel=3) == [(3, 3), *published[1:-1], (3, 3)]


@pytest.mark.parametrize("name", CRITICS)
def test_spectral_norm_makes_every_largest_singular_value_one(name):
    torch.manual_seed(0)
    critic = normalize_spectrally(CRITICS[name]())
    for _ in range(100):
        critic(torch.rand(1, 3, 32, 32))
    layers = [module for module in critic.trunk.modules() if isinstance(module, nn.Conv2d)]
    assert layers
    for layer in [*layers, critic.patch_head]:
        largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
        assert float(largest) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("name", CRITICS)
def test_spectral_norm_adds_no_parameter_and_changes_no_weight_it_is_given(name):
    torch.manual_seed(0)
    plain = CRITICS[name]()
    spectral = normalize_spectrally(copy.deepcopy(plain))
    originals = [value for key, value in spectral.named_parameters() if key.endswith("weight.original")]
    weights = [value for key, value in plain.named_parameters() if key.endswith("weight") and value.ndim == 4]
    assert sum(p.numel() for p in spectral.parameters()) == sum(p.numel() for p in plain.parameters())
    assert all(torch.equal(*pair) for pair in zip(originals, weights, strict=True))


def test_a_copy_of_a_spectrally_normed_critic_goes_its_own_way():
    critic = normalize_spectrally(CRITICS["patchgan"]())
    twin = copy.deepcopy(critic)
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(critic(images), twin(images))
    before = {key: value.clone() for key, value in critic.state_dict().items()}
    twin(images)
    assert all(torch.equal(value, before[key]) for key, value in critic.state_dict().items())


def test_power_iterations_are_saved_and_stand_still_in_evaluation():
    critic = normalize_spectrally(CRITICS["patchgan"]())
    images = torch.rand(1, 3, 32, 32)
    vectors = [key for key in critic.state_dict() if key.endswith(("_u", "_v"))]
    before = {key: critic.state_dict()[key].clone() for key in vectors}
    critic.eval()(images)
    assert vectors
    assert all(torch.equal(critic.state_dict()[key], before[key]) for key in vectors)
    critic.train()(images)
    assert not all(torch.equal(critic.state_dict()[key], before[key]) for key in vectors)


def test_spectral_norm_is_computed_outside_autocast():
    class Probe(nn.Module):
        def forward(self, weight):
            return weight if torch.is_autocast_enabled("cpu") else weight + 1

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert _InFloat32(Probe())(torch.zeros(())) == 1
        assert normalize_spectrally(CRITICS["patchgan"]())(torch.rand(1, 3, 32, 32)).dtype == torch.bfloat16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_spectral_norm_works_under_autocast_on_a_gpu():
    critic = normalize_spectrally(CRITICS["patchgan"]()).cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        loss = critic(torch.rand(1, 3, 32, 32, device="cuda")).float().mean()
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(loss, list(critic.parameters())))


def test_spectral_norm_goes_with_the_gradient_penalty():
    """The penalty's gradient with respect to the weights is the one that finite differences give."""
    torch.manual_seed(0)
    critic = normalize_spectrally(strided_patchgan(3, 2, 2, 0, (8, 8)).double()).eval()
    real, fake = torch.rand(2, 2, 3, 8, 8, dtype=torch.double)
    mix = torch.rand(2, 1, 1, 1, dtype=torch.double)

    def penalty():
        return gradient_penalty(lambda images: critic(images).sum((1, 2, 3)).double(), real, fake, mix)

    weight = next(value for key, value in critic.named_parameters() if key.endswith("original"))
    (gradient,) = torch.autograd.grad(penalty(), weight)
    step = torch.zeros_like(weight)
    step[0, 1, 2, 3] = 1e-3
    with torch.no_grad():
        weight += step
    above = penalty()
    with torch.no_grad():
        weight -= 2 * step
    difference = (above - penalty()) / 2e-3
    assert float(gradient[0, 1, 2, 3]) == pytest.approx(float(difference.detach()), rel=1e-2)


@pytest.mark.integration
@pytest.mark.parametrize("name", GANS)
@pytest.mark.parametrize("kind", KINDS)
def test_varied_models_can_be_planned_without_weights(name, kind):
    subject = Subject(registry.get(name), {"upsampling": kind, "spectral_norm": True, "padding": "reflect"})
    translator = check_trainable(subject.config(), subject.task)
    assert {parameter.device.type for parameter in translator.parameters()} == {"meta"}


def test_an_unknown_upsampling_is_told_the_known_ones():
    with pytest.raises(UserError, match=r"model\.upsampling='bilinear' .*'deconv', 'resize-conv' or 'pixel-shuffle'"):
        run_config("stargan", {"model": {"upsampling": "bilinear"}})


@pytest.mark.parametrize("norm", ["instance", "instance-affine", "batch", "none"])
@pytest.mark.parametrize("model", list(ENCODERS))
def test_encoders_keep_the_light_of_an_image_but_for_instance_norms(model, norm):
    torch.manual_seed(0)
    encoder = initialize(ENCODERS[model](norm), "kaiming").eval()
    images = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        codes, darker = encoder(images), encoder(images / 2)
    assert (float((codes - darker).norm() / codes.norm()) < 0.01) == norm.startswith("instance")
    assert registry.get(model).Config().norm == "instance"
