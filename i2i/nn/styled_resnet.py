"""The generator of StarGAN v2: a residual encoder, and a decoder that a style leads by adaptive instance norm."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.nn.norm import InstanceNorm
from i2i.nn.resampling import Halve

SLOPE = 0.2
ROOT_HALF = math.sqrt(0.5)  # a sum of two features of variance 1 has this times variance 1
MASKED_SIDES = {32: 0, 64: 1, 128: 1}
"""Which of the two masks gates the features of each side, in pixels."""


class PreActivationBlock(nn.Module):
    """Twice norm, activation and 3x3 convolution beside a shortcut: [B, inputs, H, W] to [B, outputs, H, W].

    Halving, both are pooled to [B, outputs, H / 2, W / 2]: the residual between its convolutions, the shortcut ahead of
    its own, which gives what pooling after it gives for a quarter of the work.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        halving: bool = True,
        normalized: bool = False,
        activation: Callable[[float], nn.Module] = nn.LeakyReLU,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1, self.norm2 = (InstanceNorm(inputs, affine=True) if normalized else nn.Identity() for _ in range(2))
        self.shortcut = _shortcut(inputs, outputs)
        self.pool = Halve() if halving else nn.Identity()
        self.activation = activation(SLOPE)

    def forward(self, features: Tensor) -> Tensor:
        residual = self.pool(self.conv1(self.activation(self.norm1(features))))
        residual = self.conv2(self.activation(self.norm2(residual)))
        total: Tensor = (self.shortcut(self.pool(features)) + residual) * ROOT_HALF
        return total


class AdaptiveInstanceNorm(nn.Module):
    """Instance norm whose gain and offset are an affine function of a style (Huang and Belongie 2017)."""

    def __init__(self, style: int, channels: int) -> None:
        super().__init__()
        self.norm = InstanceNorm(channels)
        self.affine = nn.Linear(style, 2 * channels)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        gain, offset = self.affine(style)[:, :, None, None].chunk(2, dim=1)
        styled: Tensor = (1 + gain) * self.norm(features) + offset
        return styled


class StyledBlock(nn.Module):
    """A `PreActivationBlock` of adaptive norms: [B, inputs, H, W] and a style [B, style] to [B, outputs, H, W].

    Doubling, features are repeated to [B, outputs, 2 H, 2 W] ahead of the first convolution. Without a shortcut there
    is only the residual; its weights, which published files hold all the same, then do nothing.
    """

    def __init__(self, inputs: int, outputs: int, style: int, doubling: bool = True, shortcut: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm1, self.norm2 = AdaptiveInstanceNorm(style, inputs), AdaptiveInstanceNorm(style, outputs)
        self.shortcut = _shortcut(inputs, outputs)
        self.upsample = nn.Upsample(scale_factor=2) if doubling else nn.Identity()
        self.has_shortcut = shortcut

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        grown = self.conv1(self.upsample(F.leaky_relu(self.norm1(features, style), SLOPE)))
        residual: Tensor = self.conv2(F.leaky_relu(self.norm2(grown, style), SLOPE))
        if not self.has_shortcut:
            return residual
        total: Tensor = (self.upsample(self.shortcut(features)) + residual) * ROOT_HALF
        return total


def _shortcut(inputs: int, outputs: int) -> nn.Module:
    return nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)


class HighPass(nn.Module):
    """What differs from the surroundings in features [B, C, H, W]: a 3x3 Laplacian, divided by `weight`."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        laplacian = torch.full((3, 3), -1.0)
        laplacian[1, 1] = 8.0
        self.register_buffer("filter", laplacian / weight)

    def forward(self, features: Tensor) -> Tensor:
        channels = features.shape[1]
        kernel = self.get_buffer("filter").to(features.dtype).expand(channels, 1, 3, 3)
        return F.conv2d(features, kernel, padding=1, groups=channels)


class StyledResnet(nn.Module):
    """Images [B, C, H, W] and styles [B, style] to images of the same shape, unbounded (Choi et al. 2020, table 6).

    Args:
        channels: of the images.
        width: channels after the first convolution; doubled with every halving, up to `widest`.
        halvings: how often the encoder halves the sides, which must divide by so many powers of two.
        style: length of a style.
        high_pass: for the variant made for faces, by what its high-pass filter is divided; its decoder has no
            shortcuts, and takes details from the encoder where masks say so. 0: none.
    """

    def __init__(
        self, channels: int, width: int, widest: int, halvings: int, style: int, high_pass: float = 0.0
    ) -> None:
        super().__init__()
        widths = [min(width * 2**level, max(width, widest)) for level in range(halvings + 1)]
        deepest, levels = widths[-1], list(pairwise(widths))
        self.from_image = nn.Conv2d(channels, width, 3, padding=1)
        self.encoder = nn.ModuleList(
            [
                *(PreActivationBlock(outer, inner, normalized=True) for outer, inner in levels),
                *(PreActivationBlock(deepest, deepest, halving=False, normalized=True) for _ in range(2)),
            ]
        )
        direct = not high_pass
        self.decoder = nn.ModuleList(
            [
                *(StyledBlock(deepest, deepest, style, doubling=False, shortcut=direct) for _ in range(2)),
                *(StyledBlock(inner, outer, style, shortcut=direct) for outer, inner in reversed(levels)),
            ]
        )
        self.to_image = nn.Sequential(
            InstanceNorm(width, affine=True), nn.LeakyReLU(SLOPE), nn.Conv2d(width, channels, 1)
        )
        self.high_pass = HighPass(high_pass) if high_pass else None

    def forward(self, images: Tensor, style: Tensor, masks: Sequence[Tensor] = ()) -> Tensor:
        """With `high_pass`, `masks` are two [B, 1, H, W] in [0, 1] of where details are kept: coarse and fine ones."""
        features, details = self.from_image(images), dict[int, Tensor]()
        for block in self.encoder:
            if masks:  # without them nothing is looked up by a side, which in an exported graph is no number yet
                details[features.shape[2]] = features
            features = block(features)
        for block in self.decoder:
            features = block(features, style)
            side = features.shape[2]
            if self.high_pass is not None and masks and side in MASKED_SIDES:
                mask = F.interpolate(masks[MASKED_SIDES[side]], details[side].shape[2:], mode="bilinear")
                features = features + self.high_pass(mask * details[side])
        translated: Tensor = self.to_image(features)
        return translated
