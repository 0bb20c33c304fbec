"""Networks that attend by class activation maps: generator and discriminator of U-GAT-IT.

Kim, Kim, Kang, Lee: U-GAT-IT: Unsupervised Generative Attentional Networks with Adaptive Layer-Instance Normalization,
ICLR 2020, https://arxiv.org/abs/1907.10830.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.nn.convolutions import convolution
from i2i.nn.norm import Norm, norm_layer
from i2i.nn.resnet import ResidualBlock
from i2i.nn.spectral import SpectralLayer

EPS = 1e-5  # is added to variances


class AttentionOutput(NamedTuple):
    """What a network makes of images.

    Attributes:
        output: images, or scores [B, 1, h, w].
        logits: [B, 2], of the domain, by features averaged over places and by their maxima.
        heat_map: [B, 1, h, w], where the network looks.
    """

    output: Tensor
    logits: Tensor
    heat_map: Tensor


def _attend(features: Tensor, average: nn.Module, maximum: nn.Module, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Features [B, 2C, h, w], weighted by what matters to each of two classifiers, and their logits [B, 2]."""
    logits = torch.cat((average(features.mean((2, 3))), maximum(features.amax((2, 3)))), 1)
    return torch.cat([features * weight[:, :, None, None] for weight in weights], 1), logits


