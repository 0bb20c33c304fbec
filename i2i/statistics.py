"""Norms that normalise tiles of a picture alike: by statistics that are found once and then held.

Instance norm, and batch norm by the picture's own statistics, normalise a picture by its mean and variance. Each tile
has others, and so neighbouring tiles would get other colours.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

Norm = nn.InstanceNorm2d | nn.BatchNorm2d
Statistics = dict[Norm, tuple[Tensor, Tensor]]
"""Means and variances [C] of what each norm was given."""


@contextmanager
def found_statistics(network: nn.Module) -> Iterator[Statistics]:
    """Collect the statistics of what passes through `network` meanwhile, a picture [1, C, H, W]."""
    statistics: Statistics = {}

    def find(norm: Any, inputs: tuple[Tensor]) -> None:
        if _looks_at_pictures(norm):
            statistics[norm] = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3), correction=0)

    hooks = [norm.register_forward_pre_hook(find) for norm in network.modules() if isinstance(norm, Norm)]
    try:
        yield statistics
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def held_statistics(statistics: Statistics) -> Iterator[None]:
    """Normalise by these statistics meanwhile, whatever passes through."""

    def hold(norm: Any, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        return F.batch_norm(inputs[0], *statistics[norm], norm.weight, norm.bias, eps=norm.eps)

    hooks = [norm.register_forward_hook(hold) for norm in statistics]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _looks_at_pictures(norm: Norm) -> bool:
    """Whether it normalises by the picture: batch norm may do so by running statistics, which tiles share anyway."""
    return not norm.track_running_stats
