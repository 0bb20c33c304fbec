"""Training steps captured as CUDA graphs: what the host launches kernel by kernel is launched once and replayed.

Each phase is a graph of its own, from its losses to the steps of its optimizers. What a phase draws is drawn in every
step as ever, between the graphs, and copied to where they read it; so are the images. Learning rates, the number of
the step and the flag of the guard lie on the device. Random numbers within a graph, those of dropout, follow the
generator's seed and offset as in eager steps.

The first steps of every kind run eagerly, on which libraries choose their algorithms and which show whether values
go from the device to the host or back, as they cannot in a graph. Of what kind a step is follows
from the phases that are due and from what the first of them draws: its shapes, and the values that lie on the CPU,
where losses may read them. All graphs share their memory, since they never run at the same time. Eager steps have
memory of their own, which is given back ahead of a capture; so no graph is captured while phases that run in every
few steps still warm up.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, NoReturn

import torch
from torch import Tensor

from i2i.data.batches import Batch
from i2i.errors import TrainingError, UserError
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.host_transfers import HostTransfers
from i2i.training.steps.step import Optimizers, draw, due_phases, logged_terms, take_turn
from i2i.translator import Phase, Step, Translator
from i2i.utils import console

WARM_UPS = 3
"""Eager steps of a kind ahead of its capture."""
LONGEST_WAIT = 16
"""Steps between two turns of a phase, at most, for whose warm-up the first capture waits."""
MOST_KINDS = 64
"""Of which steps are captured; others run eagerly."""

Terms = dict[str, Tensor]
Drawn = list[dict[str, Tensor]]
"""What a phase has put into the step of each micro-batch."""


def reason_against_graphs(device: torch.device, processes: int = 1) -> str | None:
    """Why steps on that device, by so many processes, cannot be captured; None if they can."""
    if device.type != "cuda":
        return f"CUDA graphs need a GPU of NVIDIA's and the device is {device.type}"
    return "several processes, which exchange gradients, train by eager steps" if processes > 1 else None


def captured_steps(
    graphs: Literal["auto", "on", "off"],
    translator: Translator,
    optimizers: Optimizers,
    guard: FiniteGuard,
    precision: Callable[[], AbstractContextManager[object]],
    processes: int = 1,
) -> "CapturedSteps | None":
    """Steps by graphs as the setting `train.graphs` asks for them; None where they are to be eager.

    Raises:
        UserError: for `on` where steps cannot be captured.
    """
    reason = reason_against_graphs(guard.found.device, processes)
    if graphs == "on" and reason:
        raise UserError(f"train.graphs=on: {reason}; take --set train.graphs=auto, which uses them where it can")
    if graphs == "off" or reason or not optimizers:
        return None
    return CapturedSteps(translator, optimizers, guard, precision, graphs == "on")


def longest_turn(translator: Translator) -> int:
    """Steps from one turn of a phase to the next for which the first capture waits."""
    return min(LONGEST_WAIT, max(phase.every for phase in translator.phases()))


def until_captured(translator: Translator) -> int:
    """Steps after which those are captured in which the phases run that do so every few steps."""
    return (WARM_UPS + 1) * longest_turn(translator)


class CapturedSteps:
    """Does what `training_step` does, by graphs where it can; steps that cannot be captured run eagerly.

    Why is said once, on standard error. Code that replaces tensors that steps read or write, such as an optimizer's
    moments, has to make a new one.

    Args:
        translator: on a CUDA device, in training mode.
        optimizers: by name; their learning rates move to the device.
        guard: of the same device.
        precision: makes the context of a phase's forward pass.
        or_stop: raise a TrainingError where a step cannot be captured, in place of going on eagerly.
    """

    def __init__(
        self,
        translator: Translator,
        optimizers: Optimizers,
        guard: FiniteGuard,
        precision: Callable[[], AbstractContextManager[object]],
        or_stop: bool = False,
    ) -> None:
        self._translator, self._optimizers, self._guard, self._precision = translator, optimizers, guard, precision
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream(guard.found.device)  # type: ignore[no-untyped-call]
        self._inputs: list[Batch] = []
        self._kinds: dict[Hashable, _StepKind] = {}
        self._eager, self._or_stop = False, or_stop
        self._warming = WARM_UPS * longest_turn(translator)
        for optimizer in optimizers.values():
            _keep_rate_on_device(optimizer, guard.found.device)

    def __call__(self, batches: Sequence[Batch], index: int, progress: float) -> Terms:
        """The terms of the step numbered `index`, named `phase/term`; the next step writes over them.

        Raises:
            TrainingError: if a phase draws other shapes than in all steps of that kind before.
        """
        self._guard.at(index)
        now = _CurrentStep(self._held(batches), [Step(index, progress) for _ in batches])
        due = due_phases(self._translator, index)
        kind, terms = _StepKind(), Terms()
        for number, phase in enumerate(due):
            drawn = now.draw(phase)
            signatures = _signatures(phase, drawn)
            if number == 0:
                kind = self._kind((*(one.name for one in due), *signatures))
            terms |= logged_terms(phase, self._turn(kind, number, phase, now, drawn, signatures))
        kind.end_step()
        self._warming -= 1
        return terms

    def _held(self, batches: Sequence[Batch]) -> list[Batch]:
        """The images where graphs read them."""
        if not self._inputs:
            self._inputs = [one.clone() for one in batches]
            return self._inputs
        for held, one in zip(self._inputs, batches, strict=True):
            held.copy_(one)
        return self._inputs

    def _kind(self, key: Hashable) -> "_StepKind":
        if key not in self._kinds and len(self._kinds) == MOST_KINDS:
            self._go_on_eagerly(f"there are more than {MOST_KINDS} kinds of steps")
        return self._kinds.setdefault(key, _StepKind())

    def _turn(
        self, kind: "_StepKind", number: int, phase: Phase, now: "_CurrentStep", drawn: Drawn, signatures: Hashable
    ) -> Terms:
        known = kind.signatures.setdefault(number, signatures) == signatures
        if kind.turns[number:] and not self._eager:
            return kind.turns[number].replay(now, drawn, known)
        if not known:
            self._go_on_eagerly(f"what phase {phase.name!r} draws changes its shape from step to step")
        if kind.count == WARM_UPS - 1 and not self._eager:
            return self._watched(phase, now)
        if kind.count >= WARM_UPS and self._warming <= 0 and not self._eager:
            turn = self._captured(phase, now, drawn)
            if turn is not None:
                kind.turns.append(turn)
                return turn.replay(now, drawn, known)
        return self._taken(phase, now.batches, now.steps)

    def _taken(self, phase: Phase, batches: Sequence[Batch], steps: Sequence[Step]) -> Terms:
        return take_turn(self._translator, self._optimizers, phase, batches, steps, self._guard, self._precision())

    def _watched(self, phase: Phase, now: "_CurrentStep") -> Terms:
        """An eager turn that shows whether a capture would be broken off by CUDA, which leaves traces."""
        with HostTransfers(self._guard.found.device) as transfers:
            terms = self._taken(phase, now.batches, now.steps)
        if transfers.found:
            self._go_on_eagerly(f"phase {phase.name!r} moves values between host and GPU ({transfers.found[0]})")
        return terms

    def _captured(self, phase: Phase, now: "_CurrentStep", drawn: Drawn) -> "_CapturedPhase | None":
        """A phase as a graph, which has not run yet; None if it cannot be one."""
        graph, held = torch.cuda.CUDAGraph(), [_held(own) for own in drawn]
        sealed = [_SealedStep({**step, **own}) for step, own in zip(now.steps, held, strict=True)]
        try:
            # The stream is left in any case; the end of a capture that fails does not come to it.
            with (
                torch.cuda.stream(self._stream),
                torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"),
            ):
                terms = self._taken(phase, now.batches, sealed)
        except (RuntimeError, NotImplementedError) as error:
            for name in phase.steps:
                self._optimizers[name].zero_grad(set_to_none=True)
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self._go_on_eagerly(f"phase {phase.name!r} cannot be captured ({reason})")
            return None
        return _CapturedPhase(phase, graph, held, sealed, terms)

    def _go_on_eagerly(self, reason: str) -> None:
        if self._or_stop:
            raise TrainingError(f"train.graphs=on: {reason}; train with --set train.graphs=auto")
        if not self._eager:
            console.note(f"i2i: training goes on without CUDA graphs: {reason}")
        self._eager = True


@dataclass
class _CurrentStep:
    """The step that is being taken: its micro-batches and what their phases have left."""

    batches: list[Batch]
    steps: list[Step]

    def draw(self, phase: Phase) -> Drawn:
        """What a phase draws for each micro-batch, tensors that were there before under another name included."""
        before = [dict(step) for step in self.steps]
        draw(phase, self.batches, self.steps)
        return [
            {name: value for name, value in step.items() if value is not old.get(name)}
            for step, old in zip(self.steps, before, strict=True)
        ]


@dataclass
class _StepKind:
    """Steps in which the same phases run on the same shapes: how many there were, and their graphs in order.

    `released` tells whether the autograd graphs of the capture are gone.
    """

    count: int = 0
    released: bool = False
    signatures: dict[int, Hashable] = field(default_factory=dict)
    turns: list["_CapturedPhase"] = field(default_factory=list)

    def end_step(self) -> None:
        """Count the step; after the one that is captured no autograd graph of its phases is needed any more.

        One that lived on would keep its activations, and tie parameters to the stream on which it was made.
        """
        if self.turns and not self.released:
            self.released = True
            for turn in self.turns:
                turn.left = [{name: value.detach() for name, value in step.items()} for step in turn.left]
        self.count += 1


@dataclass
class _CapturedPhase:
    """A captured phase: its graph, what that reads of what was drawn, and what it leaves."""

    phase: Phase
    graph: torch.cuda.CUDAGraph
    held: Drawn
    left: Sequence[Mapping[str, Tensor]]
    terms: Terms

    def replay(self, now: _CurrentStep, drawn: Drawn, known: bool) -> Terms:
        """Run the graph on what was drawn now; its signature has to be that of the capture, which is `known`."""
        if not known:
            raise TrainingError(
                f"phase {self.phase.name!r} draws other shapes than in the steps before, on which its CUDA graph was "
                "captured: train with --set train.graphs=off"
            )
        pairs = [
            (held, own[name])
            for own, kept in zip(drawn, self.held, strict=True)
            for name, held in kept.items()
            if held.device.type != "cpu"
        ]
        if pairs:
            torch._foreach_copy_(*map(list, zip(*pairs, strict=True)))  # type: ignore[arg-type]
        self.graph.replay()
        for step, left in zip(now.steps, self.left, strict=True):
            step.update(left)
        return self.terms


class _SealedStep(Step):
    """A step whose number and progress nobody may read: a graph would repeat those of its capture."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        dict.__init__(self, tensors)

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(
            f"its loss reads step.{name}, which changes: put a tensor made from it into the step by draw"
        )


def _held(drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies that stay in their place."""
    return {name: value.detach().clone() for name, value in drawn.items()}


def _signatures(phase: Phase, drawn: Drawn) -> tuple[Hashable, ...]:
    """What a graph takes for granted of tensors: shape and type and, on the CPU, where the host reads them, values."""
    return tuple(_signature(phase, name, value) for own in drawn for name, value in own.items())


def _signature(phase: Phase, name: str, value: Tensor) -> Hashable:
    if not isinstance(value, Tensor):
        raise TrainingError(f"phase {phase.name!r} draws {name!r}, which is no tensor but {type(value).__name__}")
    values = tuple(value.flatten().tolist()) if value.device.type == "cpu" else ()
    return name, value.shape, value.stride(), value.dtype, values


def _keep_rate_on_device(optimizer: torch.optim.Adam, device: torch.device) -> None:
    for group in optimizer.param_groups:
        rate = torch.tensor(float(group["lr"]), dtype=torch.float32, device=device)  # whatever the default type is
        group["lr"], group["capturable"] = rate, True
