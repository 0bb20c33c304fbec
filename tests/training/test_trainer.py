"""The training loop: exact resume, early stop on what is not finite, the least arithmetic, no needless waiting."""

import json
import os
import platform
import signal
import sys
import time
from contextlib import nullcontext, suppress

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from i2i import registry
from i2i.data.image_files.images import Preprocess
from i2i.data.training_images import TrainingImages
from i2i.errors import TrainingError, UserError
from i2i.losses import gradient_penalty, interpolation
from i2i.runs.folder import CHECKPOINTS, newest_checkpoint
from i2i.runs.load import require_checkpoint
from i2i.testing import BATCH_SIZE, CPU, SIDE, STEPS, Subject
from i2i.training.callbacks.base import Callback, Record
from i2i.training.callbacks.metrics_file import MetricsFile
from i2i.training.callbacks.progress_line import ProgressLine
from i2i.training.resume import open_for_resume
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import accumulate_gradients, build_optimizers, phase_parameters, training_step
from i2i.training.trainer import Trainer
from i2i.translator import CosineDecay, LinearDecay, Step, StepDecay
from i2i.utils import memory
from i2i.utils.wording import duration
from tests.support.preloaded import Preloaded


def trainer(run, name="cyclegan", callbacks=(), **train):
    subject = Subject(registry.get(name))
    return Trainer(run, subject.config(**train), subject.task, subject.training_images(), CPU, callbacks)


class Count(TorchDispatchMode):
    """Counts floating-point operations and transfers of values to the host."""

    def __init__(self):
        super().__init__()
        self.flops = self.transfers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        packet = function._overloadpacket
        if packet in flop_registry:
            self.flops += flop_registry[packet](*args, **(kwargs or {}), out_val=result)
        self.transfers += packet is torch.ops.aten._local_scalar_dense
        return result


def counted(function, *arguments):
    with Count() as count:
        function(*arguments)
    return count


def flops(network, *inputs):
    return counted(network, *inputs).flops


def first_layer_flops(network, *inputs):
    """Of the first convolution: the gradient with respect to its input is not needed on real images."""
    layer = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    seen = []
    handle = layer.register_forward_hook(lambda module, given, output: seen.append(given[0].detach()))
    network(*inputs)
    handle.remove()
    return flops(layer, seen[0])


def pix2pix_minimum(translator, images):
    generator, discriminator = translator.generator, translator.discriminator
    pair = torch.cat((images, images), 1)
    g, d = flops(generator, images), flops(discriminator, pair)
    # Generator: forward, and backward without its input. Discriminator: twice forward and backward for its own
    # turn; forward and backward to the fake for the generator's.
    return 3 * g - first_layer_flops(generator, images) + 8 * d - 2 * first_layer_flops(discriminator, pair)


def pix2pix_minimum_without_discriminator(translator, images):
    generator = translator.generator
    return 3 * flops(generator, images) - first_layer_flops(generator, images)


def pix2pix_minimum_unconditional(translator, images):
    generator, discriminator = translator.generator, translator.discriminator
    g, d = flops(generator, images), flops(discriminator, images)
    return 3 * g - first_layer_flops(generator, images) + 8 * d - 2 * first_layer_flops(discriminator, images)


def cyclegan_minimum(translator, images):
    g, d = flops(translator.a_to_b, images), flops(translator.discriminator_a, images)
    g1, d1 = (first_layer_flops(n, images) for n in (translator.a_to_b, translator.discriminator_a))
    # Per direction: three generator passes (fake, cycle, identity), of which two start at real images.
    return 2 * (9 * g - 2 * g1 + 8 * d - 2 * d1)


def cyclegan_minimum_of(adversarial, cycles, identity):
    """The least arithmetic with or without the adversarial and identity losses, and with `cycles` of the two cycles."""

    def minimum(translator, images):
        generator = translator.a_to_b
        g, g1 = flops(generator, images), first_layer_flops(generator, images)
        fakes = 2 if adversarial else cycles
        passes = fakes + 2 * identity  # those that start at real images
        total = passes * (3 * g - g1) + cycles * 3 * g
        if adversarial:
            critic = translator.discriminator_a
            total += 2 * (8 * flops(critic, images) - 2 * first_layer_flops(critic, images))
        return total

    return minimum


