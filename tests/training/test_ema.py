"""The moving average of the generators' weights: its formula, its way through checkpoints, and its use."""

import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from i2i import cli, registry
from i2i.data.batches import PairedBatch
from i2i.errors import UserError
from i2i.runs.folder import newest_checkpoint
from i2i.runs.load import load_translator, require_checkpoint
from i2i.testing import CPU, STEPS, Subject
from i2i.training.callbacks.base import Callback
from i2i.training.ema import Average, build_average
from i2i.training.setup import check_trainable
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step
from i2i.training.trainer import Trainer
from i2i.translator import Coverage, Losses, ModelConfig, Optimizer, Phase, Task, Translator

GANS = ["pix2pix", "cyclegan", "stargan"]


class Undeclared(Translator):
    """Learns, and does not say which of its networks translate."""

    coverage = Coverage.DIRECTION
    batch = PairedBatch

    def __init__(self, config, task):
        super().__init__(config, task)
        self.mapping = torch.nn.BatchNorm2d(3)

    def optimizers(self):
        return {"mapping": Optimizer(("mapping",))}

    def phases(self):
        return (Phase("mapping", lambda batch, step: Losses(torch.zeros(()), {})),)

    def generate(self, images, request):
        return self.mapping(images).tanh()


class Declared(Undeclared):
    """The same, and says it."""

    generators = ("mapping",)


def small(cls):
    return cls(ModelConfig(), Task.covering(Coverage.DIRECTION, ("a", "b"), (8, 8)))


def move(translator, value):
    with torch.no_grad():
        translator.mapping.weight.fill_(value)
        translator.mapping.running_mean.fill_(value)
        translator.mapping.num_batches_tracked.add_(1)


def averaged(average, name="weight"):
    return float(average.state()[f"mapping.{name}"].unique())


@pytest.mark.parametrize("decay", [0.3, 0.999])
def test_the_average_is_its_closed_form(decay):
    """Each weight counts with its own share times all later decays; the first weights with the product of all."""
    translator = small(Declared)
    average, sequence = Average(translator, decay), [3.0, -1.0, 0.5, 4.0, 2.0, 2.0, -7.0]
    decays = [min(decay, (1 + step) / (10 + step)) for step in range(len(sequence))]
    expected = np.prod(decays) * 1.0  # batch norm starts with weights of 1
    for step, value in enumerate(sequence):
        expected += value * (1 - decays[step]) * np.prod(decays[step + 1 :])
        move(translator, value)
        average.update(step)
    assert averaged(average) == pytest.approx(expected, rel=1e-5)


def test_the_first_steps_forget_the_untrained_weights():
    translator = small(Declared)
    average = Average(translator, 0.999)
    for step in range(20):
        move(translator, 5.0)
        average.update(step)
    assert averaged(average) == pytest.approx(5.0, abs=1e-3)  # with 0.999 from the start it would be 1.08


def test_buffers_are_copied():
    translator = small(Declared)
    average = Average(translator, 0.999)
    move(translator, 4.0)
    average.update(0)
    assert averaged(average, "running_mean") == 4.0
    assert averaged(average, "num_batches_tracked") == 1


def test_statistics_are_averaged_as_weights_are_where_that_is_asked_for():
    translator = small(Declared)
    average = Average(translator, 0.999, statistics=True)
    for step, value in enumerate((5.0, -1.0, 3.0)):
        with torch.no_grad():
            translator.mapping.running_mean.fill_(value)
            translator.mapping.weight.fill_(value)
            translator.mapping.running_var.fill_(1.0)
            translator.mapping.num_batches_tracked.add_(1)
        average.update(step)
    decays = [0.1, 2 / 11, 3 / 12]
    from_zero = 5 * 0.9 * decays[1] * decays[2] - (9 / 11) * decays[2] + 3 * 0.75
    assert averaged(average, "running_mean") == pytest.approx(from_zero, rel=1e-5)  # which starts at 0
    assert averaged(average) == pytest.approx(from_zero + np.prod(decays), rel=1e-5)  # which starts at 1
    assert averaged(average, "running_var") == 1.0
    assert averaged(average, "num_batches_tracked") == 3


