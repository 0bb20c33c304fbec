"""The residual generator of Johnson et al. (2016) as CycleGAN and StarGAN use it."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.nn.convolutions import Padding, convolution
from i2i.nn.norm import Norm, needs_bias, norm_layer
from i2i.nn.resampling import BlurPool, BlurUpsample, Upsampling, upsample

Resampling = Literal["conv3", "conv4", "antialiased"]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with norms, added to the input: [B, C, H, W] -> the same shape.

    `bias` says whether the convolutions have one; None: as the norm asks for it.
    """

    def __init__(
        self, channels: int, norm: Norm = "instance", padding: Padding = "reflect", bias: bool | None = None
    ) -> None:
        super().__init__()
        bias = needs_bias(norm) if bias is None else bias
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
        channels: channels of the input and, unless `outputs` says otherwise, of the output image. Images with fewer
            are taken for such whose last channels are 0.
        width: channels after the first convolution (64 in both papers).
        blocks: residual blocks (CycleGAN: 6 up to 128 px, 9 above; StarGAN: 6).
        labels: width of the label vector, spatially repeated and concatenated to the image (StarGAN); 0: none.
        norm: normalisation after every convolution but the last.
        padding: how borders are padded ahead of all convolutions but the stride-2 and transposed ones.
        resampling: `conv3` resamples by 3x3 convolutions (CycleGAN), `conv4` by 4x4 ones (StarGAN), `antialiased` by
            fixed blur filters beside 3x3 convolutions of stride 1 (CUT).
        last_bias: whether the last convolution has a bias (CycleGAN: yes, StarGAN: no).
        upsampling: how the decoder doubles unless it is antialiased; all papers do it by transposed convolutions.
        downsamplings: how often the encoder halves, each time with twice the channels (pix2pixHD: 4).
        outputs: channels of the output image; None: as many as the input has.
        outer_kernel: size of the kernels of the first and the last convolution, odd (7 in all papers).

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
        outputs: int | None = None,
        outer_kernel: int = 7,
    ) -> None:
        super().__init__()
        bias = needs_bias(norm)
        self.channels, self.labels = channels, labels
        self.multiple = 2**downsamplings
        layers = [
            *convolution(channels + labels, width, outer_kernel, padding, bias),
            norm_layer(norm, width),
            nn.ReLU(inplace=True),
        ]
        # Layers whose output is a feature map that losses compare, by name; -1 is the image itself.
        self.taps = {"image": len(layers) - 4}
        for level in range(downsamplings):
            self.taps[f"down{level + 1}"] = len(layers)
            layers += halve(width * 2**level, norm, resampling, bias)
        for block in range(blocks):
            self.taps[f"block{block + 1}"] = len(layers)
            layers.append(ResidualBlock(width * self.multiple, norm, padding))
        for level in range(downsamplings, 0, -1):
            layers += double(width * 2**level, norm, resampling, bias, upsampling, padding)
        layers += [*convolution(width, outputs or channels, outer_kernel, padding, last_bias), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        images = with_channels(images, self.channels)
        if self.labels:
            if labels is None:
                raise ValueError(f"this generator needs labels of shape [B, {self.labels}]")
            maps = labels.to(images.dtype)[:, :, None, None].expand(-1, -1, *images.shape[2:])
            images = torch.cat((images, maps), dim=1)
        output: Tensor = self.layers(images)
        return output

    def features(self, images: Tensor, names: Sequence[str]) -> list[Tensor]:
        """Feature maps of images [B, channels, H, W] at some of `taps`, from the first layer to the last of them.

        They are `image`, padded for the first convolution; `down1` and so on, the convolutions ahead of the norm at
        which the network halves; and `block1` and so on, the sums that residual blocks give.
        """
        images = with_channels(images, self.channels)
        found, last = {-1: images}, max(self.taps[name] for name in names)
        wanted = {self.taps[name] for name in names}
        for place, layer in enumerate(self.layers[: last + 1]):
            images = layer(images)
            if place in wanted:
                found[place] = images
        return [found[self.taps[name]] for name in names]


def with_channels(images: Tensor, channels: int) -> Tensor:
    """Images [B, C, H, W] with channels of 0 behind their own; themselves where they have as many."""
    missing = channels - images.shape[1]
    return F.pad(images, (0, 0, 0, 0, 0, missing)) if missing else images


def halve(channels: int, norm: Norm, resampling: Resampling, bias: bool) -> list[nn.Module]:
    """Layers [B, channels, H, W] -> [B, 2 channels, H / 2, W / 2], of which the first is a convolution."""
    kernel, stride = (4, 2) if resampling == "conv4" else (3, 1 if resampling == "antialiased" else 2)
    return [
        nn.Conv2d(channels, channels * 2, kernel, stride=stride, padding=1, bias=bias),
        norm_layer(norm, channels * 2),
        nn.ReLU(inplace=True),
        *([BlurPool(channels * 2)] if resampling == "antialiased" else []),
    ]


def double(
    channels: int, norm: Norm, resampling: Resampling, bias: bool, upsampling: Upsampling, padding: Padding
) -> list[nn.Module]:
    """Layers [B, channels, H, W] -> [B, channels / 2, 2H, 2W]."""
    if resampling == "antialiased":
        up = [BlurUpsample(channels), nn.Conv2d(channels, channels // 2, 3, padding=1, bias=bias)]
    else:
        up = [upsample(channels, channels // 2, upsampling, 3 if resampling == "conv3" else 4, bias, padding)]
    return [*up, norm_layer(norm, channels // 2), nn.ReLU(inplace=True)]
