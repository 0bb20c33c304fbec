"""The papers' ablations and variations do what they are called, and nothing besides."""

import numpy as np
import pytest
import torch
from PIL import Image

from i2i import registry
from i2i.config import parse_assignments
from i2i.data.batches import PairedBatch
from i2i.data.image_files.images import Preprocess
from i2i.data.open import open_data
from i2i.data.training_images import TrainingImages
from i2i.errors import UserError
from i2i.nn.unet import UNet
from i2i.testing import Subject
from i2i.training.setup import check_trainable, run_config, task_of
from i2i.training.steps.step import drawn_losses
from i2i.translator import Coverage, Step, Task


def build(name, **settings):
    return Subject(registry.get(name), settings).build().train()


def networks(translator):
    return {name for name, _ in translator.named_children()}


def logged(translator, batch):
    """The names of all terms, by phase."""
    step = Step()
    return {phase.name: set(drawn_losses(phase, batch, step).terms) for phase in translator.phases()}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


BOTH = {"discriminator": {"real", "fake"}, "generator": {"adversarial", "l1"}}


@pytest.mark.parametrize(
    ("settings", "terms"),
    [
        ({}, BOTH),
        ({"conditional": False}, BOTH),
        ({"lambda_gan": 0}, {"generator": {"l1"}}),
        ({"lambda_l1": 0}, {"discriminator": {"real", "fake"}, "generator": {"adversarial"}}),
        ({"lambda_l1": 0, "conditional": False}, {"discriminator": {"real", "fake"}, "generator": {"adversarial"}}),
    ],
)
def test_pix2pix_computes_the_terms_that_have_a_weight(settings, terms):
    subject = Subject(registry.get("pix2pix"), settings)
    assert logged(subject.build().train(), subject.batch()) == terms


def test_pix2pix_with_l1_alone_has_no_discriminator():
    assert networks(build("pix2pix", lambda_gan=0)) == {"generator"}


@pytest.mark.parametrize(("conditional", "channels"), [(True, 6), (False, 3)])
def test_an_unconditional_discriminator_sees_only_the_output(conditional, channels):
    translator = build("pix2pix", conditional=conditional, norm="none")
    first = next(iter(translator.discriminator.parameters()))
    assert first.shape[1] == channels
    batch = Subject(registry.get("pix2pix")).batch()
    totals = []
    for source in (batch.source, -batch.source):
        batch = PairedBatch(source, batch.target)
        totals.append(translator.phases()[1].loss(batch, Step(fake=batch.target)).total)
    assert torch.equal(*totals) == (not conditional)


def test_pix2pix_without_any_loss_is_refused():
    with pytest.raises(UserError, match=r"lambda_gan=0 and lambda_l1=0.*--set model\.lambda_l1=100"):
        run_config("pix2pix", {"model": {"lambda_gan": 0, "lambda_l1": 0}})


def test_the_generator_without_skips_is_an_encoder_decoder():
    """Images that the innermost encoding cannot tell apart have the same output; with skips they differ."""
    torch.manual_seed(0)
    for skips in (True, False):
        network = UNet(width=2, depth=3, norm="none", dropout=0, skips=skips)
        torch.nn.init.zeros_(network.downs[-1][1].weight)
        one, other = network(torch.rand(1, 3, 8, 8)), network(torch.rand(1, 3, 8, 8))
        assert torch.equal(one, other) == (not skips)


def test_without_skips_the_decoder_takes_half_the_channels():
    width, depth = 4, 5
    widths = [width * min(2**level, 8) for level in range(depth)]
    with_skips, without = (UNet(width=width, depth=depth, skips=skips) for skips in (True, False))
    # Every decoder level but the innermost loses `widths[level]` inputs of 4x4 kernels.
    outputs = [3, *widths]
    saved = sum(16 * widths[level] * outputs[level] for level in range(depth - 1))
    assert parameters(with_skips) - parameters(without) == saved


@pytest.mark.parametrize(
    ("norm", "dropout", "test_dropout", "test_statistics", "printed"),
    [
        ("batch", 0.5, True, "image", "dropout on, batch norm by the image's own statistics"),
        ("batch", 0.5, False, "image", "dropout off, batch norm by the image's own statistics"),
        ("batch", 0.0, True, "running", "dropout off"),
        ("batch", 0.5, True, "running", "dropout on"),
        ("instance", 0.5, True, "image", "dropout on"),
        ("none", 0.5, False, "image", "dropout off"),
    ],
)
def test_what_pix2pix_does_when_it_translates_is_said(norm, dropout, test_dropout, test_statistics, printed):
    translator = build(
        "pix2pix", norm=norm, dropout=dropout, test_dropout=test_dropout, test_statistics=test_statistics
    )
    assert translator.inference == printed


