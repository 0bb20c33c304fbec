"""Normalisation layers by name, and which of them make a convolution's bias useless."""

from typing import Literal

from torch import nn

Norm = Literal["instance", "instance-affine", "batch", "none"]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """A normalisation of [B, channels, H, W].

    `instance` has no parameters (CycleGAN), `instance-affine` has a gain and an offset (StarGAN). Neither
    tracks running statistics: an image is always normalised by its own.
    """
    if norm == "instance":
        return nn.InstanceNorm2d(channels)
    if norm == "instance-affine":
        return nn.InstanceNorm2d(channels, affine=True)
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.Identity()


def needs_bias(norm: Norm) -> bool:
    """Whether a convolution in front of `norm` carries a bias.

    A norm with an offset of its own makes the bias redundant. Plain instance norm cancels it as well, yet the
    published CycleGAN has it, and its checkpoints and parameter counts include it.
    """
    return norm in ("instance", "none")
