"""What a training plugs together is what it should be: draws, modes, rates, pools, weights of losses, initial weights.

Comparing a training with itself shows none of this, nor do settings at which it makes no difference (no pool, weights
of 1, networks too small for dropout), so none of these are used here.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from i2i import registry
from i2i.data.batches import LabelledBatch, PairedBatch, UnpairedBatch
from i2i.distributed.process_group import Joined, Launch, Processes
from i2i.losses import gradient_penalty, interpolation
from i2i.models.cyclegan import CycleGAN, CycleGANConfig
from i2i.models.pix2pix import Pix2Pix, Pix2PixConfig
from i2i.models.reinhard import Reinhard
from i2i.models.stargan import StarGAN, StarGANConfig
from i2i.nn.modes import as_in_training, as_single_images
from i2i.nn.norm import norm_layer
from i2i.nn.unet import UNet
from i2i.runs.load import require_checkpoint
from i2i.testing import CPU, STEPS, Subject
from i2i.training.callbacks.base import Callback
from i2i.training.steps.step import drawn_losses
from i2i.training.trainer import Trainer
from i2i.translator import Coverage, Losses, ModelConfig, Optimizer, Phase, Step, Task, Translator

SIDE = 32


def task(coverage, side=SIDE, domains=None):
    return Task.covering(coverage, domains or ("abc" if coverage is Coverage.ALL else "ab"), (side, side))


def images(count, seed, side=SIDE):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Probe(Translator):
    """Two phases of unlike rates, which note what they draw and in which mode they are."""

    coverage = Coverage.DIRECTION
    batch = PairedBatch
    generators = ("first",)

    def __init__(self, config, task):
        super().__init__(config, task)
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.drawn, self.modes = [], []

    def phases(self):
        return (
            Phase("first", lambda batch, step: self._loss(self.first, batch), self._draw),
            Phase("second", lambda batch, step: self._loss(self.second, batch), self._draw),
        )

    def optimizers(self):
        return {"first": Optimizer(("first",), 1e-3), "second": Optimizer(("second",), 4e-3)}

    def _draw(self, batch, step):
        self.drawn.append(float(torch.rand(())))

    def _loss(self, network, batch):
        self.modes.append((self.training, network.training))
        distance = F.l1_loss(network(batch.source), batch.target)
        return Losses(distance, {"l1": distance})

    def generate(self, images, request):
        return self.first(images).tanh()


@pytest.fixture
def probe():
    registry.register("test-probe")(Probe)
    yield Subject(Probe)
    registry.unregister("test-probe")


def trained(subject, run, *callbacks, processes=None, **settings):
    arguments = {"processes": processes} if processes else {}
    training = Trainer(
        run, subject.config(**settings), subject.task, subject.training_images(), CPU, callbacks, **arguments
    )
    training.train()
    return training


def test_every_step_draws_again_and_the_seed_decides_what(probe, tmp_path):
    one, again, other = (
        trained(probe, tmp_path / name, seed=seed).translator.drawn
        for name, seed in (("one", 3), ("again", 3), ("other", 4))
    )
    assert len(set(one)) == len(one) == 2 * STEPS
    assert one == again
    assert not set(one) & set(other)


class Second(Processes):
    """The second of two processes, as if the first did nothing."""

    rank, count = 1, 2


def test_every_process_draws_for_itself_and_the_first_as_one_that_is_alone(probe, tmp_path):
    alone = trained(probe, tmp_path / "alone").translator.drawn
    second = trained(probe, tmp_path / "second", processes=Second()).translator.drawn
    assert len(second) == len(alone)
    assert not set(alone) & set(second)
    assert Processes().seed([7, 5]) == [7, 5]


def test_processes_take_the_rows_of_a_batch_in_turn_and_average_what_they_have(monkeypatch):
    """The other process of two has 10 in every place of every tensor."""
    assert [type("", (Processes,), {"rank": rank, "count": 3})().share(6) for rank in range(3)] == [
        slice(0, 2),
        slice(2, 4),
        slice(4, 6),
    ]
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda flat, *_: flat.add_(10))
    given = [torch.tensor([[0.0, 4.0]]), torch.tensor(2.0)]
    Joined(Launch(1, 1, 2), None).average(given)
    assert [tensor.tolist() for tensor in given] == [[[5.0, 7.0]], 6.0]


def test_a_checkpoint_tells_how_many_parameters_there_are(probe, tmp_path):
    trained(probe, tmp_path)
    assert require_checkpoint(tmp_path).meta["parameters"] == 2 * (3 * 3 + 3)


def test_every_step_is_in_training_mode_whatever_was_done_before(probe, tmp_path):
    class Evaluating(Callback):
        def on_step(self, position):
            training.translator.eval()

    training = Trainer(tmp_path, probe.config(), probe.task, probe.training_images(), CPU, (Evaluating(),))
    training.translator.eval()
    training.train()
    assert training.translator.modes == [(True, True)] * 2 * STEPS


def test_the_rate_of_every_optimizer_falls_as_the_schedule_says(probe, tmp_path):
    rates = []

    class Rates(Callback):
        def on_record(self, record):
            rates.append(record.learning_rates)

    trained(probe, tmp_path, Rates(), log_every=1, decay_from=0.5)
    factors = [1, 1, 1, 1, 2 / 3, 1 / 3]
    assert [rate["first"] for rate in rates] == pytest.approx([1e-3 * factor for factor in factors])
    assert [rate["second"] for rate in rates] == pytest.approx([4e-3 * factor for factor in factors])


def test_losses_of_the_log_are_means_over_the_steps_since_the_last_line(probe, tmp_path):
    class Logged(Callback):
        def __init__(self):
            self.by_step = {}

        def on_record(self, record):
            self.by_step[record.position.step] = record.losses["second/l1"]

    every, third = Logged(), Logged()
    trained(probe, tmp_path / "every", every, log_every=1)
    trained(probe, tmp_path / "third", third, log_every=3)
    single = every.by_step
    assert third.by_step == pytest.approx(
        {1: single[1], 3: (single[2] + single[3]) / 2, 6: (single[4] + single[5] + single[6]) / 3}
    )


class Noting(nn.Module):
    """Judges by the mean of an image, and notes those of all that it was given."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.seen = []

    def forward(self, images):
        self.seen.append([round(float(mean), 2) for mean in images.mean((1, 2, 3))])
        return images.mean((1, 2, 3)) * self.weight


