"""Halving and doubling by fixed low-pass filters, so that what moves by a pixel comes out moved.

Zhang 2019, Making Convolutional Networks Shift-Invariant Again, https://arxiv.org/abs/1904.11486.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BORDER = (1, 1, 1, 1)


class BlurPool(nn.Module):
    """Blur by [1, 2, 1] in both directions and keep each second pixel: [B, C, H, W] -> [B, C, H / 2, W / 2].

    Borders are reflected; odd sides are rounded up.
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


def _filter(side: tuple[float, ...], channels: int) -> Tensor:
    """The outer product of a filter with itself, of sum 1, for each channel: [channels, 1, K, K]."""
    line = torch.tensor(side) / sum(side)
    return torch.outer(line, line).repeat(channels, 1, 1, 1)
