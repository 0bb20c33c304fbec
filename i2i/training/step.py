"""One training step: the phases of a translator in turn, each with its optimiser."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from i2i.distributed.process_group import ALONE, Processes
from i2i.training.nan_guard import FiniteGuard
from i2i.translator import Phase, Scratch, Translator

Optimisers = Mapping[str, torch.optim.Adam]


def build_optimisers(translator: Translator) -> Optimisers:
    """One Adam per phase, over the parameters of the phase's networks."""
    return {
        phase.name: torch.optim.Adam(
            phase_parameters(translator, phase),
            lr=phase.optimiser.learning_rate,
            betas=phase.optimiser.betas,
            fused=True,
        )
        for phase in translator.phases()
    }


def phase_parameters(translator: Translator, phase: Phase) -> list[torch.nn.Parameter]:
    """The trainable parameters of a phase's networks."""
    return [
        parameter
        for name in phase.networks
        for parameter in translator.get_submodule(name).parameters()
        if parameter.requires_grad
    ]


def training_step(
    translator: Translator,
    optimisers: Optimisers,
    batches: list[Any],
    step: int,
    guard: FiniteGuard,
    precision: AbstractContextManager[Any] | None = None,
    scratches: list[Scratch] | None = None,
    processes: Processes = ALONE,
) -> dict[str, Tensor]:
    """Run the phases that are due in `step` and update their networks.

    Where several processes train, gradients, terms and the statistics that layers gather are averaged over them.

    Args:
        translator: in training mode.
        optimisers: by phase name.
        batches: micro-batches, whose gradients are averaged.
        step: counted from 0.
        guard: keeps the optimisers from stepping once a loss or gradient is not finite.
        precision: context of the forward passes, such as autocast.
        scratches: one dictionary per micro-batch, to fix random draws; fresh ones if None.
        processes: those that train together, each with micro-batches of its own.

    Returns:
        The unweighted terms, named `phase/term`, averaged over micro-batches; they stay on the device.
    """
    scratches = scratches or [{} for _ in batches]
    logged: dict[str, Tensor] = {}
    for phase in translator.phases():
        if not phase.runs_in(step):
            continue
        terms = accumulate_gradients(translator, phase, batches, scratches, precision or nullcontext())
        optimiser = optimisers[phase.name]
        gradients = [parameter.grad for group in optimiser.param_groups for parameter in group["params"]]
        processes.average([*terms.values(), *gradients])
        # Fused Adam leaves everything as it is where `found_inf` is 1: no transfer to the host needed.
        optimiser.found_inf = guard.check(phase.name, step, terms, gradients)  # type: ignore[attr-defined]
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        logged |= {f"{phase.name}/{name}": term for name, term in terms.items() if name != "total"}
    processes.average([buffer for buffer in translator.buffers() if buffer.is_floating_point()])
    return logged


def accumulate_gradients(
    translator: Translator,
    phase: Phase,
    batches: list[Any],
    scratches: list[Scratch],
    precision: AbstractContextManager[Any],
) -> dict[str, Tensor]:
    """Leave the phase's mean gradient in its parameters' `.grad`; returns mean terms and `total`."""
    parameters = phase_parameters(translator, phase)
    share = 1.0 / len(batches)
    means: dict[str, Tensor] = {}
    for batch, scratch in zip(batches, scratches, strict=True):
        with precision:
            losses = phase.loss(batch, scratch)
        gradients = torch.autograd.grad(losses.total * share, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            _add_gradient(parameter, gradient)
        for name, term in {**losses.terms, "total": losses.total}.items():
            part = term.detach().float() * share
            means[name] = means[name] + part if name in means else part
    return means


def _add_gradient(parameter: torch.nn.Parameter, gradient: Tensor) -> None:
    """Add to `.grad`, in the parameter's memory layout.

    `autograd.grad` promises no layout (`backward` does), and fused optimisers read memory in order: a
    gradient laid out otherwise, as double backward gives, would be applied to the wrong elements.
    """
    if parameter.grad is not None:
        parameter.grad.add_(gradient)
    elif gradient.stride() == parameter.stride():
        parameter.grad = gradient
    else:
        parameter.grad = torch.empty_like(parameter).copy_(gradient)