def flat(*levels):
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, 3, SIDE, SIDE).clone()


def test_each_discriminator_judges_real_images_of_its_domain_and_fakes_from_a_pool_of_its_own():
    translator = CycleGAN(CycleGANConfig(width=2, blocks=0, pool_size=3), task(Coverage.PAIR))
    translator.discriminator_a, translator.discriminator_b = Noting(), Noting()
    torch.manual_seed(0)
    for number in range(30):
        level = number / 100
        step = Step(fake_a=flat(0.5 + level), fake_b=flat(-0.5 - level))
        drawn_losses(translator.phases()[1], UnpairedBatch(flat(0.01), flat(-0.01)), step)
    for critic, real, sign in ((translator.discriminator_a, 0.01, 1), (translator.discriminator_b, -0.01, -1)):
        now = [sign * round(0.5 + step / 100, 2) for step in range(30)]
        shown = [fake for (fake,) in critic.seen[1::2]]
        assert critic.seen[::2] == [[real]] * 30
        assert shown[:3] == now[:3]
        assert set(shown) <= set(now)
        earlier = sum(fake != own for fake, own in zip(shown, now, strict=True))
        assert 5 <= earlier <= 22
    assert {pool.size for pool in (translator.pool_a, translator.pool_b)} == {3}
    state = translator.training_state()
    assert len(state["pool_a"]) == len(state["pool_b"]) == 3
    assert state["pool_a"].amin() > 0 > state["pool_b"].amax()


# By phase, the settings that weigh the terms; numbers are fixed by the papers.
WEIGHTS = {
    "pix2pix": {
        "discriminator": {"real": 0.5, "fake": 0.5, "penalty": "lambda_gp"},
        "generator": {"adversarial": "lambda_gan", "l1": "lambda_l1"},
    },
    "cyclegan": {
        "generators": {
            f"{term}_{side}": weight
            for term, weight in (
                ("adversarial", "lambda_gan"),
                ("cycle", "lambda_cycle"),
                ("identity", "lambda_identity"),
            )
            for side in "ab"
        },
        "discriminators": {
            f"{term}_{side}": weight
            for term, weight in (("real", 0.5), ("fake", 0.5), ("penalty", "lambda_gp"))
            for side in "ab"
        },
    },
    "stargan": {
        "discriminator": {"real": 1, "fake": 1, "penalty": "lambda_gp", "classification": "lambda_classification"},
        "generator": {
            "adversarial": 1,
            "classification": "lambda_classification",
            "reconstruction": "lambda_reconstruction",
        },
    },
}


