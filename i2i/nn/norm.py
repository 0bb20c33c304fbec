"""Normalisation layers by name, and which of them make a convolution's bias useless."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["instance", "instance-affine", "batch", "none"]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """A normalisation of [B, channels, H, W].

    `instance` has no parameters (CycleGAN), `instance-affine` has a gain and an offset (StarGAN). Neither
    tracks running statistics: an image is always normalised by its own.
    """
    if norm == "instance":
        return InstanceNorm(channels)
    if norm == "instance-affine":
        return InstanceNorm(channels, affine=True)
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.Identity()


def needs_bias(norm: Norm) -> bool:
    """Whether a convolution in front of `norm` carries a bias.

    A norm with an offset of its own makes the bias redundant. Plain instance norm cancels it as well, yet the
    published CycleGAN has it, and its checkpoints and parameter counts include it.
    """
    return norm in ("instance", "none")


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm without running statistics (Ulyanov et al. 2016), quick and right for single images.

    PyTorch's own copies a channels-last input to NCHW and back. And on a CPU its gradient of a single image is wrong,
    without any error, where the gradient of its output is laid out channels-last (seen in 2.14). The batch norm of a
    batch of one is the same function, to the last bit, and has neither fault.
    """

    def forward(self, features: Tensor) -> Tensor:
        single = features.shape[0] == 1  # len() would bind an exported graph to its batch
        if single and (features.requires_grad or features.is_contiguous(memory_format=torch.channels_last)):
            return F.batch_norm(features, None, None, self.weight, self.bias, training=True, eps=self.eps)
        normalized: Tensor = super().forward(features)
        return normalized


class LayerNorm(nn.Module):
    """Layer norm of images [B, channels, H, W] (Ba et al. 2016), with a gain `gamma` and an offset `beta` per channel.

    As MUNIT has it: the mean of an image's features is taken off, and they are divided by their unbiased standard
    deviation plus `eps`. Gains start uniform in [0, 1). Computed in float32.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.rand(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        std, mean = torch.std_mean(features.float(), dim=(1, 2, 3), keepdim=True)
        normalized = (features - mean) / (std + self.eps) * self.gamma[:, None, None] + self.beta[:, None, None]
        return normalized.to(features.dtype)