@pytest.mark.parametrize(("domains", "source"), [("A,B", -1.0), ("B,A", 1.0)])
def test_the_order_of_the_domains_is_the_direction_of_pix2pix(tmp_path, domains, source):
    """Images side by side, A black and B white: `data.domains=B,A` learns from B to A."""
    (tmp_path / "train").mkdir()
    halves = np.concatenate((np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)), axis=1)
    Image.fromarray(halves).save(tmp_path / "train" / "1.png")
    settings = [f"data.path={tmp_path}", f"data.domains={domains}", "data.image_size=8", "model.layers=0"]
    config = run_config("pix2pix", parse_assignments(settings))
    data = open_data(config.data)
    task = task_of(config, data)
    assert task.directions == (tuple(domains.split(",")),)
    images = TrainingImages.load(data.restricted(task.domains), "train", Preprocess((8, 8)))
    batch = registry.get("pix2pix").batch.draw(images, task.domains, 1, 0)
    assert (float(batch.source.mean()), float(batch.target.mean())) == pytest.approx((source, -source))


@pytest.mark.parametrize(
    ("layers", "side", "trains"),
    [(0, 32, True), (1, 32, True), (3, 32, True), (5, 32, False), (5, 64, False), (5, 96, True)],
)
def test_a_discriminator_whose_map_vanishes_is_refused(layers, side, trains):
    """Fields of 1, 16, 70 and 286 px; what is left of 64 px by the last is less than its kernels."""
    config = run_config("pix2pix", {"model": {"layers": layers, "width": 2}, "data": {"image_size": side}})
    task = Task.covering(Coverage.DIRECTION, ("a", "b"), (side, side))
    if trains:
        check_trainable(config, task)
        return
    with pytest.raises(UserError, match=rf"pix2pix cannot be trained at {side}x{side} px.*--set data\.image_size"):
        check_trainable(config, task)


CYCLES = {"cycle_a", "cycle_b"}
ADVERSARIAL = {"adversarial_a", "adversarial_b"}
DISCRIMINATORS = {"real_a", "fake_a", "real_b", "fake_b"}
NO_IDENTITY = {"lambda_identity": 0}


@pytest.mark.parametrize(
    ("settings", "generators", "adversarial"),
    [
        ({}, ADVERSARIAL | CYCLES | {"identity_a", "identity_b"}, True),
        (NO_IDENTITY, ADVERSARIAL | CYCLES, True),
        (NO_IDENTITY | {"lambda_cycle": 0}, ADVERSARIAL, True),
        (NO_IDENTITY | {"lambda_gan": 0}, CYCLES, False),
        (NO_IDENTITY | {"cycle": "forward"}, ADVERSARIAL | {"cycle_a"}, True),
        (NO_IDENTITY | {"cycle": "backward"}, ADVERSARIAL | {"cycle_b"}, True),
        (NO_IDENTITY | {"lambda_gan": 0, "cycle": "backward"}, {"cycle_b"}, False),
    ],
)
def test_cyclegan_computes_the_terms_that_have_a_weight(settings, generators, adversarial):
    subject = Subject(registry.get("cyclegan"), settings)
    translator = subject.build().train()
    terms = {"generators": generators} | ({"discriminators": DISCRIMINATORS} if adversarial else {})
    assert logged(translator, subject.batch()) == terms
    assert networks(translator) == {"a_to_b", "b_to_a"} | (
        {"discriminator_a", "discriminator_b"} if adversarial else set()
    )


def test_the_forward_cycle_returns_to_the_first_domain():
    subject = Subject(registry.get("cyclegan"), {"cycle": "forward", "lambda_gan": 0, "lambda_identity": 0})
    translator, batch = subject.build().train(), subject.batch()
    (phase,) = translator.phases()
    losses = phase.loss(batch, Step())
    distance = (translator.b_to_a(translator.a_to_b(batch.a)) - batch.a).abs().mean()
    assert torch.equal(losses.terms["cycle_a"], distance)
    assert torch.equal(losses.total, 10 * distance)


def test_cyclegan_without_any_loss_is_refused():
    with pytest.raises(
        UserError, match=r"lambda_gan=0, lambda_cycle=0 and lambda_identity=0.*--set model\.lambda_cycle"
    ):
        run_config("cyclegan", {"model": {"lambda_gan": 0, "lambda_cycle": 0, "lambda_identity": 0}})


def test_without_a_pool_discriminators_judge_the_fakes_of_the_step():
    subject = Subject(registry.get("cyclegan"), {"pool_size": 0})
    translator, generator = subject.build().train(), torch.Generator().manual_seed(0)
    phase = translator.phases()[1]
    fakes = [torch.rand(2, 3, 32, 32, generator=generator) for _ in range(8)]
    batch = subject.batch()
    for fake in fakes:
        scores = drawn_losses(phase, batch, Step(fake_a=fake, fake_b=fake)).terms["fake_a"]
        assert torch.equal(scores, translator.discriminator_a(fake).square().mean())
    assert not len(translator.training_state()["pool_a"])