SETTINGS = {
    name: sorted({weight for terms in phases.values() for weight in terms.values() if isinstance(weight, str)})
    for name, phases in WEIGHTS.items()
}


@pytest.mark.parametrize("gan", ["lsgan", "wgan-gp"])
@pytest.mark.parametrize(
    ("name", "zero"), [(name, zero) for name, settings in SETTINGS.items() for zero in (None, *settings)]
)
def test_the_total_of_a_phase_is_its_terms_each_with_its_own_weight(name, zero, gan):
    weights = {setting: 2 + place / 4 for place, setting in enumerate(SETTINGS[name])} | ({zero: 0.0} if zero else {})
    subject, step = Subject(registry.get(name), {"gan": gan, **weights}), Step()
    for phase in subject.build().train().phases():
        losses = drawn_losses(phase, subject.batch(), step)
        of_phase = {term: weights.get(weight, weight) for term, weight in WEIGHTS[name][phase.name].items()}
        if gan == "lsgan":
            of_phase = {term: weight for term, weight in of_phase.items() if not term.startswith("penalty")}
        assert {term for term, weight in of_phase.items() if weight} <= losses.terms.keys() <= of_phase.keys()
        expected = sum(of_phase[term] * value.item() for term, value in losses.terms.items())
        assert losses.total.item() == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_every_image_of_a_penalty_is_mixed_with_a_weight_of_its_own():
    mixed = []

    def critic(given):
        mixed.append(given.detach())
        return given.square().sum((1, 2, 3))

    torch.manual_seed(0)
    for _ in range(2):
        real = torch.ones(64, 3, 2, 2)
        gradient_penalty(critic, real, torch.zeros(64, 3, 2, 2), interpolation(real))
    weights = torch.stack(mixed).flatten(2)
    assert torch.equal(weights, weights[:, :, :1].expand_as(weights))  # the same in all of an image
    drawn = weights[:, :, 0].flatten()
    assert len(drawn.unique()) == 128
    assert drawn.min() < 0.1 < 0.9 < drawn.max()
    assert float(drawn.mean()) == pytest.approx(0.5, abs=0.1)


def test_a_penalty_lies_where_its_weight_says_between_fake_and_real():
    """The critic's slope is 2 * value * sqrt(12), so the penalty tells where it was taken."""
    weight = torch.tensor([0.25]).view(1, 1, 1, 1)
    penalty = gradient_penalty(
        lambda x: x.square().sum((1, 2, 3)), torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2), weight
    )
    assert penalty.item() == pytest.approx((2 * 0.25 * 12**0.5 - 1) ** 2, rel=1e-5)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("norm", ["instance", "instance-affine"])
def test_instance_norm_scales_and_shifts_in_every_layout(norm, count, layout):
    layer = norm_layer(norm, 4)
    given = torch.randn(count, 4, 8, 8, generator=torch.Generator().manual_seed(0)) * 3 + 1
    deviation, mean = torch.std_mean(given, dim=(2, 3), correction=0, keepdim=True)
    expected = (given - mean) / (deviation**2 + 1e-5).sqrt()
    if norm == "instance-affine":
        gain, offset = torch.tensor([1.5, 0.5, -1.0, 2.0]), torch.tensor([0.1, -0.2, 0.3, 1.0])
        layer.load_state_dict({"weight": gain, "bias": offset})
        expected = expected * gain.view(-1, 1, 1) + offset.view(-1, 1, 1)
    torch.testing.assert_close(layer(given.contiguous(memory_format=layout)), expected, rtol=1e-4, atol=1e-5)


NORMAL = [(Pix2Pix, Pix2PixConfig, Coverage.DIRECTION), (CycleGAN, CycleGANConfig, Coverage.PAIR)]


