"""A translator whose phases break the contract is refused ahead of its training, by class, phase and remedy."""

import pytest
import torch
from torch import nn

from i2i import cli, registry
from i2i.data.batches import PairedBatch
from i2i.errors import UserError
from i2i.testing import CHECKS, Subject
from i2i.training import phase_checks
from i2i.training.phase_checks import check_phases
from i2i.training.steps.step import drawn_losses
from i2i.translator import Coverage, Losses, ModelConfig, Optimizer, Phase, Step, Task, Translator
from tests.test_custom_models import BLEND, blend  # noqa: F401

TASK = Task.covering(Coverage.DIRECTION, ("dawn", "noon"), (8, 8))


class Two(Translator):
    """Two networks in two phases, as the contract has it."""

    coverage = Coverage.DIRECTION
    batch = PairedBatch

    def __init__(self, config, task):
        super().__init__(config, task)
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

    def phases(self):
        return Phase("one", self.loss), Phase("two", self.other)

    def optimizers(self):
        return {"one": Optimizer(("first",)), "two": Optimizer(("second",))}

    def loss(self, batch, step):
        step["first"] = self.first(batch.source)
        return Losses(step["first"].mean(), {"mean": step["first"].mean().detach()})

    def other(self, batch, step):
        return Losses(self.second(step["first"].detach()).mean(), {})

    def generate(self, images, request):
        return self.first(images)


def refusal(**methods):
    broken = type("Broken", (Two,), methods)
    with torch.device("meta"):
        translator = broken(ModelConfig(), TASK)
        batch = PairedBatch(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8))
    with pytest.raises(UserError) as refused:
        check_phases(translator, batch)
    assert "Broken" in str(refused.value)
    return str(refused.value)


def test_phases_that_keep_the_contract_are_taken_and_leave_no_gradients():
    translator = Two(ModelConfig(), TASK)
    check_phases(translator, PairedBatch(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8)))
    assert all(parameter.grad is None for parameter in translator.parameters())


@pytest.mark.parametrize(
    ("loss", "named"),
    [
        (lambda self, b, s: self.first(b.source).mean(), "returns a tensor of shape []"),
        (lambda self, b, s: None, "returns NoneType"),
        (lambda self, b, s: Losses(self.first(b.source), {}), "'total' is a tensor of shape [2, 3, 8, 8]"),
        (lambda self, b, s: Losses(0.0, {}), "'total' is float"),
        (lambda self, b, s: Losses(self.first(b.source).mean(), {"l1": 0.5}), "'l1' is float"),
        (lambda self, b, s: Losses(self.first(b.source).mean(), {"l1": b.source}), "'l1' is a tensor of shape [2, 3"),
        (lambda self, b, s: Losses(self.first(b.source).mean(), [b.source.mean()]), "terms of list"),
        (lambda self, b, s: Losses(self.first(b.source).mean().detach(), {}), "detached"),
        (lambda self, b, s: Losses(self.second(b.source).mean(), {}), "does not depend on first.weight, first.bias"),
    ],
)
def test_a_loss_that_returns_the_wrong_thing_is_named(loss, named):
    message = refusal(loss=loss)
    assert named in message
    assert "phase 'one'" in message


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "stargan"])
def test_losses_reach_the_parameters_that_get_gradients_from_them(name):
    """By the graph alone, gradient penalties and passes through another network included."""
    subject = Subject(registry.get(name))
    translator, step = subject.build(), Step()
    parameters = dict(translator.named_parameters())
    for phase in translator.phases():
        total = drawn_losses(phase, subject.batch(), step).total
        gradients = torch.autograd.grad(total, list(parameters.values()), retain_graph=True, allow_unused=True)
        got = {
            id(value) for value, gradient in zip(parameters.values(), gradients, strict=True) if gradient is not None
        }
        assert phase_checks._leaves(total) & {id(value) for value in parameters.values()} == got


def test_a_network_that_no_optimizer_trains_is_told():
    message = refusal(phases=lambda self: Two.phases(self)[:1], optimizers=lambda self: {"one": Optimizer(("first",))})
    assert "no optimizer of Broken trains second.weight, second.bias" in message


def test_phases_and_optimizers_that_do_not_match_are_named():
    missing = refusal(optimizers=lambda self: {"one": Optimizer(("first", "second"))})
    assert "phase 'two' of Broken steps the optimizer 'two', which optimizers() does not give; it gives one" in missing
    assert "no phase of Broken steps two" in refusal(phases=lambda self: Two.phases(self)[:1])
    twice = refusal(phases=lambda self: (*Two.phases(self), Phase("one", self.loss)))
    assert "two phases of Broken are named 'one'" in twice


def test_a_phase_may_leave_parameters_unused_where_it_says_so():
    class Heads(Two):
        def phases(self):
            part = Phase("one", self.part, optimizers=("one", "two"), allow_unused=True)
            return (part,)

        def part(self, batch, step):
            return Losses(self.first(batch.source).mean(), {})

    check_phases(Heads(ModelConfig(), TASK), PairedBatch(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8)))


