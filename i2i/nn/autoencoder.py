"""The auto-encoders of UNIT and MUNIT, one for each domain; what they encode is what domains share."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from i2i.nn.convolutions import convolution
from i2i.nn.norm import InstanceNorm, LayerNorm, Norm, norm_layer
from i2i.nn.resnet import ResidualBlock

HALVINGS = 2  # of the content; the published networks have no other number
STYLE_HALVINGS = 4


class Autoencoder(nn.Module):
    """An `encoder` of images and a `decoder` of what it gives (Liu et al. 2017, UNIT; built as by Huang et al. 2018).

    Args:
        channels: of the images.
        width: channels after the first convolution; a code has four times as many.
        blocks: residual blocks of the encoder, and as many of the decoder.
        norm: of encoder and residual blocks; where the decoder doubles are layer norms.

    Images [B, channels, H, W] in [-1, 1] have codes [B, 4 * width, H / 4, W / 4]; H and W must be multiples of
    `multiple`.
    """

    multiple = 2**HALVINGS

    def __init__(self, channels: int = 3, width: int = 64, blocks: int = 4, norm: Norm = "instance") -> None:
        super().__init__()
        self.encoder = content_encoder(channels, width, blocks, norm)
        code = width * self.multiple
        residual = nn.Sequential(*(ResidualBlock(code, norm, bias=True) for _ in range(blocks)))
        self.decoder = nn.Sequential(residual, *_to_image(channels, code))

    def forward(self, images: Tensor) -> Tensor:
        """The reconstruction of images."""
        reconstructed: Tensor = self.decoder(self.encoder(images))
        return reconstructed


class StyledAutoencoder(nn.Module):
    """Encoders of the `content` and of the `style` of images, and a `decoder` of both (Huang et al. 2018, appendix B).

    Args:
        channels: of the images.
        width: channels after the first convolution of each encoder; a content has four times as many.
        blocks: residual blocks of the content encoder, and as many, at least 1, of the decoder.
        style: numbers of a style.
        mlp_width: of the network that makes the decoder's norms of a style.
        norm: of the content encoder.

    Images [B, channels, H, W] in [-1, 1] have contents [B, 4 * width, H / 4, W / 4] and styles [B, style]; H and W must
    be multiples of `multiple`.
    """

    multiple = 2**HALVINGS

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        blocks: int = 4,
        style: int = 8,
        mlp_width: int = 256,
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        self.content = content_encoder(channels, width, blocks, norm)
        self.style = style_encoder(channels, width, style)
        self.decoder = StyledDecoder(channels, width * self.multiple, blocks, style, mlp_width)

    def forward(self, images: Tensor) -> Tensor:
        """The reconstruction of images."""
        reconstructed: Tensor = self.decoder(self.content(images), self.style(images))
        return reconstructed


class StyledDecoder(nn.Module):
    """Contents [B, width, h, w] and styles [B, style] to images [B, channels, 4h, 4w] in [-1, 1]."""

    def __init__(self, channels: int, width: int, blocks: int, style: int, mlp_width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(StyledBlock(width) for _ in range(blocks))
        self.image = nn.Sequential(*_to_image(channels, width))
        hidden = (nn.Sequential(nn.Linear(inputs, mlp_width), nn.ReLU(inplace=True)) for inputs in (style, mlp_width))
        settings = nn.Linear(mlp_width, blocks * StyledBlock.settings * width)
        self.mlp = nn.Sequential(*hidden, nn.Sequential(settings))

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        settings = self.mlp(style).unflatten(1, (len(self.blocks), StyledBlock.settings, -1))
        for block, own in zip(self.blocks, settings.unbind(1), strict=True):
            content = block(content, own)
        image: Tensor = self.image(content)
        return image


class StyledBlock(nn.Module):
    """A residual block with adaptive instance norms (Huang and Belongie 2017): [B, C, H, W] -> the same shape.

    Its `settings`, [B, 4, C], are offset and gain of the first norm and of the second. A gain is a factor as it is,
    without a 1 added.
    """

    settings = 4

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.normed = nn.ModuleList(
            nn.Sequential(*convolution(channels, channels, 3, "reflect", bias=True), InstanceNorm(channels))
            for _ in range(2)
        )

    def forward(self, features: Tensor, settings: Tensor) -> Tensor:
        offset, gain, last_offset, last_gain = settings[..., None, None].unbind(1)
        first, second = self.normed
        change: Tensor = second(torch.relu(first(features) * gain + offset))
        return features + (change * last_gain + last_offset)


def content_encoder(channels: int, width: int, blocks: int, norm: Norm) -> nn.Sequential:
    """Images [B, channels, H, W] to contents [B, 4 * width, H / 4, W / 4]."""
    widths = [width * 2**level for level in range(HALVINGS + 1)]
    halvings = (_layer(*sides, 4, norm_layer(norm, sides[1]), stride=2) for sides in pairwise(widths))
    residual = nn.Sequential(*(ResidualBlock(widths[-1], norm, bias=True) for _ in range(blocks)))
    return nn.Sequential(_layer(channels, width, 7, norm_layer(norm, width)), *halvings, residual)


def style_encoder(channels: int, width: int, style: int) -> nn.Sequential:
    """Images [B, channels, H, W] to styles [B, style]; without norms, which would take the style off."""
    widths = [width * min(2**level, 4) for level in range(STYLE_HALVINGS + 1)]
    halvings = (_layer(*sides, 4, stride=2) for sides in pairwise(widths))
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Conv2d(widths[-1], style, 1), nn.Flatten())
    return nn.Sequential(_layer(channels, width, 7), *halvings, *pooled)


def _to_image(channels: int, width: int) -> list[nn.Module]:
    """The layers from features [B, width, h, w] to images [B, channels, 4h, 4w] in [-1, 1], with layer norms."""
    widths = [width // 2**level for level in range(HALVINGS + 1)]
    doublings = ((nn.Upsample(scale_factor=2), _layer(*sides, 5, LayerNorm(sides[1]))) for sides in pairwise(widths))
    last = nn.Sequential(*convolution(widths[-1], channels, 7, "reflect", bias=True), nn.Tanh())
    return [*(layer for doubling in doublings for layer in doubling), last]


def _layer(inputs: int, outputs: int, kernel: int, *norm: nn.Module, stride: int = 1) -> nn.Sequential:
    """A convolution, perhaps a norm, and the activation."""
    padded = convolution(inputs, outputs, kernel, "reflect", bias=True, stride=stride)
    return nn.Sequential(*padded, *norm, nn.ReLU(inplace=True))
