"""Spectral normalisation of critics."""

from typing import Any, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from i2i.nn.modes import without_autocast

Network = TypeVar("Network", bound=nn.Module)


def normalize_spectrally(network: Network) -> Network:
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
            normalized: Tensor = self.norm(weight)
        return normalized


class SpectralLayer(nn.Module):
    """A convolution or linear layer that divides its weight by its largest singular value as PyTorch first did it.

    As above, but each power iteration begins with the vector of the inputs and not with that of the outputs, and none
    are made ahead. Trainings that were published with `torch.nn.utils.spectral_norm` are followed to the last digits
    so, and the tensors have its names.
    """

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.stride = layer.stride if isinstance(layer, nn.Conv2d) else None
        self.weight_orig = layer.weight
        self.bias = layer.bias
        outputs, inputs = layer.weight.flatten(1).shape
        self.weight_u: Tensor
        self.weight_v: Tensor
        self.register_buffer("weight_u", F.normalize(torch.randn(outputs), dim=0))
        self.register_buffer("weight_v", F.normalize(torch.randn(inputs), dim=0))

    def forward(self, features: Tensor) -> Tensor:
        weight = self._normalized()
        if self.stride is None:
            return F.linear(features, weight, self.bias)
        return F.conv2d(features, weight, self.bias, self.stride)

    def _normalized(self) -> Tensor:
        with without_autocast(self.weight_orig.device):
            matrix = self.weight_orig.flatten(1)
            if self.training:
                self._iterate(matrix)
            # Copies, as another pass may change the vectors ahead of the backward pass of this one.
            largest = self.weight_u.clone() @ matrix @ self.weight_v.clone()
            return self.weight_orig / largest

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        self.weight_v.copy_(F.normalize(matrix.T @ self.weight_u, dim=0))
        self.weight_u.copy_(F.normalize(matrix @ self.weight_v, dim=0))
