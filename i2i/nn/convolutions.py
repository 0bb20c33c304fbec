"""Convolutions that keep the size, with the borders padded in one of two ways."""

from typing import Literal

from torch import nn

Padding = Literal["reflect", "zeros"]


def convolution(inputs: int, outputs: int, kernel: int, padding: Padding, bias: bool) -> list[nn.Module]:
    """The layers of a convolution [B, inputs, H, W] -> [B, outputs, H, W] with an odd kernel."""
    margin = kernel // 2
    if padding == "zeros":
        return [nn.Conv2d(inputs, outputs, kernel, padding=margin, bias=bias)]
    return [nn.ReflectionPad2d(margin), nn.Conv2d(inputs, outputs, kernel, bias=bias)]
