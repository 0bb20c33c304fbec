"""The U-Net of ADM, which sees at what time of a process an image is."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.nn.resampling import halve

LONGEST_PERIOD = 10_000

Layer = TypeVar("Layer", nn.Conv1d, nn.Conv2d)


class AdmUNet(nn.Module):
    """A U-Net of residual blocks with attention, each told the time (Dhariwal and Nichol 2021, appendix B).

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        width: channels after the first convolution; the time is embedded in four times as many.
        multipliers: of the width, for each level; between levels the sides are halved.
        blocks: residual blocks per level on the way down; on the way up there is one more.
        attention: by how much the sides are divided where residual blocks are followed by attention; the innermost
            level always has one.
        head_width: channels per head of the attention.
        groups: of the group norms; must divide the width.
        patch: side of the squares of pixels that become the channels of one place, and pixels again at the end.

    Input [B, inputs, H, W] and times [B], about 0 to 1,000; output [B, outputs, H, W], unbounded and at first 0. H and
    W must be multiples of `multiple`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 128,
        multipliers: Sequence[int] = (1, 4, 8),
        blocks: int = 2,
        attention: Iterable[int] = (),
        head_width: int = 64,
        groups: int = 32,
        patch: int = 1,
    ) -> None:
        super().__init__()
        self.width, self.patch, self.multiple = width, patch, patch * 2 ** (len(multipliers) - 1)
        widths = tuple(multiplier * width for multiplier in multipliers)
        plan = _Plan(width, widths, blocks, frozenset(attention), head_width, groups)
        self.time = nn.Sequential(nn.Linear(width, plan.time), nn.SiLU(), nn.Linear(plan.time, plan.time))
        self.stem = nn.Conv2d(inputs * patch**2, width, 3, padding=1)
        self.downs = nn.ModuleList(plan.downs())
        self.middle = plan.middle()
        self.ups = nn.ModuleList(plan.ups())
        self.head = nn.Sequential(
            nn.GroupNorm(groups, widths[0]),
            nn.SiLU(),
            zeroed(nn.Conv2d(widths[0], outputs * patch**2, 3, padding=1)),
        )

    def forward(self, images: Tensor, times: Tensor) -> Tensor:
        time = self.time(sinusoids(times, self.width))
        features = self.stem(F.pixel_unshuffle(images, self.patch))
        skips = [features]
        for down in self.downs:
            features = down(features, time)
            skips.append(features)
        features = self.middle(features, time)
        for up in self.ups:
            features = up(torch.cat((features, skips.pop()), dim=1), time)
        return F.pixel_shuffle(self.head(features), self.patch)


class TimedResidualBlock(nn.Module):
    """Two 3x3 convolutions, the second led by the time: [B, inputs, H, W] and [B, time] to [B, outputs, H', W'].

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        time: width of the embedded time, from which scale and shift after the second norm come (Perez et al. 2018).
        groups: of the group norms.
        scale: of the sides: 1, 0.5 by averages or 2 by repetition, ahead of both convolutions and in the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, time: int, groups: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.before = nn.GroupNorm(groups, inputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(time, 2 * outputs)
        self.after = nn.GroupNorm(groups, outputs)
        self.second = zeroed(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor, time: Tensor) -> Tensor:
        hidden = self.first(self._resampled(F.silu(self.before(features))))
        scale, shift = self.modulation(F.silu(time))[:, :, None, None].chunk(2, dim=1)
        hidden = self.after(hidden) * (1 + scale) + shift
        changed: Tensor = self.shortcut(self._resampled(features)) + self.second(F.silu(hidden))
        return changed

    def _resampled(self, features: Tensor) -> Tensor:
        if self.scale == 0.5:
            return halve(features)
        return F.interpolate(features, scale_factor=2.0) if self.scale == 2 else features


class SelfAttention(nn.Module):
    """Attention of all places to all, added to the input: [B, channels, H, W] to the same shape (Vaswani et al. 2017).

    Queries, keys and values of one head lie side by side, head after head, as in ADM's checkpoints.
    """

    def __init__(self, channels: int, head_width: int, groups: int) -> None:
        super().__init__()
        self.heads = math.gcd(channels, max(1, channels // head_width))
        self.norm = nn.GroupNorm(groups, channels)
        self.queries_keys_values = nn.Conv1d(channels, 3 * channels, 1)
        self.project = zeroed(nn.Conv1d(channels, channels, 1))

    def forward(self, features: Tensor) -> Tensor:
        places = features.flatten(2)
        parts = self.queries_keys_values(self.norm(places)).unflatten(1, (self.heads, -1)).transpose(2, 3).chunk(3, -1)
        attended = F.scaled_dot_product_attention(*(part.contiguous() for part in parts))
        change: Tensor = self.project(attended.transpose(2, 3).flatten(1, 2))
        return (places + change).view_as(features)


class _Timed(nn.ModuleList):
    """Layers in turn, of which those that are conditioned on the time get it."""

    def forward(self, features: Tensor, time: Tensor) -> Tensor:
        for layer in self:
            features = layer(features, time) if isinstance(layer, TimedResidualBlock) else layer(features)
        return features


@dataclass(frozen=True)
class _Plan:
    """Which layers stand at which level; the outermost level is 0."""

    stem: int
    widths: tuple[int, ...]
    blocks: int
    attention: frozenset[int]
    head_width: int
    groups: int

    @property
    def time(self) -> int:
        return 4 * self.stem

    def downs(self) -> Iterator[_Timed]:
        before = self.stem
        for level, width in enumerate(self.widths):
            for _ in range(self.blocks):
                yield _Timed([self._residual(before, width), *self._attention(level)])
                before = width
            if level < len(self.widths) - 1:
                yield _Timed([self._residual(width, width, 0.5)])

    def middle(self) -> _Timed:
        width = self.widths[-1]
        attention = SelfAttention(width, self.head_width, self.groups)
        return _Timed([self._residual(width, width), attention, self._residual(width, width)])

    def ups(self) -> Iterator[_Timed]:
        before, skipped = self.widths[-1], self._skipped()
        for level, width in reversed(list(enumerate(self.widths))):
            for place in range(self.blocks + 1):
                doubled = [self._residual(width, width, 2.0)] if level and place == self.blocks else []
                block = self._residual(before + skipped.pop(), width)
                yield _Timed([block, *self._attention(level), *doubled])
                before = width

    def _skipped(self) -> list[int]:
        """Widths of what the stem and all layers on the way down give, in their order."""
        last = len(self.widths) - 1
        counts = [self.blocks + (level < last) for level in range(last + 1)]
        return [self.stem, *(width for width, count in zip(self.widths, counts, strict=True) for _ in range(count))]

    def _residual(self, before: int, after: int, scale: float = 1.0) -> TimedResidualBlock:
        return TimedResidualBlock(before, after, self.time, self.groups, scale)

    def _attention(self, level: int) -> list[nn.Module]:
        if 2**level not in self.attention:
            return []
        return [SelfAttention(self.widths[level], self.head_width, self.groups)]


def sinusoids(times: Tensor, width: int) -> Tensor:
    """Times [B] as cosines, then sines, of `width` / 2 periods from 2 pi to 20,000 pi: float32 [B, width]."""
    half = width // 2
    frequencies = LONGEST_PERIOD ** (-torch.arange(half, device=times.device) / half)
    angles = times.float()[:, None] * frequencies
    return F.pad(torch.cat((angles.cos(), angles.sin()), dim=1), (0, width % 2))


def zeroed(layer: Layer) -> Layer:
    """The layer with weights and biases of 0, so that the branch that it ends starts as nothing."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
