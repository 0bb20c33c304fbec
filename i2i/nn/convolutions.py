"""Convolutions whose borders are padded in one of two ways."""

from typing import Literal

from torch import nn

Padding = Literal["reflect", "zeros"]


def convolution(
    inputs: int, outputs: int, kernel: int, padding: Padding, bias: bool, stride: int = 1
) -> list[nn.Module]:
    """The layers of a convolution [B, inputs, H, W] -> [B, outputs, H / stride, W / stride], rounded down.

    With stride 1 kernels are odd, with stride 2 they are even.
    """
    margin = (kernel - 1) // 2
    if padding == "zeros":
        return [nn.Conv2d(inputs, outputs, kernel, stride, margin, bias=bias)]
    return [nn.ReflectionPad2d(margin), nn.Conv2d(inputs, outputs, kernel, stride, bias=bias)]
