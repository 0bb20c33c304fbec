"""Convolutions whose borders are padded in one of two ways, and such that give images."""

from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Padding = Literal["reflect", "zeros"]
MOST_CHANNELS, LEAST_KERNEL, SIDE = 4, 5, 2
"""Outputs up to which and kernels from which on `ToImageConv2d` was measured faster, and the side of its blocks."""
LEAST_INPUTS = 16
"""Of a filter for blocks. With 8 or 12, PyTorch 2.14.1 convolves wrongly in bfloat16 on CPUs with AMX."""


def convolution(
    inputs: int, outputs: int, kernel: int, padding: Padding, bias: bool, stride: int = 1
) -> list[nn.Module]:
    """The layers of a convolution [B, inputs, H, W] -> [B, outputs, H / stride, W / stride], rounded down.

    With stride 1 kernels are odd, with stride 2 they are even.
    """
    margin = (kernel - 1) // 2
    to_image = outputs <= MOST_CHANNELS and kernel >= LEAST_KERNEL and stride == 1
    layer = ToImageConv2d if to_image else nn.Conv2d
    if padding == "zeros":
        return [layer(inputs, outputs, kernel, stride, margin, bias=bias)]
    return [nn.ReflectionPad2d(margin), layer(inputs, outputs, kernel, stride, bias=bias)]


class ToImageConv2d(nn.Conv2d):
    """A convolution of stride 1 to the few channels of an image, trained on a CPU by blocks of 2x2 pixels.

    The units that multiply take 16 or 32 outputs at once, and an image has three: so a convolution to it runs at a
    fifth of their rate. Here the filter is written four times, shifted to each pixel of a block, into a filter of
    stride 2 with four times the outputs, which are then laid out as pixels. It is the same sum, with zeros besides:
    with 7x7 a third more multiplications in half of the time, gradients included. Without gradients, and with few
    inputs, it is PyTorch's convolution.
    """

    def forward(self, features: Tensor) -> Tensor:
        if not self._by_blocks(features):
            return super().forward(features)
        bias = None if self.bias is None else self.bias.repeat_interleave(SIDE**2)
        blocks = F.conv2d(features, shifted_to_each_pixel(self.weight), bias, stride=SIDE, padding=self.padding)
        return F.pixel_shuffle(blocks, SIDE)

    def _by_blocks(self, features: Tensor) -> bool:
        """Whether a CPU is to differentiate it, and its output, of which an export knows no size, is all blocks."""
        differentiated = torch.is_grad_enabled() and not torch.compiler.is_compiling()
        if features.device.type != "cpu" or features.dim() != 4 or not differentiated:
            return False
        if self.in_channels < LEAST_INPUTS:
            return False
        margins = cast(tuple[int, int], self.padding)
        return all(
            (side + 2 * margin - kernel + 1) % SIDE == 0
            for side, margin, kernel in zip(features.shape[2:], margins, self.kernel_size, strict=True)
        )


def shifted_to_each_pixel(weight: Tensor) -> Tensor:
    """Filters [O, I, K, K] for each pixel of a block: [O * SIDE^2, I, K + SIDE - 1, K + SIDE - 1]."""
    last = SIDE - 1
    places = [(left, last - left, top, last - top) for top in range(SIDE) for left in range(SIDE)]
    return torch.stack([F.pad(weight, place) for place in places], dim=1).flatten(0, 1)
