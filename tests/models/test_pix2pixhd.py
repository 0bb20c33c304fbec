"""pix2pixHD is the authors': counts, sizes, losses by a second computation, order of the updates, perceptual term."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image

from i2i.data.batches import PairedBatch
from i2i.data.open import open_data
from i2i.errors import UserError
from i2i.metrics import VGG19Distance
from i2i.metrics.pretrained_table import lines
from i2i.models.pix2pixhd import Pix2PixHD, Pix2PixHDConfig
from i2i.nn import MultiscaleDiscriminator, ResnetGenerator, patchgan
from i2i.testing import Subject
from i2i.training.setup import check_trainable, run_config, task_of
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, drawn_losses, training_step
from i2i.translator import Coverage, Step, Task
from tests.support.vgg import put_random

GENERATORS = {182_443_267: {}, 182_546_755: {"labels": 33}, 45_593_347: {"downsamplings": 3}}
LAYERS, SCALES = 2, 3


@pytest.fixture(autouse=True)
def no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def vgg(no_weights):
    """Random weights of VGG-19 in the cache."""
    return put_random(VGG19Distance)


def task(side=32, channels=3):
    return Task.covering(Coverage.DIRECTION, "ab", (side, side), channels)


def build(channels=3, **settings):
    torch.manual_seed(0)
    config = Pix2PixHDConfig(**{**Pix2PixHD.test_settings, "layers": LAYERS, "scales": SCALES, **settings})
    return Pix2PixHD(config, task(channels=channels)).train()


def batch(channels=3):
    numbers = torch.Generator().manual_seed(1)
    return PairedBatch(*(torch.rand(2, channels, 32, 32, generator=numbers) * 2 - 1 for _ in range(2)))


def losses(translator, of=None):
    step = Step()
    return {phase.name: drawn_losses(phase, of or batch(), step) for phase in translator.phases()}


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("parameters", "settings"), GENERATORS.items())
def test_the_generator_has_the_published_parameters(parameters, settings):
    with torch.device("meta"):
        assert (
            count(ResnetGenerator(**settings, **({} if "downsamplings" in settings else {"downsamplings": 4})))
            == parameters
        )


def test_the_whole_has_the_published_parameters_and_maps():
    with torch.device("meta"):
        translator = Pix2PixHD(Pix2PixHDConfig(), task(256))
        maps = translator.discriminator(torch.empty(1, 6, 256, 256))
    assert count(translator.generator) == 182_443_267
    assert count(translator.discriminator) == 5_535_618
    assert [scores.shape for scores in maps] == [(1, 1, 35, 35), (1, 1, 19, 19)]


@pytest.mark.parametrize("downsamplings", [1, 2, 3, 4])
def test_the_generator_halves_as_often_as_it_doubles(downsamplings):
    network, images = ResnetGenerator(3, 2, 1, downsamplings=downsamplings), torch.zeros(1, 3, 32, 48)
    inner = network.layers[: 3 + 3 * downsamplings](images)
    assert inner.shape == (1, 2 * 2**downsamplings, 32 >> downsamplings, 48 >> downsamplings)
    assert network(images).shape == images.shape
    assert network.multiple == 2**downsamplings


def test_weights_start_as_the_paper_has_them():
    for name, value in build(width=16, discriminator_width=16).named_parameters():
        if name.endswith("bias"):
            assert not value.any(), name
        elif value.numel() > 1_000:
            assert float(value.detach().mean()) == pytest.approx(0, abs=3 * 0.02 / value.numel() ** 0.5), name
            assert float(value.detach().std()) == pytest.approx(0.02, rel=0.1), name


def scored(weights, source, image):
    """Layers of one PatchGAN, from its list of weights and biases."""
    features, outputs = torch.cat((source, image), 1), []
    pairs = list(zip(weights[::2], weights[1::2], strict=True))
    for place, (weight, bias) in enumerate(pairs):
        features = F.conv2d(features, weight, bias, stride=2 if place < LAYERS else 1, padding=2)
        if 0 < place < len(pairs) - 1:
            centered = features - features.mean((2, 3), keepdim=True)
            features = centered / (features.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        if place < len(pairs) - 1:
            features = torch.where(features > 0, features, 0.2 * features)
        outputs.append(features)
    return outputs


def shrunk(image):
    """Half the size by means of 3x3 fields, in which pixels beyond the border do not count."""
    ones = torch.ones(image.shape[1], 1, 3, 3)
    sums = F.conv2d(image, ones, stride=2, padding=1, groups=len(ones))
    return sums / F.conv2d(torch.ones_like(image), ones, stride=2, padding=1, groups=len(ones))


def test_the_losses_are_those_of_the_paper():
    translator, pairs = build(), batch()
    found = losses(translator, pairs)
    source, target, fake = pairs.source, pairs.target, translator.generator(pairs.source)
    adversarial = real = wrong = features = 0.0
    for scale in range(SCALES):
        weights = list(translator.discriminator.scales[scale].parameters())
        truth, lie = scored(weights, source, target), scored(weights, source, fake)
        adversarial += (lie[-1] - 1).square().mean()
        real += (truth[-1] - 1).square().mean()
        wrong += lie[-1].square().mean()
        for layer in range(LAYERS + 1):
            features += 4 / (LAYERS + 1) / SCALES * (lie[layer] - truth[layer]).abs().mean()
        source, target, fake = shrunk(source), shrunk(target), shrunk(fake)
    generator, discriminator = found["generator"], found["discriminator"]
    expected = {"adversarial": adversarial.item(), "features": features.item()}
    assert {name: term.item() for name, term in generator.terms.items()} == pytest.approx(expected, rel=1e-5)
    assert generator.total.item() == pytest.approx((adversarial + 10 * features).item(), rel=1e-5)
    assert discriminator.terms["real"].item() == pytest.approx(real.item(), rel=1e-5)
    assert discriminator.terms["fake"].item() == pytest.approx(wrong.item(), rel=1e-5)
    assert discriminator.total.item() == pytest.approx((0.5 * (real + wrong)).item(), rel=1e-5)


def test_no_gradient_comes_from_what_the_layers_make_of_the_truth():
    translator = build()
    pairs = PairedBatch(batch().source, batch().target.requires_grad_())
    gradient = torch.autograd.grad(losses(translator, pairs)["generator"].total, pairs.target, allow_unused=True)
    assert gradient == (None,)


def test_the_discriminators_judge_the_fake_of_before_the_generators_step():
    translator = build(learning_rate=0.1)
    before = {
        f"{phase}/{name}": term.item() for phase, own in losses(translator).items() for name, term in own.terms.items()
    }
    logged = training_step(translator, build_optimizers(translator), [batch()], 0, FiniteGuard(torch.device("cpu")))
    assert list(logged) == ["generator/adversarial", "generator/features", "discriminator/real", "discriminator/fake"]
    assert {name: float(term) for name, term in logged.items()} == pytest.approx(before, rel=1e-5)
    after = losses(translator)["discriminator"].terms
    assert after["fake"].item() != pytest.approx(before["discriminator/fake"], rel=1e-2)


def test_real_images_are_scored_once_per_step_and_fakes_for_each_turn(monkeypatch):
    translator, passes = build(scales=1), []
    translator.discriminator.scales[0].trunk[0].register_forward_hook(lambda *_: passes.append(1))
    losses(translator)
    assert len(passes) == 3


def test_without_weight_the_layers_are_not_compared():
    found = losses(build(lambda_features=0))["generator"]
    assert list(found.terms) == ["adversarial"]
    assert torch.equal(found.total, found.terms["adversarial"])


@pytest.mark.parametrize("channels", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_the_perceptual_term_compares_the_first_relu_of_each_stage(vgg, channels):
    with torch.device("meta"):
        layers = torchvision.models.vgg19().features
    layers.load_state_dict({name.removeprefix("features."): value for name, value in vgg.items()}, assign=True)
    translator, pairs = build(channels, lambda_perceptual=10), batch(channels)
    found = losses(translator, pairs)["generator"]
    names = {0: "relu1_1", 5: "relu2_1", 10: "relu3_1", 19: "relu4_1", 28: "relu5_1"}  # the convolutions ahead of them
    weights = dict(zip(names.values(), (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), strict=True))
    fake, real = translator.generator(pairs.source).expand(-1, 3, -1, -1), pairs.target.expand(-1, 3, -1, -1)
    expected = 0.0
    for place, layer in enumerate(layers):
        fake, real = layer(fake), layer(real)
        if place in names:
            expected += weights[names[place]] * (fake.relu() - real.relu()).abs().mean()
    assert found.terms["perceptual"].item() == pytest.approx(expected.item(), rel=1e-4)
    rest = found.terms["adversarial"] + 10 * found.terms["features"]
    assert found.total.item() == pytest.approx((rest + 10 * expected).item(), rel=1e-4)
    assert torch.autograd.grad(found.total, translator.generator.layers[1].weight)[0].any()


def test_weights_that_are_at_hand_are_used_and_are_no_part_of_the_model(vgg):
    assert Pix2PixHDConfig().lambda_perceptual == 10
    translator = build(lambda_perceptual=10)
    assert translator.inference == "dropout off"
    assert count(translator.perceptual) > 12_000_000
    assert not any(name.startswith("perceptual") for name in translator.state_dict())
    assert any(line.startswith("vgg19") for line in lines())


def test_without_its_weights_the_perceptual_term_is_off_and_that_is_said():
    assert Pix2PixHDConfig().lambda_perceptual == 0
    assert build().inference == "dropout off, learnt without the perceptual term"


def test_a_perceptual_term_without_weights_names_the_remedy_but_translates():
    translator = build(lambda_perceptual=10)
    assert translator.translate(batch().source, "a", "b").shape == (2, 3, 32, 32)
    with pytest.raises(UserError, match=r"vgg19-dcbb9e9d.pth.*i2i weights get vgg19.*lambda_perceptual=0"):
        losses(translator)


def test_the_shape_of_every_term_is_known_ahead_of_training(vgg):
    check_trainable(Subject(Pix2PixHD, {"lambda_perceptual": 10}).config(), task())


@pytest.mark.parametrize(
    ("side", "settings", "words"),
    [
        (24, {}, "halves 4 times, and needs 32 a side: use --set data.image_size=32 or a smaller"),
        (8, {"downsamplings": 3}, "halves 3 times, and needs 16 a side"),
        (40, {}, "does not divide by 16.*data.image_size=32"),
    ],
)
def test_sizes_that_do_not_fit_the_generator_are_refused(side, settings, words):
    config = run_config("pix2pixhd", {"model": settings, "data": {"image_size": side}})
    with pytest.raises(UserError, match=words):
        check_trainable(config, task(side))


def test_images_without_pairs_are_refused(tmp_path):
    for domain in "AB":
        for name in (f"{domain}{number}" for number in range(2)):
            place = tmp_path / f"train{domain}" / f"{name}.png"
            place.parent.mkdir(exist_ok=True)
            Image.new("RGB", (32, 32)).save(place)
    config = run_config("pix2pixhd", {"data": {"path": str(tmp_path), "image_size": 32}})
    with pytest.raises(UserError, match=r"pix2pixhd cannot be trained on .* learns from aligned pairs and .* has none"):
        task_of(config, open_data(config.data))


def test_each_scale_is_a_discriminator_of_its_own():
    discriminator = MultiscaleDiscriminator(patchgan(6, 2, 1, margin=2) for _ in range(3))
    assert count(discriminator) == 3 * count(discriminator.scales[0])