@pytest.mark.parametrize(("model", "config", "coverage"), NORMAL)
def test_weights_start_with_the_deviation_of_the_papers(model, config, coverage):
    torch.manual_seed(0)
    translator = model(config(width=16, discriminator_width=16), task(coverage, 64))
    for name, module in translator.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            spread = 4 * 0.02 / (2 * module.weight.numel()) ** 0.5  # four deviations of the estimate
            assert module.weight.std().item() == pytest.approx(0.02, abs=spread), name
            assert module.bias is None or not module.bias.any(), name
        elif isinstance(module, nn.BatchNorm2d):
            assert module.weight.mean().item() == pytest.approx(1, abs=0.02), name
            assert 0.01 < module.weight.std().item() < 0.03, name


def test_stargan_starts_with_the_weights_of_its_authors_code():
    torch.manual_seed(0)
    translator = StarGAN(StarGANConfig(width=16, discriminator_width=16, blocks=1), task(Coverage.ALL, 64))
    for name, module in translator.named_modules():
        if isinstance(module, nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5  # uniform, PyTorch's default
            assert 0.9 * bound < module.weight.abs().max().item() <= bound, name


@pytest.mark.parametrize(("depth", "count"), [(4, 0), (5, 0), (6, 1), (7, 2), (8, 3)])
def test_a_unet_has_the_dropout_layers_of_its_depth_next_to_the_innermost(depth, count):
    network = UNet(width=1, depth=depth, dropout=0.3)
    rates = [[layer.p for layer in up if isinstance(layer, nn.Dropout)] for up in network.ups]
    assert rates == [[]] + [[0.3]] * count + [[]] * (depth - 1 - count)


def test_each_direction_of_cyclegan_is_translated_by_its_own_generator():
    translator, given = CycleGAN(CycleGANConfig(width=2, blocks=0), task(Coverage.PAIR)).eval(), images(2, seed=0)
    with torch.no_grad():
        for way, generator in ((("a", "b"), translator.a_to_b), (("b", "a"), translator.b_to_a)):
            assert torch.equal(translator.translate(given, *way), generator(given))


@pytest.mark.parametrize(("norm", "dropout"), [("batch", 0.5), ("instance", 0.5), ("batch", 0)])
def test_pix2pix_translates_with_the_same_noise_whatever_the_batch_and_the_random_stream(norm, dropout):
    """The others would have its noise or its statistics changed by their neighbours; 64 px have one dropout layer."""
    settings = {"width": 4, "discriminator_width": 4, "norm": norm, "dropout": dropout}
    translator = Pix2Pix(Pix2PixConfig(**settings), task(Coverage.DIRECTION, 64))
    still = Pix2Pix(Pix2PixConfig(**settings, test_dropout=False), task(Coverage.DIRECTION, 64))
    torch.manual_seed(0)
    for module in translator.modules():  # deviations of 0.02 leave nothing of the innermost levels
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.2)
    still.load_state_dict(translator.state_dict())
    given = images(3, seed=1, side=64)
    together = translator.translate(given, "a", "b")
    torch.manual_seed(99)
    alone = torch.cat([translator.translate(one[None], "a", "b") for one in given.flip(0)]).flip(0)
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
    noise = (together - still.translate(given, "a", "b")).abs().max()
    assert noise > 1e-3 if dropout else noise < 1e-6


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pix2pix_translates_a_batch_bit_for_bit_as_its_images_in_the_memory_format_they_have(layout):
    """Another format would round otherwise; 64 px have one dropout layer."""
    settings = {"width": 16, "discriminator_width": 4, "norm": "instance"}
    translator = Pix2Pix(Pix2PixConfig(**settings), task(Coverage.DIRECTION, 64))
    one = images(1, seed=1, side=64).contiguous(memory_format=layout)
    pair = torch.cat([one, one]).contiguous(memory_format=layout)
    with torch.no_grad(), as_in_training(translator.generator.eval(), dropout=True, statistics=False):
        torch.manual_seed(0)
        expected = translator.generator(one)
    for translated in translator.translate(pair, "a", "b").split(1):
        assert torch.equal(translated, expected)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_a_batch_can_be_computed_as_its_images_one_by_one(norm):
    """What a GPU does; 64 px have one dropout layer."""
    settings = {"width": 16, "discriminator_width": 4, "norm": norm}
    translator = Pix2Pix(Pix2PixConfig(**settings), task(Coverage.DIRECTION, 64)).double().eval()
    given = images(3, seed=1, side=64).double()
    before = {name: value.clone() for name, value in translator.state_dict().items()}
    with torch.no_grad(), as_single_images(translator.generator, dropout=True, statistics=norm == "batch"):
        together = translator._seeded(given)
    torch.testing.assert_close(together, translator.translate(given, "a", "b"), rtol=0, atol=1e-10)
    assert not any("forward" in vars(module) for module in translator.modules())
    assert all(torch.equal(value, before[name]) for name, value in translator.state_dict().items())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_pix2pix_translates_a_batch_on_a_gpu_as_its_images_one_by_one():
    translator = Pix2Pix(Pix2PixConfig(width=16, discriminator_width=4), task(Coverage.DIRECTION, 64)).double().cuda()
    given = images(3, seed=1, side=64).double().cuda()
    alone = torch.cat([translator.translate(image, "a", "b") for image in given.split(1)])
    torch.testing.assert_close(translator.translate(given, "a", "b"), alone, rtol=0, atol=1e-10)