def stargan_minimum(translator, images):
    generator, critic = translator.generator, translator.discriminator
    labels = torch.eye(len(translator.task.domains))[: len(images)]
    g, g1 = flops(generator, images, labels), first_layer_flops(generator, images, labels)
    trunk, d1 = flops(critic.trunk, images), first_layer_flops(critic, images)
    patch = flops(critic, images) - trunk
    classes = counted(critic.scores_and_logits, images).flops - trunk - patch
    real, fake = 3 * (trunk + patch + classes) - d1, 3 * (trunk + patch) - d1
    # The penalty: forward, backward to the image, and the gradient of that with respect to the weights.
    # PyTorch computes one product more than needed there, for the last layer alone: hence 2 * patch.
    penalty = 2 * (trunk + patch) + 2 * trunk + 2 * patch
    generator_turn = 2 * (trunk + patch + classes) + (2 * g - g1) + g + 2 * g
    return g + real + fake + penalty + generator_turn


@pytest.mark.parametrize(
    ("name", "settings", "minimum"),
    [
        ("pix2pix", {}, pix2pix_minimum),
        ("pix2pix", {"lambda_l1": 0}, pix2pix_minimum),
        ("pix2pix", {"lambda_gan": 0}, pix2pix_minimum_without_discriminator),
        ("pix2pix", {"conditional": False}, pix2pix_minimum_unconditional),
        ("cyclegan", {}, cyclegan_minimum),
        ("cyclegan", {"lambda_identity": 0}, cyclegan_minimum_of(True, 2, False)),
        ("cyclegan", {"lambda_identity": 0, "cycle": "forward"}, cyclegan_minimum_of(True, 1, False)),
        ("cyclegan", {"lambda_cycle": 0}, cyclegan_minimum_of(True, 0, True)),
        ("cyclegan", {"lambda_gan": 0, "lambda_identity": 0}, cyclegan_minimum_of(False, 2, False)),
        ("cyclegan", {"lambda_gan": 0, "cycle": "backward"}, cyclegan_minimum_of(False, 1, True)),
        ("stargan", {}, stargan_minimum),
    ],
)
def test_a_step_does_the_least_arithmetic(name, settings, minimum):
    subject = Subject(registry.get(name), settings)
    translator = subject.build().train()
    last = max(phase.every for phase in translator.phases()) - 1  # every phase is due
    arguments = translator, build_optimizers(translator), [subject.batch()], last, FiniteGuard(CPU)
    step = counted(training_step, *arguments).flops
    assert step == minimum(translator, torch.zeros(BATCH_SIZE, 3, SIDE, SIDE))


@pytest.mark.integration
def test_values_reach_the_host_only_in_log_steps(tmp_path):
    transfers = {}

    class Watch(Callback):
        def on_step(self, position):
            transfers[position.step] = count.transfers - sum(transfers.values())

    run = trainer(tmp_path, callbacks=(Watch(),), log_every=4, checkpoint_every=100)
    with Count() as count:
        run.train()
    silent = [step for step in transfers if step not in (2, 5)]  # the steps after those that log: 1 and 4
    assert [transfers[step] for step in silent] == [0] * len(silent)
    assert transfers[2] > 0
    assert transfers[5] > 0


def test_learning_rate_is_constant_then_linear_to_zero():
    factors = [LinearDecay(0.5).factor(step, 10) for step in range(11)]
    assert factors[:6] == [1.0] * 6
    assert np.allclose(factors[5:], [1.0, 0.8, 0.6, 0.4, 0.2, 0.0])
    assert LinearDecay(1.0).factor(9, 10) == 1.0


