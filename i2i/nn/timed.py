"""Networks of a walk in a few steps from one domain to another, which know at which of its times they are asked.

A time is the number of a step, the same for all images of a call.
"""

import math
from collections.abc import Iterable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.nn.convolutions import convolution
from i2i.nn.norm import Norm, norm_layer
from i2i.nn.resampling import BlurPool
from i2i.nn.resnet import double, halve

BASE = 10_000.0


def sinusoids(time: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines of a time, [1, width] for an even width (Vaswani et al. 2017, section 3.5, in halves)."""
    half = max(1, width // 2)
    rates = torch.exp(torch.arange(half, device=device) * (-math.log(BASE) / max(1, half - 1)))
    return torch.cat((torch.sin(time * rates), torch.cos(time * rates)))[None]


class TimeEmbedding(nn.Module):
    """A time to [1, outputs], by two linear layers from `sines` sinusoids."""

    def __init__(self, sines: int, outputs: int) -> None:
        super().__init__()
        self.sines = 2 * max(1, sines // 2)
        widths = ((self.sines, outputs), (outputs, outputs))
        self.layers = nn.Sequential(*(layer for pair in widths for layer in (nn.Linear(*pair), nn.LeakyReLU(0.2))))

    def forward(self, time: int) -> Tensor:
        weight = next(self.parameters())
        embedded: Tensor = self.layers(sinusoids(time, self.sines, weight.device).to(weight.dtype))
        return embedded


class StyleMapping(nn.Module):
    """Noise [B, width] to styles [B, width]: scaled to a mean square of 1, then four linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        pairs = ((nn.Linear(width, width), nn.LeakyReLU(0.2)) for _ in range(4))
        self.layers = nn.Sequential(*(layer for pair in pairs for layer in pair))

    def forward(self, noise: Tensor) -> Tensor:
        styles: Tensor = self.layers(noise * torch.rsqrt(noise.square().mean(1, keepdim=True) + 1e-8))
        return styles


class ConditionedBlock(nn.Module):
    """A residual block that styles scale and shift: features [B, C, H, W] to the same shape.

    Args:
        channels: C.
        styles: width of styles and embedded times.
        timed: whether there is a first convolution, and the time is added behind its norm; without, the block is its
            second half alone.
        norm: of both convolutions.
    """

    def __init__(self, channels: int, styles: int, timed: bool, norm: Norm = "instance") -> None:
        super().__init__()
        self.norm = norm_layer(norm, channels)
        self.style = nn.Linear(styles, 2 * channels)
        self.last = nn.Sequential(*convolution(channels, channels, 3, "reflect", True), norm_layer(norm, channels))
        self.first = nn.Sequential(*convolution(channels, channels, 3, "reflect", True)) if timed else None
        self.time = nn.Linear(styles, channels) if timed else None

    def forward(self, features: Tensor, style: Tensor, time: Tensor | None) -> Tensor:
        gain, shift = self.style(style)[:, :, None, None].chunk(2, 1)
        if self.time is not None:
            shift = shift + self.time(time)[:, :, None, None]
        inner = features if self.first is None else self.first(features)
        change: Tensor = self.last(F.relu(gain * self.norm(inner) + shift))
        return features + change


class TimedGenerator(nn.Module):
    """The antialiased residual generator of CUT with noise and time in its blocks.

    Args:
        channels: of the images.
        width: channels after the first convolution; noise and styles are four times as wide.
        blocks: residual blocks.
        timed: whether the blocks know the time.
        norm: after every convolution but the last.

    Images [B, channels, H, W] in [-1, 1], H and W multiples of 4, a time and noise [B, noise_width] to images.
    """

    multiple = 4

    def __init__(self, channels: int, width: int, blocks: int, timed: bool, norm: Norm = "instance") -> None:
        super().__init__()
        self.noise_width = 4 * width
        first = [
            *convolution(channels, width, 7, "reflect", True),
            norm_layer(norm, width),
            nn.ReLU(inplace=True),
        ]
        encoder, self.taps = list[nn.Module](first), {"image": 0}
        for level in (1, 2):
            self.taps[f"down{level}"] = len(encoder)
            encoder += halve(width * level, norm, "antialiased", True)
        self.taps |= {f"block{number + 1}": len(encoder) + number for number in range(blocks)}
        self.encoder = nn.Sequential(*encoder)
        self.blocks = nn.ModuleList(ConditionedBlock(4 * width, self.noise_width, timed, norm) for _ in range(blocks))
        doubled = [
            layer for level in (4, 2) for layer in double(width * level, norm, "antialiased", True, "deconv", "reflect")
        ]
        self.decoder = nn.Sequential(*doubled, *convolution(width, channels, 7, "reflect", True), nn.Tanh())
        self.styles = StyleMapping(self.noise_width)
        self.times = TimeEmbedding(width, self.noise_width) if timed else None

    def forward(self, images: Tensor, time: int, noise: Tensor) -> Tensor:
        style, embedded = self._conditions(time, noise)
        features = self.encoder(images)
        for block in self.blocks:
            features = block(features, style, embedded)
        output: Tensor = self.decoder(features)
        return output

    def features(self, images: Tensor, time: int, noise: Tensor, names: Sequence[str]) -> list[Tensor]:
        """Feature maps at some of `taps`, which are those of `ResnetGenerator`, up to the last of them."""
        style, embedded = self._conditions(time, noise)
        found, last = {}, max(self.taps[name] for name in names)
        for place, layer in enumerate([*self.encoder, *self.blocks][: last + 1]):
            images = layer(images, style, embedded) if isinstance(layer, ConditionedBlock) else layer(images)
            found[place] = images
        return [found[self.taps[name]] for name in names]

    @torch.no_grad()
    def start_at_scale_one(self) -> None:
        """Let the scales of all blocks start at 1, before noise has learnt to change them."""
        for block in cast(Iterable[ConditionedBlock], self.blocks):
            block.style.bias.chunk(2)[0].fill_(1.0)

    def _conditions(self, time: int, noise: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.styles(noise), None if self.times is None else self.times(time)


class TimedPatchDiscriminator(nn.Module):
    """The antialiased PatchGAN of CUT, each of whose convolutions adds an embedded time.

    Images or stacks of images [B, channels, H, W] and a time to a patch map [B, 1, h, w], unbounded. Only in the first
    layer, which has no norm, does the time change anything: an instance norm takes away what is the same everywhere.
    """

    def __init__(self, channels: int, width: int, layers: int, norm: Norm = "instance") -> None:
        super().__init__()
        widths = [width * min(2**level, 8) for level in range(layers + 1)]
        pairs = list(zip([channels, *widths], widths, strict=False))
        self.convolutions = nn.ModuleList(nn.Conv2d(*pair, 4, padding=1) for pair in pairs)
        self.added = nn.ModuleList(nn.Linear(4 * width, outputs) for outputs in widths)
        self.norms = nn.ModuleList(norm_layer(norm if level else "none", own) for level, own in enumerate(widths))
        self.pools = nn.ModuleList(BlurPool(own) for own in widths[:-1])
        self.patch_head = nn.Conv2d(widths[-1], 1, 4, padding=1)
        self.times = TimeEmbedding(4 * width, 4 * width)

    def forward(self, images: Tensor, time: int) -> Tensor:
        embedded, features = self.times(time), images
        for level, convolve in enumerate(self.convolutions):
            features = convolve(features) + self.added[level](embedded)[:, :, None, None]
            features = F.leaky_relu(self.norms[level](features), 0.2)
            if level < len(self.pools):
                features = self.pools[level](features)
        scores: Tensor = self.patch_head(features)
        return scores
