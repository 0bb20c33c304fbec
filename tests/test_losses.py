"""The adversarial objectives have their closed forms, and every model can be trained with each of them."""

import math

import pytest
import torch

from i2i import registry
from i2i.config import build_run
from i2i.labels import LabelSet, LabelSpace
from i2i.losses import OBJECTIVES, discriminator_terms, interpolation, label_loss
from i2i.testing import CPU, Subject
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step
from i2i.training.trainer import build_translator

# Values of the three terms at scores 2 and -1 (mean over both), from the papers' formulas.
CLOSED_FORMS = {
    "vanilla": (
        (math.log1p(math.exp(-2)) + math.log1p(math.exp(1))) / 2,
        (math.log1p(math.exp(2)) + math.log1p(math.exp(-1))) / 2,
        (math.log1p(math.exp(-2)) + math.log1p(math.exp(1))) / 2,
    ),
    "lsgan": ((1 + 4) / 2, (4 + 1) / 2, (1 + 4) / 2),
    "hinge": ((0 + 2) / 2, (3 + 0) / 2, -0.5),
    "wgan-gp": (-0.5, 0.5, -0.5),
}


@pytest.mark.parametrize("gan", OBJECTIVES)
def test_objective_has_its_closed_form(gan):
    scores, objective = torch.tensor([[2.0, -1.0]]), OBJECTIVES[gan]
    terms = objective.real(scores), objective.fake(scores), objective.generator(scores)
    assert [float(term) for term in terms] == pytest.approx(CLOSED_FORMS[gan], rel=1e-6)


@pytest.mark.parametrize("gan", OBJECTIVES)
def test_objectives_are_float32_under_autocast(gan):
    scores, objective = torch.randn(4, 1, 8, 8).bfloat16(), OBJECTIVES[gan]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = objective.real(scores), objective.fake(scores), objective.generator(scores)
    assert {term.dtype for term in terms} == {torch.float32}


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_smoothed_labels_are_those_of_the_formula(smoothing):
    """Domains: cross-entropy with 1 - s + s/3 for the right one and s/3 for the others; attributes: 1 - s/2 and s/2."""
    logits, rows = torch.tensor([[1.0, -0.5, 0.3], [0.2, 2.0, -1.0]]), torch.tensor([[1.0, 0, 0], [0, 0, 1.0]])
    truth = rows * (1 - smoothing) + smoothing / 3
    expected = -(truth * logits.log_softmax(1)).sum(1).mean()
    assert float(label_loss(LabelSpace.of_domains("abc"), logits, rows, smoothing)) == pytest.approx(float(expected))
    truth = rows * (1 - smoothing) + smoothing / 2
    wrong = truth * torch.nn.functional.logsigmoid(logits) + (1 - truth) * torch.nn.functional.logsigmoid(-logits)
    attributes = LabelSpace((LabelSet(("a", "b", "c")),))
    assert float(label_loss(attributes, logits, rows, smoothing)) == pytest.approx(float(-wrong.sum(1).mean()))


def test_only_the_penalized_objective_has_a_penalty_and_none_touches_the_fake():
    fake = torch.rand(2, 3, 4, 4, requires_grad=True)
    weights = torch.rand(3, requires_grad=True)
    for gan, objective in OBJECTIVES.items():
        real = torch.rand(2, 3, 4, 4)
        terms = discriminator_terms(gan, lambda x: (x.mean((2, 3)) * weights).sum(1), real, fake, interpolation(real))
        assert ("penalty" in terms) == objective.penalized
        gradient = torch.autograd.grad(sum(terms.values()), (weights, fake), allow_unused=True)
        assert gradient[0] is not None
        assert gradient[1] is None


def test_a_penalty_without_mixing_weights_is_refused_with_where_they_come_from():
    images = torch.rand(2, 3, 4, 4)
    with pytest.raises(ValueError, match=r"wgan-gp has a penalty.* i2i\.losses\.interpolation"):
        discriminator_terms("wgan-gp", lambda x: x.mean((1, 2, 3)), images, images)


@pytest.mark.parametrize("gan", OBJECTIVES)
@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "stargan"])
def test_every_model_trains_with_every_objective(name, gan):
    subject = Subject(registry.get(name))
    settings = {"model": {**subject.cls.test_settings, "gan": gan}, "data": {"image_size": 32}}
    config = build_run(settings, name, subject.cls.Config, {"batch_size": 2})
    translator, guard = build_translator(config, subject.task).train(), FiniteGuard(CPU)
    before = {key: value.clone() for key, value in translator.state_dict().items()}
    terms = training_step(
        translator,
        build_optimizers(translator),
        [subject.batch()],
        max(phase.every for phase in translator.phases()) - 1,
        guard,
    )
    assert guard.fault() is None
    assert any("penalty" in term for term in terms) == (gan == "wgan-gp")
    changed = {key.split(".")[0] for key, value in translator.state_dict().items() if not value.equal(before[key])}
    assert changed == {network for optimizer in translator.optimizers().values() for network in optimizer.networks}