@pytest.mark.integration
def test_a_training_averages_statistics_where_its_settings_say_so(tmp_path):
    states = {}
    for said in (False, True):
        run = trainer(tmp_path / str(said), "pix2pix", ema=0.99, ema_statistics=said)
        run.train()
        live = run.translator.state_dict()
        states[said] = {name: value for name, value in run.average.state().items() if "running_mean" in name}
        copied = all(torch.equal(value, live[name]) for name, value in states[said].items())
        assert copied is not said
    assert states[True] and states[True].keys() == states[False].keys()


def test_the_average_of_a_training_with_a_fault_stays_finite():
    """Optimizers no longer step once a gradient is not finite, so that there is nothing else to take in."""
    subject = Subject(registry.get("pix2pix"))
    translator = subject.build().train()
    average, optimizers, guard = Average(translator, 0.9), build_optimizers(translator), FiniteGuard(CPU)
    good, bad = subject.batch(0), subject.batch(1)
    bad.target.fill_(torch.inf)
    for step, batch in enumerate((good, bad, good)):
        training_step(translator, optimizers, [batch], step, guard)
        average.update(step)
    assert guard.fault().step == 1
    weights = {name: average.state()[name] for name, _ in translator.generator.named_parameters(prefix="generator")}
    assert weights and all(value.isfinite().all() for value in weights.values())


def test_the_average_does_not_follow_its_weights_by_itself():
    translator = small(Declared)
    average = Average(translator, 0.9)
    move(translator, 9.0)
    assert averaged(average) == 1.0


def trainer(run, name="cyclegan", callbacks=(), **train):
    subject = Subject(registry.get(name))
    return Trainer(run, subject.config(**train), subject.task, subject.training_images(), CPU, callbacks)


class Follow(Callback):
    """Works the average out in float64 from what the trainer's weights are after every step."""

    def __init__(self, decay):
        self.decay, self.run, self.expected = decay, None, {}

    def start(self, run):
        self.run = run
        self.expected = {name: value.detach().double() for name, value in self._live()}

    def on_step(self, position):
        step = position.step - 1
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in self._live():
            self.expected[name] = decay * self.expected[name] + (1 - decay) * value.detach().double()

    def _live(self):
        for network in self.run.translator.generators:
            for name, value in self.run.translator.get_submodule(network).named_parameters():
                yield f"{network}.{name}", value


@pytest.mark.parametrize("name", GANS)
def test_a_training_averages_the_generators_after_every_step(tmp_path, name):
    follow = Follow(0.6)
    run = trainer(tmp_path, name, (follow,), ema=0.6, decay_from=1)
    follow.start(run)
    run.train()
    stored = load_file(require_checkpoint(tmp_path).folder / "ema.safetensors")
    assert {key.split(".")[0] for key in stored} == set(run.translator.generators)
    for key, expected in follow.expected.items():
        assert torch.allclose(stored[key].double(), expected, rtol=1e-5, atol=1e-7), key


