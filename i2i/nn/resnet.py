"""The residual generator of Johnson et al. (2016) as CycleGAN and StarGAN use it."""

from typing import Literal

import torch
from torch import Tensor, nn

from i2i.nn.convolutions import Padding, convolution
from i2i.nn.norm import Norm, needs_bias, norm_layer
from i2i.nn.upsampling import Upsampling, upsample

Resampling = Literal["conv3", "conv4"]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with norms, added to the input: [B, C, H, W] -> the same shape."""

    def __init__(self, channels: int, norm: Norm = "instance", padding: Padding = "reflect") -> None:
        super().__init__()
        bias = needs_bias(norm)
        self.body = nn.Sequential(
            *convolution(channels, channels, 3, padding, bias),
            norm_layer(norm, channels),
            nn.ReLU(inplace=True),
            *convolution(channels, channels, 3, padding, bias),
            norm_layer(norm, channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.body(features)
        return features + change


class ResnetGenerator(nn.Module):
    """Encode by stride-2 convolutions, transform by residual blocks, decode by doubling as often.

    Sources: Zhu et al. 2017 (CycleGAN), appendix 7.2; Choi et al. 2018 (StarGAN), table 4; Wang et al. 2018
    (pix2pixHD), section 3.2.

    Args:
        channels: channels of the input and of the output image.
        width: channels after the first convolution (64 in both papers).
        blocks: residual blocks (CycleGAN: 6 up to 128 px, 9 above; StarGAN: 6).
        labels: width of the label vector, spatially repeated and concatenated to the image (StarGAN); 0: none.
        norm: normalisation after every convolution but the last.
        padding: how borders are padded ahead of all convolutions but the stride-2 and transposed ones.
        resampling: `conv3` resamples by 3x3 convolutions (CycleGAN), `conv4` by 4x4 ones (StarGAN).
        last_bias: whether the last convolution has a bias (CycleGAN: yes, StarGAN: no).
        upsampling: how the decoder doubles; all papers do it by transposed convolutions.
        downsamplings: how often the encoder halves, each time with twice the channels (pix2pixHD: 4).

    Input [B, channels, H, W] in [-1, 1] and labels [B, labels]; output [B, channels, H, W] in [-1, 1].
    H and W must be multiples of `multiple` = 2^downsamplings.
    """

    multiple = 4

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        blocks: int = 9,
        labels: int = 0,
        norm: Norm = "instance",
        padding: Padding = "reflect",
        resampling: Resampling = "conv3",
        last_bias: bool = True,
        upsampling: Upsampling = "deconv",
        downsamplings: int = 2,
    ) -> None:
        super().__init__()
        bias = needs_bias(norm)
        self.labels = labels
        self.multiple = 2**downsamplings
        layers = [
            *convolution(channels + labels, width, 7, padding, bias),
            norm_layer(norm, width),
            nn.ReLU(inplace=True),
        ]
        for level in range(downsamplings):
            layers += _halve(width * 2**level, norm, resampling, bias)
        layers += [ResidualBlock(width * self.multiple, norm, padding) for _ in range(blocks)]
        for level in range(downsamplings, 0, -1):
            layers += _double(width * 2**level, norm, resampling, bias, upsampling, padding)
        layers += [*convolution(width, channels, 7, padding, last_bias), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.labels:
            if labels is None:
                raise ValueError(f"this generator needs labels of shape [B, {self.labels}]")
            maps = labels.to(images.dtype)[:, :, None, None].expand(-1, -1, *images.shape[2:])
            images = torch.cat((images, maps), dim=1)
        output: Tensor = self.layers(images)
        return output


def _halve(channels: int, norm: Norm, resampling: Resampling, bias: bool) -> list[nn.Module]:
    kernel = 3 if resampling == "conv3" else 4
    return [
        nn.Conv2d(channels, channels * 2, kernel, stride=2, padding=1, bias=bias),
        norm_layer(norm, channels * 2),
        nn.ReLU(inplace=True),
    ]


def _double(
    channels: int, norm: Norm, resampling: Resampling, bias: bool, upsampling: Upsampling, padding: Padding
) -> list[nn.Module]:
    up = upsample(channels, channels // 2, upsampling, 3 if resampling == "conv3" else 4, bias, padding)
    return [up, norm_layer(norm, channels // 2), nn.ReLU(inplace=True)]
