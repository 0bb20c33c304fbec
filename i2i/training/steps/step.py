"""One training step: the phases of a translator in turn, each followed by the optimizers that step on its losses."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from i2i.distributed.process_group import ALONE, Processes
from i2i.nn.modes import without_gradients
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.translator import Losses, Optimizer, Phase, Step, Translator

Optimizers = Mapping[str, torch.optim.Adam]


def build_optimizers(translator: Translator) -> Optimizers:
    """The optimizers that a translator declares, over the trainable parameters of their networks."""
    return {name: _built(translator, settings) for name, settings in translator.optimizers().items()}


def _built(translator: Translator, settings: Optimizer) -> torch.optim.Adam:
    kind = torch.optim.AdamW if settings.decoupled else torch.optim.Adam
    parameters = trained_by(translator, settings)
    return kind(parameters, lr=settings.lr, betas=settings.betas, weight_decay=settings.weight_decay, fused=True)


def trained_by(translator: Translator, optimizer: Optimizer) -> list[torch.nn.Parameter]:
    """The trainable parameters of an optimizer's networks."""
    return [
        parameter
        for name in optimizer.networks
        for parameter in translator.get_submodule(name).parameters()
        if parameter.requires_grad
    ]


def phase_parameters(translator: Translator, phase: Phase) -> list[torch.nn.Parameter]:
    """The parameters that the optimizers of a phase train."""
    optimizers = translator.optimizers()
    return [parameter for name in phase.steps for parameter in trained_by(translator, optimizers[name])]


def training_step(
    translator: Translator,
    optimizers: Optimizers,
    batches: list[Any],
    step: int,
    guard: FiniteGuard,
    precision: AbstractContextManager[Any] | None = None,
    *,
    progress: float = 0.0,
    fixed: Sequence[Mapping[str, Tensor]] | None = None,
    processes: Processes = ALONE,
) -> dict[str, Tensor]:
    """Run the phases that are due in `step` and update their networks.

    Where several processes train, gradients, terms and the statistics that layers gather are averaged over them.

    Args:
        translator: in training mode.
        optimizers: by name.
        batches: micro-batches, whose gradients are averaged.
        step: counted from 0.
        guard: keeps the optimizers from stepping once a loss or gradient is not finite.
        precision: context of the forward passes, such as autocast.
        progress: share of the training budget that has elapsed.
        fixed: per micro-batch what takes the place of the phases' random draws, by their names.
        processes: those that train together, each with micro-batches of its own.

    Returns:
        The unweighted terms, named `phase/term`, averaged over micro-batches; they stay on the device.
    """
    steps = [Step(step, progress) for _ in batches]
    guard.at(step)
    logged: dict[str, Tensor] = {}
    for phase in due_phases(translator, step):
        draw(phase, batches, steps, fixed)
        terms = take_turn(translator, optimizers, phase, batches, steps, guard, precision or nullcontext(), processes)
        logged |= logged_terms(phase, terms)
    processes.average([buffer for buffer in translator.buffers() if buffer.is_floating_point()])
    return logged


def due_phases(translator: Translator, step: int) -> list[Phase]:
    """The phases that take their turn in `step`, counted from 0."""
    return [phase for phase in translator.phases() if phase.runs_in(step)]


def logged_terms(phase: Phase, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The terms of a phase as logs name them, without the total."""
    return {f"{phase.name}/{name}": term for name, term in terms.items() if name != "total"}


def draw(
    phase: Phase,
    batches: Sequence[Any],
    steps: Sequence[Step],
    fixed: Sequence[Mapping[str, Tensor]] | None = None,
) -> None:
    """What a phase draws for each micro-batch, some of it replaced by what is `fixed`."""
    if phase.draw is None:
        return
    for batch, step, replaced in zip(batches, steps, fixed or [{}] * len(batches), strict=True):
        with without_gradients():
            phase.draw(batch, step)
        step.update(replaced)


def take_turn(
    translator: Translator,
    optimizers: Optimizers,
    phase: Phase,
    batches: Sequence[Any],
    steps: Sequence[Step],
    guard: FiniteGuard,
    precision: AbstractContextManager[Any],
    processes: Processes = ALONE,
) -> dict[str, Tensor]:
    """A phase after its draw: losses, gradients, the steps of its optimizers and what comes after; its mean terms.

    Nothing in it waits for the device or depends on what the host knows of the step.
    """
    terms = accumulate_gradients(translator, phase, batches, steps, precision, processes)
    processes.average(list(terms.values()))
    declared = translator.optimizers()
    stepping = [(optimizers[name], declared[name].clip_norm) for name in phase.steps]
    parameters = [parameter for optimizer, _ in stepping for parameter in _parameters(optimizer)]
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    refused = guard.check(phase.name, terms, gradients)
    for optimizer, clip_norm in stepping:
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(_parameters(optimizer), clip_norm)
        # Fused Adam leaves everything as it is where `found_inf` is 1: no transfer to the host needed.
        optimizer.found_inf = refused  # type: ignore[attr-defined]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    if phase.after:
        with torch.no_grad():
            phase.after()
    return terms


def set_rate(optimizer: torch.optim.Adam, rate: float) -> None:
    """Give an optimizer its learning rate; where that lies on the device it stays the same tensor."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def plain_state(optimizer: torch.optim.Adam) -> dict[str, object]:
    """The state of an optimizer as that of eager steps, whose learning rates are numbers of the host."""
    state = optimizer.state_dict()
    groups = [{**group, "lr": float(group["lr"]), "capturable": False} for group in state["param_groups"]]
    return {**state, "param_groups": groups}


def _parameters(optimizer: torch.optim.Adam) -> list[torch.nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def accumulate_gradients(
    translator: Translator,
    phase: Phase,
    batches: Sequence[Any],
    steps: Sequence[Step],
    precision: AbstractContextManager[Any],
    processes: Processes = ALONE,
) -> dict[str, Tensor]:
    """Leave the phase's mean gradient in its parameters' `.grad`; returns mean terms and `total`.

    What the phase draws is in the steps already, see `draw`. Gradients are means over the processes, terms are not.
    """
    parameters = phase_parameters(translator, phase)
    exchange = processes.exchange(parameters)
    share = 1.0 / len(batches)
    means: dict[str, Tensor] = {}
    for number, (batch, step) in enumerate(zip(batches, steps, strict=True), 1):
        with precision:
            losses = phase.loss(batch, step)
        with exchange.meanwhile() if number == len(batches) else nullcontext():
            gradients = torch.autograd.grad(losses.total * share, parameters, materialize_grads=phase.allow_unused)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            _add_gradient(parameter, gradient)
        for name, term in {**losses.terms, "total": losses.total}.items():
            part = term.detach().float() * share
            means[name] = means[name] + part if name in means else part
    exchange.finish()
    return means


def drawn_losses(phase: Phase, batch: Any, step: Step, fixed: Mapping[str, Tensor] | None = None) -> Losses:
    """What a phase draws, some of it replaced by what is `fixed`, and then its losses."""
    draw(phase, [batch], [step], [fixed or {}])
    return phase.loss(batch, step)


def _add_gradient(parameter: torch.nn.Parameter, gradient: Tensor) -> None:
    """Add to `.grad`, in the parameter's memory layout.

    `autograd.grad` promises no layout (`backward` does), and fused optimizers read memory in order: a
    gradient laid out otherwise, as double backward gives, would be applied to the wrong elements.
    """
    if parameter.grad is not None:
        parameter.grad.add_(gradient)
    elif gradient.stride() == parameter.stride():
        parameter.grad = gradient
    else:
        parameter.grad = torch.empty_like(parameter).copy_(gradient)
