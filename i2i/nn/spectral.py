"""Spectral normalisation of critics."""

from typing import Any, TypeVar, cast

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from i2i.nn.modes import without_autocast

Network = TypeVar("Network", bound=nn.Module)


def normalise_spectrally(network: Network) -> Network:
    """Divide every convolution's weight by its largest singular value, in place; returns the network.

    Miyato et al. 2018, Spectral Normalization for Generative Adversarial Networks, algorithm 1: one power iteration per
    pass in training mode, whose vectors are buffers. It starts from the weights there are: initialise them first.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            norms: nn.ModuleList = cast(Any, spectral_norm(module)).parametrizations.weight
            norms[0] = _InFloat32(norms[0])
    return network


class _InFloat32(nn.Module):
    """A norm outside autocast, which on a GPU would round its matrix products to bfloat16."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, weight: Tensor) -> Tensor:
        with without_autocast(weight.device):
            normalised: Tensor = self.norm(weight)
        return normalised
