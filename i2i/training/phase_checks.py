"""What a translator declares for its training, held against the contract ahead of it.

A custom model that breaks the contract ends in a line that names class, phase and what is wrong, before anything is
trained. `i2i.testing` tries the whole contract, which takes longer.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from i2i.errors import UserError
from i2i.training.steps.step import drawn_losses
from i2i.translator import Losses, Optimizer, Phase, Step, Translator

GUIDE = "docs/adding_a_model.md"


def check_phases(translator: Translator, batch: object) -> None:
    """Run the losses of a translator's phases once, in order, and compare networks and losses with the contract.

    Args:
        translator: on the device of the batch; on the meta device it takes no memory.
        batch: of the kind that its losses take.

    Raises:
        UserError: if an optimizer names no network of the translator, two or none train a parameter, a phase names no
            optimizer, or its loss returns nothing that can train what it steps; the text names class, phase and remedy.
        RuntimeError: what the losses themselves raise, as where images are too small for the layers.
    """
    phases, optimizers = translator.phases(), translator.optimizers()
    _check_names(translator, phases, optimizers)
    _check_owners(translator, phases, optimizers)
    step = Step()
    for phase in phases:
        check_losses(translator, phase, drawn_losses(phase, batch, step))


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
    if not phase.allow_unused:
        _check_reached(translator, phase, losses.total, place)


def _check_reached(translator: Translator, phase: Phase, total: Tensor, place: str) -> None:
    optimizers = translator.optimizers()
    owned = {k: v for name in phase.steps for k, v in _parameters(translator, name, optimizers[name]).items()}
    parameters = {name: parameter for name, parameter in owned.items() if parameter.requires_grad}
    reached = _leaves(total)
    unreached = [name for name, parameter in parameters.items() if id(parameter) not in reached]
    if unreached:
        raise UserError(
            f"{place} does not depend on {_some(unreached)}, which it is to train: use them in the loss, freeze "
            "them with requires_grad_(False), or declare allow_unused of the phase"
        )


def _leaves(total: Tensor) -> set[int]:
    """The ids of all tensors that would get a gradient from `total`.

    They are read from its graph: on the meta device the gradients themselves take four times as long as the losses.
    """
    waiting, seen = [total.grad_fn], set[object]()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [inner for inner, _ in node.next_functions]
    return {id(leaf) for node in seen if (leaf := getattr(node, "variable", None)) is not None}


def _check_names(translator: Translator, phases: tuple[Phase, ...], optimizers: Mapping[str, Optimizer]) -> None:
    """UserError unless phases have different names, and step optimizers that there are."""
    there = ", ".join(optimizers) or "none"
    for phase in phases:
        for name in phase.steps:
            if name not in optimizers:
                raise UserError(
                    f"phase {phase.name!r} of {type(translator).__name__} steps the optimizer {name!r}, which "
                    f"optimizers() does not give; it gives {there}: see {GUIDE}"
                )
    idle = set(optimizers) - {name for phase in phases for name in phase.steps}
    if idle:
        raise UserError(f"no phase of {type(translator).__name__} steps {_some(sorted(idle))}: see {GUIDE}")
    names = [phase.name for phase in phases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f"two phases of {type(translator).__name__} are named {twice!r}: give them different names")


def _check_owners(translator: Translator, phases: tuple[Phase, ...], optimizers: Mapping[str, Optimizer]) -> None:
    """UserError unless each trainable parameter belongs to one optimizer."""
    name_of_class, owners = type(translator).__name__, dict[int, str]()
    for optimizer, settings in optimizers.items():
        for name, parameter in _parameters(translator, optimizer, settings).items():
            other = owners.setdefault(id(parameter), optimizer)
            if other != optimizer:
                raise UserError(
                    f"optimizers {other!r} and {optimizer!r} of {name_of_class} both train {name}: "
                    "name a network in one of them"
                )
    learned = translator.learned_parameters().items()
    untrained = [name for name, value in learned if value.requires_grad and id(value) not in owners]
    if phases and untrained:
        raise UserError(
            f"no optimizer of {name_of_class} trains {_some(untrained)}: name the network in one, or in `frozen` if "
            "it is not to learn"
        )


def _parameters(translator: Translator, optimizer: str, settings: Optimizer) -> dict[str, nn.Parameter]:
    """The parameters of an optimizer's networks by their names in the translator."""
    found: dict[str, nn.Parameter] = {}
    for name in settings.networks:
        try:
            network = translator.get_submodule(name)
        except AttributeError:
            there = ", ".join(child for child, _ in translator.named_children()) or "none"
            raise UserError(
                f"optimizer {optimizer!r} of {type(translator).__name__} trains {name!r}, which is no network of it; "
                f"it has {there}"
            ) from None
        found |= {f"{name}.{inner}": parameter for inner, parameter in network.named_parameters()}
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _shown(value: object) -> str:
    return f"a tensor of shape {list(value.shape)}" if isinstance(value, Tensor) else f"{type(value).__name__}"