@pytest.mark.parametrize("statistics", ["image", "running"])
def test_pix2pix_normalizes_by_the_image_or_by_running_statistics_as_it_is_told(statistics):
    settings = {"width": 4, "discriminator_width": 4, "dropout": 0, "test_statistics": statistics}
    translator, given = Pix2Pix(Pix2PixConfig(**settings), task(Coverage.DIRECTION)), images(1, seed=2)
    before = translator.translate(given, "a", "b")
    with torch.no_grad():
        own = translator.train().generator(given)  # which also moves the running statistics
    after = translator.translate(given, "a", "b")
    assert torch.equal(before, after) == torch.equal(own, after) == (statistics == "image")


def test_the_baseline_reinhard_gives_mean_and_deviation_of_the_target():
    baseline = Reinhard(ModelConfig(), task(Coverage.ALL, domains=("flat", "rough")))
    training = {"flat": images(4, seed=1) * 0.1 - 0.2, "rough": images(4, seed=2) * 0.3 + 0.1}
    training["rough"][1] *= 0.5  # deviations are averaged image by image
    baseline.prepare(lambda domain: iter(training[domain].split(3)))
    given = images(2, seed=3) * 0.2 + 0.5
    for target, learnt in training.items():
        made = baseline.translate(given, "rough" if target == "flat" else "flat", target)
        mean, deviation = learnt.mean((0, 2, 3)), learnt.std((2, 3), correction=0).mean(0)
        torch.testing.assert_close(made.mean((2, 3)), mean.expand(2, 3), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(made.std((2, 3), correction=0), deviation.expand(2, 3), rtol=1e-3, atol=1e-4)


def test_stargan_aims_at_the_labels_of_the_batch_in_another_order_in_every_step():
    subject = Subject(registry.get("stargan"))
    translator, labels, drawn = subject.build().train(), torch.eye(3)[[0, 1, 2, 0, 1, 2]], []
    for _ in range(3):
        step = Step()
        drawn_losses(translator.phases()[0], LabelledBatch(images(6, seed=0), labels), step)
        drawn.append(step["targets"])
        assert torch.equal(step["targets"].sum(0), labels.sum(0))
    assert len({str(targets.argmax(1).tolist()) for targets in [labels, *drawn]}) > 2


def test_stargan_teaches_real_images_their_own_labels_and_fakes_the_targets():
    """With logits that are right for one of the two, only one of the two losses is small."""
    translator = StarGAN(StarGANConfig(width=2, discriminator_width=2, blocks=0, layers=2), task(Coverage.ALL))
    own, wanted = torch.eye(3)[[0, 1]], torch.eye(3)[[2, 0]]
    batch, step = LabelledBatch(images(2, seed=0), own), Step()
    logits = {"discriminator": own * 20, "generator": wanted * 20}
    for phase in translator.phases():
        translator.discriminator.scores_and_logits = lambda given, classified=None, right=logits[phase.name]: (
            translator.discriminator(given),
            right,
        )
        losses = drawn_losses(phase, batch, step, {"targets": wanted})
        assert float(losses.terms["classification"]) < 1e-3