def test_a_network_that_is_frozen_needs_no_optimizer():
    class Frozen(Two):
        def __init__(self, config, task):
            super().__init__(config, task)
            self.perceptual = nn.Conv2d(3, 3, 1).requires_grad_(False)

    check_phases(Frozen(ModelConfig(), TASK), PairedBatch(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8)))


def test_a_network_that_is_not_there_and_one_with_two_optimizers_are_named():
    missing = refusal(optimizers=lambda self: {**Two.optimizers(self), "one": Optimizer(("frist",))})
    assert "'frist', which is no network of it; it has first, second" in missing
    shared = refusal(
        phases=lambda self: (*Two.phases(self), Phase("again", self.other)),
        optimizers=lambda self: {**Two.optimizers(self), "again": Optimizer(("second",))},
    )
    assert "optimizers 'two' and 'again' of Broken both train second.weight" in shared


def outcome(capsys, monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["i2i", *arguments])
    status = 0
    try:
        cli.main()
    except SystemExit as end:
        status = end.code
    return status, *capsys.readouterr()


SMALL = ["--size", "32", *(f"--set={s}" for s in ("train.images=8", "data.scenes=4", "data.test_scenes=2"))]


def test_a_loss_that_reads_values_is_told_apart_from_a_wrong_image_size(blend, capsys, monkeypatch, tmp_path):  # noqa: F811
    blend.write_text(BLEND.replace('{"error": error}', '{"error": error.item()}'))
    out = ["--out", str(tmp_path / "run"), "--set=data.domains=summer,winter"]
    status, _, error = outcome(capsys, monkeypatch, "train", "--model", f"{blend}:Blend", *SMALL, *out)
    assert status == 2
    assert "reads the values of tensors" in error
    assert "image_size" not in error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("generated", "named"),
    [
        ("torch.tanh(self.mixer(images))[:, :1]", "gives torch.float32 [1, 1, 32, 32]"),
        ("images[:, :, ::2, ::2]", "gives torch.float32 [1, 3, 16, 16]"),
        ("((images + 1) * 127).byte()", "gives torch.uint8 [1, 3, 32, 32]"),
        ("(images + 1.5) * 127", "gives values from"),
        ("[images]", "gives list"),
    ],
)
def test_a_translation_of_another_shape_type_or_range_is_refused(generated, named):
    namespace = {}
    exec(BLEND.replace("torch.tanh(self.mixer(images) + self.config.start)", generated), namespace)
    cls = namespace["Blend"]
    translator = cls(cls.Config(), Task.covering(Coverage.ALL, ("a", "b"), (32, 32)))
    with pytest.raises(UserError) as refused:
        translator.translate(torch.zeros(1, 3, 32, 32), "a", "b")
    assert named in str(refused.value)
    assert "Blend.generate" in str(refused.value)
    assert "[1, 3, 32, 32] in [-1, 1]" in str(refused.value)


@pytest.mark.slow
def test_models_check_runs_the_contract_on_a_custom_model(blend, capsys, monkeypatch):  # noqa: F811
    blend.write_text(BLEND.replace("Coverage.ALL", "Coverage.PAIR"))
    status, out, _ = outcome(capsys, monkeypatch, "models", "check", f"{blend}:Blend")
    assert status == 0
    assert out.count("ok    ") == len(CHECKS)
    assert out.endswith("Blend keeps the contract\n")


@pytest.mark.slow
def test_models_check_names_what_breaks_and_ends_with_status_1(blend, capsys, monkeypatch):  # noqa: F811
    blend.write_text(BLEND.replace("Coverage.ALL", "Coverage.PAIR").replace("+ self.config.start)", ") * 3"))
    status, out, error = outcome(capsys, monkeypatch, "models", "check", f"{blend}:Blend")
    assert status == 1
    assert "BROKEN translation keeps shape and range\n       Blend.generate gives values from" in out
    assert "Blend breaks" in error and f"of {len(CHECKS)} parts of the contract" in error


def test_batches_of_two_domains_refuse_a_third_by_name(blend, capsys, monkeypatch, tmp_path):  # noqa: F811
    arguments = ["train", "--model", f"{blend}:Blend", *SMALL, "--out", str(tmp_path / "run")]
    status, _, error = outcome(capsys, monkeypatch, *arguments)
    assert status == 2
    assert "UnpairedBatch holds images of two domains and the task has 3" in error


def test_models_lists_by_pattern(capsys, monkeypatch):
    assert outcome(capsys, monkeypatch, "models", "--like", "star*")[1].startswith("stargan ")
    status, _, error = outcome(capsys, monkeypatch, "models", "--like", "x*")
    assert status == 2 and "no model matches 'x*'" in error