class LayerInstanceNorm(nn.Module):
    """`rho` times instance norm plus (1 - `rho`) times layer norm, for each channel; both by unbiased variances.

    With `affine` it has a gain and an offset of its own and starts as a layer norm (the decoder's); else both are
    given and it starts as mostly an instance norm (equation 1, AdaLIN). `rho` belongs into [0, 1], where whoever
    trains it has to keep it.
    """

    def __init__(self, channels: int, affine: bool) -> None:
        super().__init__()
        shape = (1, channels, 1, 1)
        self.rho = nn.Parameter(torch.full(shape, 0.0 if affine else 0.9))
        self.gamma = nn.Parameter(torch.ones(shape)) if affine else None
        self.beta = nn.Parameter(torch.zeros(shape)) if affine else None

    def forward(self, features: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
        """Features [B, C, h, w]; gain and offset [B, C, 1, 1] where there are none of its own."""
        values = features.float()
        gamma, beta = (gamma, beta) if self.gamma is None else (self.gamma, self.beta)
        assert gamma is not None and beta is not None
        mixed = self.rho * _normalized(values, (2, 3)) + (1 - self.rho) * _normalized(values, (1, 2, 3))
        return (mixed * gamma + beta).to(features.dtype)

    @torch.no_grad()
    def clip(self) -> None:
        """Put `rho` back into [0, 1]."""
        self.rho.clamp_(0, 1)


def _normalized(values: Tensor, over: tuple[int, ...]) -> Tensor:
    variance, mean = torch.var_mean(values, over, correction=1, keepdim=True)
    return (values - mean) / (variance + EPS).sqrt()


class AdaptiveBlock(nn.Module):
    """A residual block whose norms take gain and offset from outside: [B, C, h, w] to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, bias=False) for _ in range(2))
        self.norm1, self.norm2 = (LayerInstanceNorm(channels, affine=False) for _ in range(2))

    def forward(self, features: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        inner = F.relu(self.norm1(self.conv1(_reflected(features)), gamma, beta))
        change: Tensor = self.norm2(self.conv2(_reflected(inner)), gamma, beta)
        return features + change


def _reflected(features: Tensor) -> Tensor:
    return F.pad(features, (1, 1, 1, 1), mode="reflect")


class AttentiveGenerator(nn.Module):
    """Images [B, C, H, W] in [-1, 1] to the same shape and range.

    Args:
        channels: of the images.
        width: channels after the first convolution.
        blocks: residual blocks of the encoder, and as many of the decoder.
        image_size: height and width of all images, to take gain and offset of the decoder's norms from the whole map
            (full); None: from its averages, for images of any size (light).
        norm: of the encoder.

    Height and width must be multiples of `multiple`.
    """

    multiple = 4

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        blocks: int = 4,
        image_size: tuple[int, int] | None = None,
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        inner = width * self.multiple
        places = 1 if image_size is None else image_size[0] * image_size[1] // self.multiple**2
        self.whole_map = image_size is not None
        self.encoder = nn.Sequential(
            *_convolved(channels, width, 7, norm),
            *_convolved(width, width * 2, 3, norm, stride=2),
            *_convolved(width * 2, inner, 3, norm, stride=2),
            *(ResidualBlock(inner, norm, bias=False) for _ in range(blocks)),
        )
        self.average, self.maximum = (nn.Linear(inner, 1, bias=False) for _ in range(2))
        self.merge = nn.Conv2d(inner * 2, inner, 1)
        self.mlp = nn.Sequential(
            nn.Linear(inner * places, inner, bias=False), nn.ReLU(), nn.Linear(inner, inner, bias=False), nn.ReLU()
        )
        self.gamma, self.beta = (nn.Linear(inner, inner, bias=False) for _ in range(2))
        self.blocks = nn.ModuleList(AdaptiveBlock(inner) for _ in range(blocks))
        self.decoder = nn.Sequential(
            *_doubled(inner, width * 2),
            *_doubled(width * 2, width),
            *convolution(width, channels, 7, "reflect", bias=False),
            nn.Tanh(),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.attend(images).output

    def attend(self, images: Tensor) -> AttentionOutput:
        """The translations, and what the network looked at."""
        weights = [layer.weight for layer in (self.average, self.maximum)]
        weighted, logits = _attend(self.encoder(images), self.average, self.maximum, weights)
        features = F.relu(self.merge(weighted))
        heat_map = features.sum(1, keepdim=True)
        described = self.mlp(features.flatten(1) if self.whole_map else features.mean((2, 3)))
        gamma, beta = (layer(described)[:, :, None, None] for layer in (self.gamma, self.beta))
        for block in self.blocks:
            features = block(features, gamma, beta)
        return AttentionOutput(self.decoder(features), logits, heat_map)

    def clip(self) -> None:
        """Put the share of instance norm in every norm back into [0, 1]."""
        for module in self.modules():
            if isinstance(module, LayerInstanceNorm):
                module.clip()


def _convolved(inputs: int, outputs: int, kernel: int, norm: Norm, stride: int = 1) -> list[nn.Module]:
    return [
        nn.ReflectionPad2d(kernel // 2),
        nn.Conv2d(inputs, outputs, kernel, stride=stride, bias=False),
        norm_layer(norm, outputs),
        nn.ReLU(inplace=True),
    ]


def _doubled(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Upsample(scale_factor=2),
        *convolution(inputs, outputs, 3, "reflect", bias=False),
        LayerInstanceNorm(outputs, affine=True),
        nn.ReLU(inplace=True),
    ]


class AttentiveDiscriminator(nn.Module):
    """Classifies patches of images [B, C, H, W] by features that two classifiers of the domain weigh.

    Args:
        channels: of the images.
        width: channels after the first convolution.
        layers: 7 for large receptive fields (global), 5 small ones (local): all but three halve the image.
    """

    def __init__(self, channels: int = 3, width: int = 64, layers: int = 7) -> None:
        super().__init__()
        widths = [channels, *(width * 2**level for level in range(layers - 1))]
        last = widths[-1]
        self.trunk = nn.Sequential(
            *(
                layer
                for level in range(layers - 1)
                for layer in _patch_layers(widths[level], widths[level + 1], stride=2 if level < layers - 2 else 1)
            )
        )
        self.average, self.maximum = (SpectralLayer(nn.Linear(last, 1, bias=False)) for _ in range(2))
        self.merge = nn.Conv2d(last * 2, last, 1)
        self.head = SpectralLayer(nn.Conv2d(last, 1, 4, bias=False))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [B, 1, h, w] and logits [B, 2]."""
        attended = self.attend(images)
        return attended.output, attended.logits

    def attend(self, images: Tensor) -> AttentionOutput:
        """The scores, and what the network looked at. Features are weighted by the classifiers' weights as learnt."""
        weights = [layer.weight_orig for layer in (self.average, self.maximum)]
        weighted, logits = _attend(self.trunk(images), self.average, self.maximum, weights)
        features = F.leaky_relu(self.merge(weighted), 0.2)
        return AttentionOutput(self.head(_reflected(features)), logits, features.sum(1, keepdim=True))


def _patch_layers(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    layer = nn.Conv2d(inputs, outputs, 4, stride=stride)
    return [nn.ReflectionPad2d(1), SpectralLayer(layer), nn.LeakyReLU(0.2, inplace=True)]
