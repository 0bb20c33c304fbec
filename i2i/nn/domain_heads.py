"""Networks with a head for each domain, of which the domain of each item chooses one (StarGAN v2)."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from i2i.nn.second_derivatives import TwiceLeakyReLU
from i2i.nn.styled_resnet import SLOPE, PreActivationBlock

SHARED_LAYERS, OWN_LAYERS = 4, 3
LEAST_SIDE = 4


def chosen(values: Tensor, domains: Tensor) -> Tensor:
    """Of values [B, domains, ...] those of each item's domain [B]: [B, ...]."""
    return values[torch.arange(values.shape[0], device=values.device), domains]


class MappingNetwork(nn.Module):
    """Latents [B, latent] and domains [B] to styles [B, style].

    Heads of all domains run, so that those of absent ones have a gradient of 0 rather than none, as published.
    """

    def __init__(self, latent: int, hidden: int, style: int, domains: int) -> None:
        super().__init__()
        self.shared = nn.Sequential(*_layers(latent, hidden, SHARED_LAYERS))
        self.heads = nn.ModuleList(
            nn.Sequential(*_layers(hidden, hidden, OWN_LAYERS), nn.Linear(hidden, style)) for _ in range(domains)
        )

    def forward(self, latents: Tensor, domains: Tensor) -> Tensor:
        hidden = self.shared(latents)
        return chosen(torch.stack([head(hidden) for head in self.heads], dim=1), domains)


def _layers(inputs: int, hidden: int, count: int) -> Iterator[nn.Module]:
    for number in range(count):
        yield nn.Linear(hidden if number else inputs, hidden)
        yield nn.ReLU(inplace=True)


class StyleEncoder(nn.Module):
    """Images [B, C, H, W] and domains [B] to styles [B, style]; `width`, `widest`, `halvings` as of `image_trunk`."""

    def __init__(self, channels: int, width: int, widest: int, halvings: int, style: int, domains: int) -> None:
        super().__init__()
        self.trunk, deepest = image_trunk(channels, width, widest, halvings, nn.LeakyReLU)
        self.heads = nn.ModuleList(nn.Linear(deepest, style) for _ in range(domains))

    def forward(self, images: Tensor, domains: Tensor) -> Tensor:
        features = self.trunk(images).mean((2, 3))
        return chosen(torch.stack([head(features) for head in self.heads], dim=1), domains)


class DomainDiscriminator(nn.Module):
    """Images [B, C, H, W] and domains [B] to scores [B]: whether they are real ones of that domain.

    Its activations can be differentiated twice without cost, for a penalty on gradients.
    """

    def __init__(self, channels: int, width: int, widest: int, halvings: int, domains: int) -> None:
        super().__init__()
        self.trunk, deepest = image_trunk(channels, width, widest, halvings, TwiceLeakyReLU)
        self.head = nn.Conv2d(deepest, domains, 1)

    def forward(self, images: Tensor, domains: Tensor) -> Tensor:
        return chosen(self.head(self.trunk(images)).mean((2, 3)), domains)


def image_trunk(
    channels: int, width: int, widest: int, halvings: int, activation: Callable[[float], nn.Module]
) -> tuple[nn.Sequential, int]:
    """Residual blocks that halve the sides `halvings` times, to 4 px, and a 4x4 convolution; and its channels.

    Channels begin with `width` and double up to `widest`. Of square images whose side is a power of two one feature is
    left, as published; of others there are several, which `StyleEncoder` and `DomainDiscriminator` average.
    """
    widths = [min(width * 2**level, max(width, widest)) for level in range(halvings + 1)]
    blocks = (PreActivationBlock(outer, inner, activation=activation) for outer, inner in pairwise(widths))
    last = nn.Conv2d(widths[-1], widths[-1], LEAST_SIDE)
    first = nn.Conv2d(channels, width, 3, padding=1)
    return nn.Sequential(first, *blocks, activation(SLOPE), last, activation(SLOPE)), widths[-1]
