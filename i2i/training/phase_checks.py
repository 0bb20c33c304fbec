"""What the phases of a translator give, held against the contract ahead of a training.

A custom model that breaks the contract ends in a line that names class, phase and what is wrong, before anything is
trained. `i2i.testing` tries the whole contract, which takes longer.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from i2i.errors import UserError
from i2i.translator import Losses, Phase, Scratch, Translator

GUIDE = "docs/adding_a_model.md"


def check_phases(translator: Translator, batch: Any) -> None:
    """Run the losses of a translator's phases once, in order, and compare networks and losses with the contract.

    Args:
        translator: on the device of the batch; on the meta device it takes no memory.
        batch: of the kind that its losses take.

    Raises:
        UserError: if a phase names no network of the translator or returns no losses that can train its networks, or
            if two phases or none train a parameter; the text names class, phase and remedy.
        RuntimeError: what the losses themselves raise, as where images are too small for the layers.
    """
    phases = translator.phases()
    _check_owners(translator, phases)
    scratch: Scratch = {}
    for phase in phases:
        check_losses(translator, phase, phase.loss(batch, scratch))


def check_losses(translator: Translator, phase: Phase, losses: object) -> None:
    """UserError unless `losses` are scalars from which the networks of the phase can learn."""
    place = f"the loss of phase {phase.name!r} of {type(translator).__name__}"
    if not isinstance(losses, Losses):
        raise UserError(f"{place} returns {_shown(losses)} and must return Losses(total, terms): see {GUIDE}")
    if not isinstance(losses.terms, Mapping):
        raise UserError(f"{place} has terms of {_shown(losses.terms)} and needs tensors by name: see {GUIDE}")
    for name, value in {**losses.terms, "total": losses.total}.items():
        if not (isinstance(value, Tensor) and value.ndim == 0):
            raise UserError(f"{place}: {name!r} is {_shown(value)} and must be a tensor with one number, as of .mean()")
    if not losses.total.requires_grad:
        raise UserError(f"{place}: nothing can be learnt from its total, which is detached or depends on no weights")
    _check_reached(translator, phase, losses.total, place)


def _check_reached(translator: Translator, phase: Phase, total: Tensor, place: str) -> None:
    parameters = {
        name: parameter for name, parameter in _parameters(translator, phase).items() if parameter.requires_grad
    }
    gradients = torch.autograd.grad(total, list(parameters.values()), retain_graph=True, allow_unused=True)
    unreached = [name for name, gradient in zip(parameters, gradients, strict=True) if gradient is None]
    if unreached:
        raise UserError(
            f"{place} does not depend on {_some(unreached)}, which it is to train: use them in the loss, or freeze "
            "them with requires_grad_(False)"
        )


def _check_owners(translator: Translator, phases: tuple[Phase, ...]) -> None:
    """UserError unless each trainable parameter belongs to one phase."""
    name_of_class, owners = type(translator).__name__, dict[int, str]()
    for phase in phases:
        for name, parameter in _parameters(translator, phase).items():
            other = owners.setdefault(id(parameter), phase.name)
            if other != phase.name:
                raise UserError(
                    f"phases {other!r} and {phase.name!r} of {name_of_class} both train {name}: "
                    "name a network in one phase"
                )
    homeless = [n for n, value in translator.named_parameters() if value.requires_grad and id(value) not in owners]
    if phases and homeless:
        raise UserError(
            f"no phase of {name_of_class} trains {_some(homeless)}: name the network in a phase, or freeze it with "
            "requires_grad_(False)"
        )


def _parameters(translator: Translator, phase: Phase) -> dict[str, nn.Parameter]:
    """The parameters of a phase's networks by their names in the translator."""
    found: dict[str, nn.Parameter] = {}
    for name in phase.networks:
        try:
            network = translator.get_submodule(name)
        except AttributeError:
            there = ", ".join(child for child, _ in translator.named_children()) or "none"
            raise UserError(
                f"phase {phase.name!r} of {type(translator).__name__} trains {name!r}, which is no network of it; "
                f"it has {there}"
            ) from None
        found |= {f"{name}.{inner}": parameter for inner, parameter in network.named_parameters()}
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more parameters" if len(names) > 3 else "")


def _shown(value: object) -> str:
    return f"a tensor of shape {list(value.shape)}" if isinstance(value, Tensor) else f"{type(value).__name__}"
