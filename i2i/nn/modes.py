"""Networks that run for a while otherwise: as in training, without autocast or gradients, or for other programs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@contextmanager
def as_in_training(network: nn.Module, *, dropout: bool, statistics: bool) -> Iterator[None]:
    """Meanwhile keep dropout on, or let batch norms use the statistics of what passes; no trace of it is left.

    Args:
        network: in evaluation mode.
        dropout: whether dropout is on.
        statistics: whether batch norms use the statistics of what passes; otherwise their running ones.
    """
    noisy = [m for m in network.modules() if dropout and isinstance(m, nn.modules.dropout._DropoutNd)]
    norms = [m for m in network.modules() if statistics and isinstance(m, nn.BatchNorm2d)]
    tracking = [norm.track_running_stats for norm in norms]
    try:
        for module in (*noisy, *norms):
            module.training = True
        for norm in norms:
            norm.track_running_stats = False
        yield
    finally:
        for module in (*noisy, *norms):
            module.training = False
        for norm, tracks in zip(norms, tracking, strict=True):
            norm.track_running_stats = tracks


@contextmanager
def as_single_images(network: nn.Module, *, dropout: bool, statistics: bool) -> Iterator[None]:
    """Meanwhile a batch is computed as its images would be one by one; no trace of it is left.

    Args:
        network: in evaluation mode.
        dropout: whether dropout is on, with the same noise for every image: that of a batch of one.
        statistics: whether batch norms normalize each image by its own statistics.
    """
    changed: list[nn.Module] = []
    for module in network.modules():
        if dropout and isinstance(module, nn.Dropout):
            changed.append(_with_forward(module, partial(_same_noise, module.p)))
        elif statistics and isinstance(module, nn.BatchNorm2d):
            changed.append(_with_forward(module, partial(_own_statistics, module)))
    try:
        yield
    finally:
        for module in changed:
            del module.forward


def _with_forward(module: nn.Module, forward: Callable[[Tensor], Tensor]) -> nn.Module:
    module.forward = forward
    return module


def _same_noise(rate: float, features: Tensor) -> Tensor:
    return features * F.dropout(torch.ones_like(features[:1]), rate)


def _own_statistics(norm: nn.BatchNorm2d, features: Tensor) -> Tensor:
    return F.instance_norm(features, weight=norm.weight, bias=norm.bias, eps=norm.eps)


def without_autocast(device: torch.device) -> AbstractContextManager[Any]:
    """A context in which operations on `device` take the precision of their arguments."""
    known = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if known else nullcontext()


@contextmanager
def without_gradients() -> Iterator[None]:
    """`torch.no_grad` within a training step.

    Autocast keeps the bfloat16 copies that it makes of weights until a step's end. Made without gradients, such a copy
    would later on give none to its weight, without any error. Here none are kept.
    """
    keeps = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_autocast_cache_enabled(keeps)


def use_instance_norms(network: nn.Module) -> None:
    """Put an instance norm with the same weights in the place of every batch norm."""
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm2d):
            norm = nn.InstanceNorm2d(child.num_features, eps=child.eps, affine=child.affine)
            norm.load_state_dict({key: child.state_dict()[key] for key in norm.state_dict()})
            setattr(network, name, norm)
        else:
            use_instance_norms(child)
