"""Captured steps: they do what eager steps do, and where they cannot they say why and go on."""

from dataclasses import fields, replace
from itertools import pairwise
from typing import get_args

import pytest
import torch

from i2i import registry
from i2i.data.batches import PairedBatch
from i2i.testing import CPU, Subject
from i2i.training.device import autocast
from i2i.training.steps import cuda_graphs
from i2i.training.steps.cuda_graphs import WARM_UPS, CapturedSteps
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.host_transfers import HostTransfers
from i2i.training.steps.step import build_optimizers, draw, due_phases, plain_state, take_turn, training_step
from i2i.translator import Coverage, Losses, ModelConfig, Optimizer, Phase, Step, Task, Translator

LEARNING = [
    name for name in registry.names() if registry.get(name).batch and Subject(registry.get(name)).build().phases()
]
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


class Recorder:
    """In the place of a CUDA graph on a CPU: what is captured runs at once, and a replay runs nothing."""

    replays = 0
    capturing = False

    def __init__(self, *arguments, **named):
        pass

    def __enter__(self):
        Recorder.capturing = True
        return self

    def __exit__(self, *exception):
        Recorder.capturing = False
        return False

    def replay(self):
        type(self).replays += 1


@pytest.fixture
def without_a_gpu(monkeypatch):
    monkeypatch.setattr(Recorder, "replays", 0)
    for name in ("CUDAGraph", "graph", "Stream", "stream", "graph_pool_handle"):
        monkeypatch.setattr(torch.cuda, name, Recorder)


class Transfers(HostTransfers):
    """As if the CPU were a GPU, but for what was drawn: steps whose draws on the CPU differ are of different kinds."""

    def __init__(self, drawn):
        super().__init__(CPU)
        self.drawn = {tensor.data_ptr() for tensor in drawn}

    def moves(self, function, args, result):
        read = function._overloadpacket.__name__ == "_local_scalar_dense"
        return super().moves(function, args, result) and not (read and args[0].data_ptr() in self.drawn)


class Shifting(Translator):
    """Learns one color that it adds; subclasses misbehave."""

    coverage = Coverage.DIRECTION
    batch = PairedBatch

    def __init__(self, config, task):
        super().__init__(config, task)
        self.mapping = torch.nn.Conv2d(3, 3, 1)

    def optimizers(self):
        return {"mapping": Optimizer(("mapping",), 1e-2)}

    def phases(self):
        return (Phase("mapping", self._loss, self._draw),)

    def _draw(self, batch, step):
        step["noise"] = torch.rand(1)

    def _loss(self, batch, step):
        return Losses((self.mapping(batch.source) - batch.target).square().mean() * step["noise"], {})

    def generate(self, images, request):
        return self.mapping(images).clamp(-1, 1)


class Rare(Shifting):
    """Has a phase of its own in every third step."""

    turns = ""

    def phases(self):
        usual, rare = Phase("usual", self._loss, None, ("mapping",)), Phase("rare", self._loss, None, ("mapping",), 3)
        return usual, rare

    def _loss(self, batch, step):
        type(self).turns += "captured " if Recorder.capturing else "eager "
        return Losses((self.mapping(batch.source) - batch.target).square().mean(), {})


class Timed(Shifting):
    def _loss(self, batch, step):
        losses = super()._loss(batch, step)
        return Losses(losses.total * (1 - step.progress), losses.terms)


class Reading(Shifting):
    """Asks the host whether an image is dark."""

    def _loss(self, batch, step):
        losses = super()._loss(batch, step)
        return Losses(losses.total * (2 if batch.source.mean() < 0 else 1), {})


class Constant(Shifting):
    """Brings a number from the host."""

    def _loss(self, batch, step):
        losses = super()._loss(batch, step)
        return Losses(losses.total * torch.tensor(2.0, device=batch.source.device), {})


class Selecting(Shifting):
    """Selects so many pixels as are dark."""

    def _loss(self, batch, step):
        shifted = self.mapping(batch.source)
        return Losses(shifted[shifted < 0].sum(), {})


