"""Weights of a network under the reference's names, and back."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrize import is_parametrized

from i2i.errors import UserError
from i2i.interop.family import STATISTICS, Family, StateDict

SHOWN = 3


def from_reference(family: Family, network: nn.Module, state: StateDict) -> dict[str, Tensor]:
    """The tensors of a reference state dict under the names of `network`.

    Left out are running statistics of norms that keep none here. What old files do not have is filled in: counters
    of batch norms, and biases where the reference has neither norm nor bias.

    Raises:
        UserError: if anything else is missing, unexpected or of another shape; the text lists the first keys.
    """
    own, rename = network.state_dict(), family.rename(network)
    names = {name: _renamed(rename, name) for name in own}
    optional = {name for name in own if name.endswith(".num_batches_tracked")} | set(_biases_without_norm(network))
    missing = [theirs for name, theirs in names.items() if theirs not in state and name not in optional]
    tolerated = {*names.values(), *_statistics(rename, network)}
    unexpected = [key for key in state if key not in tolerated]
    misshapen = [
        f"{theirs} {list(state[theirs].shape)} in place of {list(own[name].shape)}"
        for name, theirs in names.items()
        if theirs in state and state[theirs].shape != own[name].shape
    ]
    complaints = {"lacks": missing, "has in addition": unexpected, "has": misshapen}
    if any(complaints.values()):
        raise UserError("; ".join(f"it {verb} {_first(keys)}" for verb, keys in complaints.items() if keys))
    return {
        name: state[theirs].to(own[name].dtype) if theirs in state else torch.zeros_like(own[name])
        for name, theirs in names.items()
    }


def to_reference(family: Family, network: nn.Module) -> dict[str, Tensor]:
    """The tensors of `network` under the reference's names, in the reference's order.

    Raises:
        UserError: if the reference has no such network.
    """
    if any(is_parametrized(module) for module in network.modules()):
        raise UserError("its weights are normalised, as by spectral norm, and the reference's are not")
    state = _state(family, network)
    if not family.recognizes(state):
        raise UserError(f"its layers are not those of {family.title} of the reference")
    with torch.device("meta"):
        expected = _state(family, family.build(**family.read(state)))
    different = [key for key in {**expected, **state} if _shape(expected, key) != _shape(state, key)]
    if different:
        raise UserError(f"{family.title} of the reference differs in {_first(different)}")
    return {key: tensor.detach().cpu().contiguous() for key, tensor in state.items()}


def _state(family: Family, network: nn.Module) -> dict[str, Tensor]:
    rename = family.rename(network)
    state: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        tensors = {key: tensor for key, tensor in module.state_dict().items() if "." not in key}
        if isinstance(module, nn.InstanceNorm2d):
            untouched = _untouched_statistics(module)
            tensors |= {statistic: untouched[statistic] for statistic in family.tracked(name)}
        state |= {f"{rename(name)}.{key}": tensor for key, tensor in tensors.items()}
    return state


def _untouched_statistics(norm: nn.InstanceNorm2d) -> dict[str, Tensor]:
    """What PyTorch puts into the running statistics of a new norm."""
    mean, variance = torch.zeros(norm.num_features), torch.ones(norm.num_features)
    return dict(zip(STATISTICS, (mean, variance, torch.tensor(0)), strict=True))


def _statistics(rename: Callable[[str], str], network: nn.Module) -> Iterator[str]:
    """The reference's names of whatever running statistics the norms of a network could have."""
    for name, module in network.named_modules():
        if isinstance(module, _NormBase):
            yield from (f"{rename(name)}.{statistic}" for statistic in STATISTICS)


def _biases_without_norm(network: nn.Module) -> Iterator[str]:
    """Biases of convolutions after which a norm could be and is not."""
    for name, sequence in network.named_modules():
        if isinstance(sequence, nn.Sequential):
            for (layer, module), (_, following) in pairwise(sequence.named_children()):
                if isinstance(following, nn.Identity) and "bias" in module.state_dict():
                    yield f"{name}.{layer}.bias"


def _renamed(rename: Callable[[str], str], name: str) -> str:
    module, _, tensor = name.rpartition(".")
    return f"{rename(module)}.{tensor}"


def _shape(state: StateDict, key: str) -> torch.Size | None:
    return state[key].shape if key in state else None


def _first(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return ", ".join(keys[:SHOWN]) + more
