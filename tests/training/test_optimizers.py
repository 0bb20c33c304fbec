"""Optimizers step as they are declared, on the losses of the phases that name them."""

import pytest
import torch
from torch import nn

from i2i.config import build_run
from i2i.data.batches import PairedBatch
from i2i.errors import UserError
from i2i.testing import CPU
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step
from i2i.training.trainer import schedule_of
from i2i.translator import Coverage, LinearDecay, Losses, ModelConfig, Optimizer, Phase, StepDecay, Task, Translator

BATCH = PairedBatch(torch.ones(2, 3, 8, 8), torch.zeros(2, 3, 8, 8))


class Pair(Translator):
    """Two networks; what their optimizers and phases are, a test says."""

    coverage = Coverage.DIRECTION
    batch = PairedBatch

    def __init__(self, optimizers, *phases):
        super().__init__(ModelConfig(), Task.covering(Coverage.DIRECTION, ("a", "b"), (8, 8)))
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.declared, self.turns, self.seen = optimizers, phases, []

    def optimizers(self):
        return self.declared

    def phases(self):
        return tuple(Phase(name, self.loss, **rest) for name, rest in self.turns)

    def generate(self, images, request):
        return images

    def loss(self, batch, step):
        self.seen.append((step.index, step.progress))
        return Losses((self.second(self.first(batch.source)) - batch.target).square().mean(), {})


def stepped(translator, count=1):
    """The translator's weights before and after some steps."""
    before = {name: value.detach().clone() for name, value in translator.named_parameters()}
    optimizers, guard = build_optimizers(translator), FiniteGuard(CPU)
    for number in range(count):
        training_step(translator, optimizers, [BATCH], number, guard, progress=number / count)
    return before, dict(translator.named_parameters()), optimizers


def changed(before, after):
    return {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}


def test_a_phase_steps_a_part_of_what_its_loss_passes_and_two_phases_may_share_an_optimizer():
    optimizers = {"one": Optimizer(("first",)), "two": Optimizer(("second",))}
    alone = Pair(optimizers, ("turn", {"optimizers": ("one",)}))
    before, after, _ = stepped(alone)
    assert changed(before, after) == {"first"}
    both = Pair(optimizers, ("turn", {"optimizers": ("one", "two")}), ("again", {"optimizers": ("one",)}))
    before, after, built = stepped(both)
    assert changed(before, after) == {"first", "second"}
    steps = {name: {int(state["step"]) for state in one.state.values()} for name, one in built.items()}
    assert steps == {"one": {2}, "two": {1}}


def test_weight_decay_is_that_of_adam_or_decoupled_that_of_adamw():
    for decoupled, kind in ((False, torch.optim.Adam), (True, torch.optim.AdamW)):
        settings = Optimizer(("first", "second"), 1e-2, (0.0, 0.99), weight_decay=0.1, decoupled=decoupled)
        translator, twin = (Pair({"turn": settings}, ("turn", {})) for _ in range(2))
        expected = kind(twin.parameters(), lr=1e-2, betas=(0.0, 0.99), weight_decay=0.1)
        twin.loss(BATCH, type("", (), {"index": 0, "progress": 0.0})).total.backward()
        expected.step()
        _, after, _ = stepped(translator)
        for name, value in twin.named_parameters():
            torch.testing.assert_close(after[name], value)


@pytest.mark.parametrize("limit", [1e-3, 1e3])
def test_gradients_longer_than_the_bound_are_shortened_to_it_together(limit, monkeypatch):
    lengths = []

    def measure(self, *_):
        gradients = [value.grad for group in self.param_groups for value in group["params"]]
        lengths.append(float(torch.stack([one.norm() for one in gradients]).norm()))

    monkeypatch.setattr(torch.optim.Adam, "step", measure)
    for clip_norm in (None, limit):
        stepped(Pair({"turn": Optimizer(("first", "second"), clip_norm=clip_norm)}, ("turn", {})))
    free, bounded = lengths
    assert 1e-3 < free < 1e3
    assert bounded == pytest.approx(min(free, limit), rel=1e-3)


def test_what_a_phase_does_afterwards_sees_the_weights_of_its_step_without_gradients():
    translator = Pair({"turn": Optimizer(("first", "second"))}, ("turn", {"after": lambda: clamp()}))

    def clamp():
        assert not torch.is_grad_enabled()
        translator.first.weight.clamp_(0, 0.1)

    stepped(translator)
    assert translator.first.weight.min() >= 0
    assert translator.first.weight.max() <= 0.1


def test_a_step_knows_its_number_and_the_share_of_the_budget():
    translator = Pair({"turn": Optimizer(("first", "second"))}, ("turn", {}))
    stepped(translator, count=4)
    assert translator.seen == [(0, 0.0), (1, 0.25), (2, 0.5), (3, 0.75)]


class Stepwise(Pair):
    """With a schedule and defaults of its own."""

    schedule = StepDecay(every=0.25)
    defaults = {"batch_size": 3, "ema": 0.5}


def config(cls, **train):
    return build_run({"train": train}, "some", ModelConfig, cls.train_defaults())


def test_the_schedule_is_the_methods_own_unless_the_settings_say_where_rates_fall():
    translator = Stepwise({})
    own, told = config(Stepwise).train, config(Stepwise, decay_from=0.5).train
    assert schedule_of(translator, own) == StepDecay(0.25)
    assert schedule_of(translator, told) == LinearDecay(0.5)
    assert schedule_of(Pair({}), config(Pair).train) == LinearDecay(0.5)


def test_defaults_are_the_methods_own_and_settings_replace_them():
    assert Stepwise.train_defaults() == {"batch_size": 3, "ema": 0.5}
    assert Pair.train_defaults() == {"batch_size": 1, "decay_from": 0.5}
    assert (config(Stepwise).train.batch_size, config(Stepwise).train.ema) == (3, 0.5)
    assert config(Stepwise, ema=0, batch_size=2).train.ema == 0


def test_a_schedule_of_the_method_and_one_that_is_said_have_different_keys():
    keys = {config(cls, **said).key("data") for cls in (Stepwise, Pair) for said in ({}, {"decay_from": 0.25})}
    assert len(keys) == 4
    assert config(Pair).key("data") == config(Pair, decay_from=0.5).key("data")
    with pytest.raises(UserError, match="unknown setting train: 'momentum'"):
        build_run({}, "some", ModelConfig, {"momentum": 0.9})