class Varying(Shifting):
    """Draws ever more in its second phase."""

    def phases(self):
        first = Phase("mapping", self._loss, self._draw)
        return first, Phase("again", self._loss, self._draw_more, ("mapping",))

    def _draw_more(self, batch, step):
        step["more"] = torch.rand(1 + step.index)


class Sharing(Shifting):
    """Its first phase leaves what a network has made that the second trains."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.critic = torch.nn.Conv2d(3, 1, 1)

    def optimizers(self):
        return {name: Optimizer((name,), 1e-2) for name in ("critic", "mapping")}

    def phases(self):
        return Phase("critic", self._critic_loss), Phase("mapping", self._mapping_loss)

    def _critic_loss(self, batch, step):
        step["made"] = self.mapping(batch.source)
        return Losses(self.critic(step["made"].detach()).square().mean(), {})

    def _mapping_loss(self, batch, step):
        return Losses(self.critic(step["made"]).square().mean(), {})


def captured(cls, count):
    """So many steps, by graphs where they can be captured; returns the translator and what took the steps."""
    torch.manual_seed(0)
    translator = cls(ModelConfig(), Task.covering(Coverage.DIRECTION, ("a", "b"), (8, 8))).train()
    optimizers, guard = build_optimizers(translator), FiniteGuard(CPU)
    take = CapturedSteps(translator, optimizers, guard, lambda: autocast("fp32", CPU))
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:  # a rate on the device asks for a GPU
            group["lr"], group["capturable"] = float(group["lr"]), False
    for step in range(count):
        take([PairedBatch(*torch.rand(2, 2, 3, 8, 8).mul(2).sub(1))], step, step / count)
    return translator, take


def test_a_kind_of_steps_is_captured_after_its_warm_ups(without_a_gpu, monkeypatch):
    monkeypatch.setattr(cuda_graphs, "_signature", lambda phase, name, value: name)
    captured(Shifting, WARM_UPS + 5)
    assert Recorder.replays == 5


def test_values_that_the_host_reads_make_steps_of_other_kinds(without_a_gpu, capsys):
    captured(Shifting, WARM_UPS + 5)  # each step draws another number on the CPU
    assert Recorder.replays == 0
    assert not capsys.readouterr().err


def test_no_step_runs_eagerly_beside_the_memory_of_graphs(without_a_gpu, monkeypatch):
    monkeypatch.setattr(Rare, "turns", "")
    captured(Rare, 3 * WARM_UPS + 12)
    turns = Rare.turns.split()
    assert turns == ["eager"] * (4 * WARM_UPS) + ["captured"] * 3  # four turns a round; all others replay


def test_no_phase_is_waited_for_that_runs_hardly_ever(without_a_gpu, monkeypatch):
    monkeypatch.setattr(Rare, "turns", "")
    monkeypatch.setattr(cuda_graphs, "LONGEST_WAIT", 1)
    captured(Rare, WARM_UPS + 3)
    assert Rare.turns.split().count("captured") == 1


def test_no_autograd_graph_outlives_the_step_in_which_it_was_captured(without_a_gpu, monkeypatch):
    monkeypatch.setattr(cuda_graphs, "_signature", lambda phase, name, value: name)
    translator, take = captured(Sharing, WARM_UPS + 1)
    reached = []
    for parameter in translator.parameters():  # a new graph reaches the old node of a parameter while that lives
        node = parameter.view_as(parameter).grad_fn.next_functions[0][0]
        node.register_hook(lambda *gradients: reached.append(gradients))
        del node
    translator.mapping(torch.rand(1, 3, 4, 4)).sum().backward()
    assert take is not None
    assert not reached


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Timed, "phase 'mapping' cannot be captured (its loss reads step.progress, which changes"),
        (Varying, "what phase 'again' draws changes its shape from step to step"),
        (Reading, "phase 'mapping' moves values between host and GPU (_local_scalar_dense)"),
        (Constant, "phase 'mapping' moves values between host and GPU (lift_fresh)"),
        (Selecting, "phase 'mapping' moves values between host and GPU (index)"),
    ],
)
def test_what_cannot_be_captured_is_said_once_and_trained_eagerly(cls, reason, without_a_gpu, monkeypatch, capsys):
    signature = cuda_graphs._signature
    monkeypatch.setattr(cuda_graphs, "_signature", lambda phase, name, value: signature(phase, name, value)[:2])
    steps = WARM_UPS + 4
    translator, _ = captured(cls, steps)
    said = capsys.readouterr().err
    assert said.count("i2i: training goes on without CUDA graphs: ") == 1
    assert reason in said
    monkeypatch.setattr(cuda_graphs, "WARM_UPS", 1000)
    assert torch.equal(translator.mapping.weight, captured(cls, steps)[0].mapping.weight)


def host_transfers(translator, batches):
    """What the phases of a round of steps, one batch each, ask of the host after their draws."""
    optimizers, guard, found = build_optimizers(translator), FiniteGuard(CPU), []
    for index, batch in enumerate(batches):
        guard.at(index)
        step = Step(index, 0.0)
        for phase in due_phases(translator, index):
            draw(phase, [batch], [step])
            with Transfers(step.values()) as transfers:
                take_turn(translator, optimizers, phase, [batch], [step], guard, autocast("bf16", CPU))
            found += [f"{phase.name}: {name}" for name in transfers.found]
    return found


@pytest.mark.parametrize("name", LEARNING)
def test_no_phase_asks_the_host_for_what_a_graph_cannot_hold(name):
    subject = Subject(registry.get(name))
    translator = subject.build().train()
    rounds = max(phase.every for phase in translator.phases())
    assert host_transfers(translator, [subject.batch(index) for index in range(rounds)]) == []


def other_choices(name):
    """A setting each of those that switch something or choose among names, with every value but the usual one."""
    for field, info in registry.get(name).Config.model_fields.items():
        values = (False, True) if info.annotation is bool else get_args(info.annotation)
        yield from ({field: value} for value in values if isinstance(value, str | bool) and value != info.default)


@pytest.mark.integration
@pytest.mark.parametrize("name", LEARNING)
def test_no_choice_of_a_setting_makes_a_phase_ask_the_host(name):
    for choice in other_choices(name):
        subject = Subject(registry.get(name), choice)
        translator = subject.build().train()
        rounds = max(phase.every for phase in translator.phases())
        moved = host_transfers(translator, [subject.batch(index) for index in range(rounds)])
        assert moved == [], choice


@pytest.mark.parametrize(
    ("cls", "read"), [(Reading, "_local_scalar_dense"), (Constant, "lift_fresh"), (Selecting, "index")]
)
def test_what_a_phase_asks_of_the_host_is_found(cls, read):
    translator = cls(ModelConfig(), Task.covering(Coverage.DIRECTION, ("a", "b"), (8, 8))).train()
    assert host_transfers(translator, [PairedBatch(*torch.rand(2, 2, 3, 8, 8).mul(2).sub(1))])[0] == f"mapping: {read}"


@pytest.fixture
def in_double():
    """In float32 a difference in rounding grows tenfold in each step of some models."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.double)
    yield
    torch.set_default_dtype(usual)


