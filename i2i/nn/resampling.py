"""Layers that double height and width or halve them, learnt or by a fixed filter."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.nn.convolutions import Padding, convolution

Upsampling = Literal["deconv", "resize-conv", "pixel-shuffle"]
BORDER = (1, 1, 1, 1)


def upsample(
    inputs: int,
    outputs: int,
    kind: Upsampling = "deconv",
    kernel: Literal[3, 4] = 4,
    bias: bool = True,
    padding: Padding = "zeros",
) -> nn.Module:
    """One layer [B, inputs, H, W] -> [B, outputs, 2H, 2W].

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kind: `deconv` is a transposed convolution, as the papers have it. Its output pixels are made by four
            different sets of weights, which shows as a checkerboard (Odena et al. 2016, Deconvolution and
            Checkerboard Artifacts). `resize-conv` repeats every pixel and convolves, as proposed there.
            `pixel-shuffle` convolves to four times the channels and makes pixels of them (Shi et al. 2016).
        kernel: side of the transposed convolution's kernel; the others' is 3.
        bias: whether the convolution has a bias.
        padding: how borders are padded ahead of the convolutions that are not transposed.
    """
    if kind == "resize-conv":
        return nn.Sequential(nn.Upsample(scale_factor=2), *convolution(inputs, outputs, 3, padding, bias))
    if kind == "pixel-shuffle":
        return PixelShuffleUp(inputs, outputs, padding, bias)
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=1, output_padding=kernel % 2, bias=bias)


class PixelShuffleUp(nn.Sequential):
    """A convolution to four times the channels, then each four channels become 2x2 pixels of one (Shi et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, padding: Padding, bias: bool) -> None:
        super().__init__(*convolution(inputs, outputs * 4, 3, padding, bias), nn.PixelShuffle(2))
        self.equalize()

    @torch.no_grad()
    def equalize(self) -> None:
        """Give the four pixels of one channel the same weights, so that the start has no checkerboards.

        ICNR initialisation (Aitken et al. 2017): the layer starts as a convolution whose pixels are repeated.
        """
        for values in self.parameters():
            values.copy_(values[::4].repeat_interleave(4, dim=0))


class BlurPool(nn.Module):
    """Blur by [1, 2, 1] in both directions and keep each second pixel: [B, C, H, W] -> [B, C, H / 2, W / 2].

    So what moves by a pixel comes out moved (Zhang 2019, Making Convolutional Networks Shift-Invariant Again). Borders
    are reflected; odd sides are rounded up.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Not trained, yet in checkpoints: those of the authors' code hold it under this name.
        self.register_buffer("filt", _filter((1.0, 2.0, 1.0), channels))

    def forward(self, features: Tensor) -> Tensor:
        channels = features.shape[1]
        return F.conv2d(F.pad(features, BORDER, "reflect"), self.get_buffer("filt"), stride=2, groups=channels)


class BlurUpsample(nn.Module):
    """Double by [1, 3, 3, 1] in both directions: [B, C, H, W] -> [B, C, 2H, 2W].

    Borders are repeated. This is bilinear interpolation between pixel centres.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("filt", 4 * _filter((1.0, 3.0, 3.0, 1.0), channels))

    def forward(self, features: Tensor) -> Tensor:
        channels = features.shape[1]
        padded = F.pad(features, BORDER, "replicate")
        return F.conv_transpose2d(padded, self.get_buffer("filt"), stride=2, padding=3, groups=channels)


def halve(features: Tensor) -> Tensor:
    """Means of 2x2 pixels: [B, C, H, W] -> [B, C, H // 2, W // 2], as `F.avg_pool2d(features, 2)`.

    Its gradient is the same too; PyTorch's takes a GPU five times as long as writing it.
    """
    if features.requires_grad and features.dim() == 4 and features.shape[2] % 2 == features.shape[3] % 2 == 0:
        halved: Tensor = _Halving.apply(features)
        return halved
    return F.avg_pool2d(features, 2)


class Halve(nn.Module):
    """`halve` as a layer."""

    def forward(self, features: Tensor) -> Tensor:
        return halve(features)


class _Halving(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, features: Tensor) -> Tensor:
        return F.avg_pool2d(features, 2)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        batch, channels, height, width = gradient.shape
        repeated = (gradient / 4)[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2)
        return repeated.reshape(batch, channels, 2 * height, 2 * width)


def _filter(side: tuple[float, ...], channels: int) -> Tensor:
    """The outer product of a filter with itself, of sum 1, for each channel: [channels, 1, K, K]."""
    line = torch.tensor(side) / sum(side)
    return torch.outer(line, line).repeat(channels, 1, 1, 1)