@pytest.mark.integration
@pytest.mark.parametrize("name", GANS)
def test_resume_keeps_the_bits_of_the_average(tmp_path, name):
    class BreakOff(Callback):
        def on_step(self, position):
            if position.step == STEPS // 2 + 1:
                raise InterruptedError

    trainer(tmp_path / "undisturbed", name, ema=0.9).train()
    with suppress(InterruptedError):
        trainer(tmp_path / "resumed", name, (BreakOff(),), ema=0.9, checkpoint_every=STEPS // 2).train()
    assert newest_checkpoint(tmp_path / "resumed").position.step == STEPS // 2
    trainer(tmp_path / "resumed", name, ema=0.9).train()
    ours, theirs = (require_checkpoint(tmp_path / run).average() for run in ("resumed", "undisturbed"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.integration
def test_averaging_changes_nothing_in_the_training_itself(tmp_path):
    trainer(tmp_path / "with", ema=0.9).train()
    trainer(tmp_path / "without").train()
    ours, theirs = (require_checkpoint(tmp_path / run).weights() for run in ("with", "without"))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.integration
def test_only_a_training_with_an_average_stores_one(tmp_path):
    trainer(tmp_path).train()
    checkpoint = require_checkpoint(tmp_path)
    assert not checkpoint.averaged
    assert not (checkpoint.folder / "ema.safetensors").exists()


def test_a_poisoned_training_leaves_an_average_of_good_weights(tmp_path):
    class Poison(Callback):
        def on_step(self, position):
            if position.step == 3:
                self.weights = {name: value.clone() for name, value in run.translator.generator.named_parameters()}
                with torch.no_grad():
                    next(run.translator.discriminator.parameters()).fill_(torch.nan)
            if position.step == 4:
                generator = dict(run.translator.generator.named_parameters())
                assert all(torch.equal(value, self.weights[name]) for name, value in generator.items())
                assert all(run.average.state()[f"generator.{name}"].isfinite().all() for name in generator)
                raise InterruptedError

    run = trainer(tmp_path, "pix2pix", (Poison(),), ema=0.9)
    with pytest.raises(InterruptedError):
        run.train()


@pytest.mark.integration
@pytest.mark.parametrize("name", GANS)
def test_the_averaged_weights_translate_where_they_are_asked_for(tmp_path, name):
    run = trainer(tmp_path, name, ema=0.99)
    run.train()
    subject = Subject(registry.get(name))
    images, direction = subject.images(), subject.task.directions[0]
    last, averages = (load_translator(tmp_path, weights=kind)[0] for kind in ("last", "ema"))
    assert torch.equal(last.translate(images, *direction), run.translator.translate(images, *direction))
    run.translator.load_state_dict({**run.translator.state_dict(), **run.average.state()})
    assert torch.equal(averages.translate(images, *direction), run.translator.translate(images, *direction))
    assert not torch.equal(averages.translate(images, *direction), last.translate(images, *direction))


def test_unknown_weights_are_told_the_known_ones(tmp_path):
    with pytest.raises(UserError, match=r"unknown weights 'mean'.* Known: best, ema, last"):
        load_translator(tmp_path, weights="mean")


def test_nothing_is_averaged_where_nothing_is_learnt_or_asked_for():
    assert build_average(Subject(registry.get("identity")).build(), 0.9) is None
    assert build_average(Subject(registry.get("cyclegan")).build(), 0.0) is None


def test_where_no_network_is_named_all_that_are_trained_are_averaged():
    translator = small(Undeclared)
    trained = {name for optimizer in translator.optimizers().values() for name in optimizer.networks}
    average = build_average(translator, 0.9)
    assert {name.split(".")[0] for name in average.state()} == trained


def test_a_plan_with_an_average_needs_no_weights():
    subject = Subject(registry.get("stargan"))
    assert check_trainable(subject.config(ema=0.9), subject.task).generators == ("generator",)


def command(*arguments):
    """Exit status of the command line."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(sys, "argv", ["i2i", *map(str, arguments)])
        cli.main()
        sys.exit(0)
    return stop.value.code or 0


@pytest.mark.integration
def test_translate_says_which_weights_it_took_and_how_to_get_others(tmp_path, capsys):
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "x.png")
    trainer(tmp_path / "with", ema=0.9).train()
    trainer(tmp_path / "without").train()

    def translate(run, out, *options):
        status = command("translate", tmp_path / run, tmp_path / "x.png", "--target", "noon", "--out", out, *options)
        return status, capsys.readouterr()

    pixels = []
    for options, printed in (((), "last"), (("--weights", "last"), "last"), (("--weights", "ema"), "ema")):
        out = Path(tmp_path, "out", *options)
        status, said = translate("with", out, *options)
        assert status == 0
        assert f"(dropout off, {printed} weights)" in said.out
        pixels.append(np.asarray(Image.open(out / "x.png")))
    assert np.array_equal(pixels[0], pixels[1])
    assert not np.array_equal(pixels[0], pixels[2])

    status, said = translate("without", tmp_path / "none", "--weights", "ema")
    assert status == 2
    assert "has no averaged weights: take --weights last, or train a model with --set train.ema=0.999" in said.err
    assert not (tmp_path / "none").exists()


def test_without_a_warmup_the_decay_is_the_same_from_the_start():
    translator = small(Declared)
    average = Average(translator, 0.9, warmup=False)
    for step in range(5):
        move(translator, 5.0)
        average.update(step)
    assert averaged(average) == pytest.approx(5.0 - 4.0 * 0.9**5)


def test_the_average_changes_places_with_the_weights_and_back():
    translator = small(Declared)
    average = Average(translator, 0.5, warmup=False)
    move(translator, 3.0)
    average.update(0)
    with average.in_place():
        assert torch.equal(translator.mapping.weight, torch.full((3,), 2.0))
    assert torch.equal(translator.mapping.weight, torch.full((3,), 3.0))
    move(translator, 4.0)  # the parameters are still those that the average follows
    average.update(1)
    assert averaged(average) == 3.0