def test_a_checkpoint_of_captured_steps_is_that_of_eager_ones(in_double):
    translator = Subject(registry.get("pix2pix")).build()
    optimizers = build_optimizers(translator)
    plain = {name: optimizer.state_dict()["param_groups"] for name, optimizer in optimizers.items()}
    for optimizer in optimizers.values():
        cuda_graphs._keep_rate_on_device(optimizer, CPU)
        assert {group["lr"].dtype for group in optimizer.param_groups} == {torch.float32}
    for name, optimizer in optimizers.items():
        groups = plain_state(optimizer)["param_groups"]
        assert [group["lr"] for group in groups] == pytest.approx([group["lr"] for group in plain[name]])
        assert not any(group["capturable"] for group in groups)


def trained(name, steps, device, *, by_graphs):
    """The terms of so many steps in float64, [steps, terms]."""
    subject = Subject(registry.get(name))
    translator = subject.build().train().to(device, torch.double)
    optimizers, guard = build_optimizers(translator), FiniteGuard(device)
    take = CapturedSteps(translator, optimizers, guard, lambda: autocast("fp32", device)) if by_graphs else None
    for optimizer in optimizers.values():
        cuda_graphs._keep_rate_on_device(optimizer, device)  # the same rounded rates for both
    seen = []
    for step in range(steps):
        torch.manual_seed(1000 + step)
        batch = doubled(subject.batch(step % 3)).to(device, torch.contiguous_format)
        if take:
            terms = take([batch], step, step / steps)
        else:
            terms = training_step(translator, optimizers, [batch], step, guard, progress=step / steps)
        seen.append([float(value) for value in terms.values()])
    assert guard.fault() is None
    return seen