def test_a_rate_that_falls_in_steps_falls_at_each_share_of_the_budget():
    factors = [StepDecay(every=0.1, gamma=0.5).factor(step, 30) for step in range(30)]
    assert factors == [0.5 ** (step // 3) for step in range(30)]


def test_a_rate_that_falls_as_a_cosine_is_half_in_the_middle_and_ends_at_its_floor():
    assert CosineDecay().factor(0, 10) == 1.0
    assert CosineDecay().factor(5, 10) == pytest.approx(0.5)
    assert CosineDecay(floor=0.1).factor(10, 10) == pytest.approx(0.1)
    assert CosineDecay(floor=0.1).factor(5, 10) == pytest.approx(0.55)


def test_accumulated_micro_batches_give_the_gradients_of_the_whole_batch():
    subject = Subject(registry.get("cyclegan"))
    translator, batch = subject.build().train(), subject.batch()
    generators = translator.phases()[0]
    gradients = []
    for parts in (1, 2):
        batches = batch.split(parts)
        accumulate_gradients(translator, generators, batches, [Step() for _ in batches], nullcontext())
        parameters = phase_parameters(translator, generators)
        gradients.append([parameter.grad for parameter in parameters])
        for parameter in parameters:
            parameter.grad = None
    for whole, accumulated in zip(*gradients, strict=True):
        # Biases ahead of a norm have gradients that are truly zero: what both hold there is rounding noise.
        assert torch.allclose(whole, accumulated, rtol=1e-3, atol=1e-5)


class Poison(Callback):
    """Makes one weight NaN after a step."""

    def __init__(self, step, network):
        self.step, self.network, self.run = step, network, None

    def on_step(self, position):
        if position.step == self.step:
            with torch.no_grad():
                next(self.run.translator.get_submodule(self.network).parameters()).fill_(torch.nan)


@pytest.mark.integration
def test_a_loss_that_is_not_finite_stops_with_phase_step_and_terms(tmp_path):
    poison = Poison(step=3, network="discriminator_a")
    run = trainer(tmp_path, callbacks=(poison,), checkpoint_every=2)
    poison.run = run
    with pytest.raises(TrainingError) as stopped:
        run.train()
    message = str(stopped.value)
    assert "phase 'generators' of step 4" in message
    assert "adversarial_a nan" in message
    assert "the checkpoint of step 2 is good" in message
    assert newest_checkpoint(tmp_path).position.step == 2
    for name, weight in newest_checkpoint(tmp_path).weights().items():
        assert weight.isfinite().all(), name


def test_nothing_is_updated_from_the_fault_on():
    subject = Subject(registry.get("pix2pix"))
    translator = subject.build().train()
    optimizers, guard = build_optimizers(translator), FiniteGuard(CPU)
    good, bad = subject.batch(0), subject.batch(1)
    bad.target.fill_(torch.inf)
    training_step(translator, optimizers, [good], 0, guard)
    assert guard.fault() is None
    before = {name: value.clone() for name, value in translator.named_parameters()}
    training_step(translator, optimizers, [bad], 1, guard)
    training_step(translator, optimizers, [good], 2, guard)
    assert all(torch.equal(value, before[name]) for name, value in translator.named_parameters())
    assert (guard.fault().phase, guard.fault().step) == ("discriminator", 1)


def test_a_gradient_that_is_not_finite_is_a_fault_even_where_the_loss_is():
    guard = FiniteGuard(CPU)
    terms = {"total": torch.tensor(1.0)}
    for step, (gradient, found) in enumerate(((1.0, 0), (torch.nan, 1), (1.0, 1))):
        guard.at(step)
        assert guard.check("phase", terms, [torch.tensor([1.0, gradient])]) == found
    assert guard.fault().step == 1


def test_a_term_that_is_not_finite_is_a_fault_even_where_the_gradients_are():
    guard = FiniteGuard(CPU)
    assert guard.check("phase", {"total": torch.tensor(1.0), "l1": torch.tensor(torch.nan)}, [torch.ones(3)]) == 1
    assert guard.fault().terms["total"] == 1
    guard.at(1)
    guard.check("phase", {"total": torch.tensor(torch.inf), "l1": torch.tensor(2.0)}, [torch.ones(3)])
    assert (guard.fault().step, guard.fault().terms["total"]) == (0, 1)  # the first fault stays


@pytest.mark.integration
def test_the_newest_checkpoint_and_the_one_before_are_kept(tmp_path):
    trainer(tmp_path, checkpoint_every=1).train()
    assert sorted(path.name for path in (tmp_path / CHECKPOINTS).iterdir()) == [f"{STEPS - 1:08d}", f"{STEPS:08d}"]


@pytest.mark.integration
def test_a_write_that_breaks_off_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    class BreakWrite(Callback):
        def on_step(self, position):
            if position.step == 3:
                monkeypatch.setattr(torch, "save", lambda *arguments: 1 / 0)

    run = trainer(tmp_path, callbacks=(BreakWrite(),), checkpoint_every=2)
    with pytest.raises(ZeroDivisionError):
        run.train()
    monkeypatch.undo()
    assert newest_checkpoint(tmp_path).position.step == 2
    resumed = trainer(tmp_path)
    assert resumed.position.step == 2
    resumed.train()
    undisturbed = trainer(tmp_path / "undisturbed")
    undisturbed.train()
    for ours, theirs in zip(resumed.translator.parameters(), undisturbed.translator.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.integration
def test_checkpoints_hold_no_pickled_code(tmp_path):
    trainer(tmp_path).train()
    folder = require_checkpoint(tmp_path).folder
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.json",
        "model.safetensors",
        "training.pt",
    ]
    torch.load(folder / "training.pt", weights_only=True)


@pytest.mark.integration
def test_metrics_are_one_line_per_record_also_after_a_resume(tmp_path):
    class Stop(Callback):
        def on_step(self, position):
            if position.step == 5:
                raise InterruptedError

    def run(*callbacks):
        started = trainer(tmp_path, checkpoint_every=2, log_every=1)
        started.callbacks = (MetricsFile(tmp_path, started.position.step), *callbacks)
        started.train()

    with suppress(InterruptedError):
        run(Stop())
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "half a li')
    run()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    assert lines[-1]["images"] == STEPS * BATCH_SIZE * 2
    assert "generators/cycle_a" in lines[-1]["losses"]


@pytest.mark.integration
def test_a_finished_run_says_that_it_is_finished(tmp_path):
    trainer(tmp_path).train()
    with pytest.raises(UserError, match=f"is finished: step {STEPS} of {STEPS}"):
        open_for_resume(tmp_path)


def test_progress_shows_speed_time_left_and_losses(capsys):
    from i2i.runs.checkpoint import Position

    with ProgressLine("cyclegan", sys.stdout) as line:
        line.on_record(Record(Position(1, 41, 20, 2.0), 10.0, {}, {"generators/cycle_a": 0.25}))
    assert (
        capsys.readouterr().out.strip()
        == "cyclegan: step 1/41, 10.0 images/s, 1 min 20 s left, generators: cycle_a 0.25"
    )
    assert duration(59.4) == "59 s"


def test_penalty_is_zero_for_a_critic_of_slope_one_and_known_for_others():
    images = torch.rand(4, 1, 3, 3)
    for slope in (1.0, 3.0):
        direction = torch.full((1, 1, 3, 3), 1 / 3) * slope  # unit norm times slope
        critic = lambda x, w=direction: (x * w).sum((1, 2, 3))  # noqa: E731
        penalty = gradient_penalty(critic, images, torch.rand_like(images), interpolation(images))
        assert float(penalty) == pytest.approx((slope - 1) ** 2, abs=1e-6)


def run_command(tmp_path, *arguments):
    environment = {**os.environ, "I2I_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    return Preloaded(["-m", "i2i", *arguments], env=environment, cwd=tmp_path)


TINY = [
    f"--set={setting}"
    for setting in (
        "data.image_size=16",
        "data.scenes=4",
        "data.test_scenes=2",
        "model.width=2",
        "model.discriminator_width=2",
        "model.blocks=1",
        "model.layers=1",
        "train.batch_size=1",
        "train.images=600",
        "train.checkpoint_every=5",
        "train.log_every=10",
    )
]


def train_cyclegan(tmp_path, run):
    return run_command(
        tmp_path, "train", "--model", "cyclegan", "--set", "data.domains=summer,night", *TINY, "--out", run
    )


def wait_for_checkpoint(process, run):
    deadline = time.monotonic() + 120
    while newest_checkpoint(run) is None:
        assert process.poll() is None, process.said()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_writes_a_checkpoint_and_says_how_to_go_on(tmp_path, number):
    run = tmp_path / "run"
    process = train_cyclegan(tmp_path, run)
    wait_for_checkpoint(process, run)
    process.send_signal(number)
    output = process.communicate()[0]
    assert process.returncode == 128 + number
    position = require_checkpoint(run).position
    assert f"stopped after step {position.step} of 300; go on with: i2i train --resume {run}" in output
    assert "Traceback" not in output


def test_images_per_second_do_not_count_what_an_earlier_process_did(tmp_path):
    records = []

    class Keep(Callback):
        def on_record(self, record):
            records.append(record)

    pixels = {name: np.zeros((2, SIDE, SIDE, 3), dtype=np.uint8) for name in ("dawn", "noon")}
    images = TrainingImages(pixels, Preprocess((SIDE, SIDE)))
    subject = Subject(registry.get("pix2pix"))
    Trainer(tmp_path, subject.config(), subject.task, images, CPU, (Keep(),)).train()
    assert records[-1].position.step == STEPS
    assert all(record.images_per_second > 0 for record in records)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep what is freed")
def test_freed_memory_is_kept_while_a_training_runs(tmp_path):
    seen = []

    class Look(Callback):
        def on_step(self, position):
            seen.append(memory.keeping())

    trainer(tmp_path, callbacks=(Look(),)).train()
    assert seen == [True] * STEPS
    assert not memory.keeping()