def doubled(batch):
    tensors = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return replace(
        batch, **{name: x.double() for name, x in tensors.items() if x is not None and x.is_floating_point()}
    )


def apart(one, other):
    """The largest relative difference of two runs' terms."""
    pairs = [(torch.tensor(a), torch.tensor(b)) for a, b in zip(one, other, strict=True)]
    return max(float(((a - b).abs() / b.abs().clamp(min=0.1)).max()) for a, b in pairs)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("name", LEARNING)
def test_captured_steps_give_the_losses_of_eager_steps(name, in_double, capsys):
    device = torch.device("cuda")
    eager, by_graphs = (trained(name, 2 * WARM_UPS + 6, device, by_graphs=graphs) for graphs in (False, True))
    assert "without CUDA graphs" not in capsys.readouterr().err
    assert apart(by_graphs, eager) <= 1e-5


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("cls", [Reading, Selecting, Constant])
def test_a_loss_that_no_graph_can_hold_is_trained_eagerly_on_a_gpu_as_well(cls, capsys):
    device = torch.device("cuda")
    translator = cls(ModelConfig(), Task.covering(Coverage.DIRECTION, ("a", "b"), (8, 8))).to(device).train()
    optimizers, guard = build_optimizers(translator), FiniteGuard(device)
    take, before = CapturedSteps(translator, optimizers, guard, lambda: autocast("fp32", device)), []
    for step in range(3 * WARM_UPS):
        torch.manual_seed(0)  # the same draws, so that all steps are of one kind
        take([PairedBatch(*torch.rand(2, 2, 3, 8, 8, device=device).mul(2).sub(1))], step, 0.0)
        before.append(translator.mapping.weight.detach().clone())
    assert capsys.readouterr().err.count("i2i: training goes on without CUDA graphs: ") == 1
    assert all(not torch.equal(one, other) for one, other in pairwise(before))
    assert torch.cuda.current_stream() == torch.cuda.default_stream()


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("name", ["cyclegan", "stargan"])
def test_images_that_go_together_on_a_gpu_give_the_losses_of_those_that_go_apart(name):
    """Translations of CycleGAN and those of its identity loss, real and fake images of StarGAN's critic."""
    subject = Subject(registry.get(name), {"norm": "instance"})
    batch, found = doubled(subject.batch()), []
    drawn = (
        {"targets": batch.labels.flip(0), "interpolation": torch.full((2, 1, 1, 1), 0.3).double()}
        if name == "stargan"
        else {}
    )
    for device in map(torch.device, ("cpu", "cuda")):
        translator, step = subject.build().to(device, torch.double), Step()
        step |= {key: value.to(device) for key, value in drawn.items()}
        losses = translator.phases()[0].loss(batch.to(device, torch.contiguous_format), step)
        found.append({term: float(value.detach()) for term, value in losses.terms.items()})
    assert found[1] == pytest.approx(found[0], rel=1e-6)
