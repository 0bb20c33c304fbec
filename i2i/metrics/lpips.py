"""LPIPS: how unlike two images look, by the layers of a network that was trained on ImageNet.

Zhang, Isola, Efros, Shechtman and Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018,
https://arxiv.org/abs/1801.03924, version 0.1 of the authors' code, https://github.com/richzhang/PerceptualSimilarity.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from i2i.errors import UserError, unknown
from i2i.metrics.features._files import read_tensors
from i2i.metrics.features._inference import in_parts, scoring
from i2i.metrics.features.convolutional import convolutional_features
from i2i.metrics.features.pretrained import BACKBONES, HEADS, Weights
from i2i.utils.fingerprint import sha256
from i2i.utils.memory import usable_device

FORMS = "alex, vgg or squeeze, with files as in alex:BACKBONE:HEADS where they are not in torch's cache"
SHIFT = (-0.030, -0.088, -0.188)  # of the channels in [-1, 1]; with SCALE about ImageNet's means and stds
SCALE = (0.458, 0.448, 0.450)
SMALLEST = 1e-10  # is added to lengths, so that where all channels are 0 they stay so
SHOWN_DIGITS = 8  # of a checksum, in a metric's name


@dataclass(frozen=True)
class Network:
    """Which maps of a torchvision network are compared.

    Attributes:
        title: torchvision's name of it.
        layers: places in `features`, each after a ReLU.
        channels: of the maps there.
        smallest: the least height and width, pixels, at which every map has a place.
    """

    title: str
    layers: tuple[int, ...]
    channels: tuple[int, ...]
    smallest: int


NETWORKS: Mapping[str, Network] = {
    "alex": Network("alexnet", (1, 4, 7, 9, 11), (64, 192, 384, 256, 256), 31),
    "vgg": Network("vgg16", (3, 8, 15, 22, 29), (64, 128, 256, 512, 512), 16),
    "squeeze": Network("squeezenet1_1", (1, 4, 7, 9, 10, 11, 12), (64, 128, 256, 384, 384, 512, 512), 17),
}


@dataclass(frozen=True)
class LpipsSpec:
    """What an LPIPS is made from; as a text it is what `parse_lpips` reads.

    Attributes:
        network: "alex", "vgg" or "squeeze".
        backbone: file of torchvision's weights of the network, with or without its classifier.
        heads: file of the linear weights, named as the authors name them.
    """

    network: str
    backbone: Path
    heads: Path

    @property
    def fingerprint(self) -> str:
        """Equal for equal distances, wherever the files lie."""
        return f"lpips:{self.network}:{sha256(self.backbone)}:{sha256(self.heads)}"

    @property
    def name(self) -> str:
        """`lpips-<network>` with the published weights; else with the first digits of both files' common checksum."""
        published = BACKBONES[self.network].matches(self.backbone) and HEADS[self.network].matches(self.heads)
        digits = hashlib.sha256(self.fingerprint.encode()).hexdigest()[:SHOWN_DIGITS]
        return f"lpips-{self.network}" if published else f"lpips-{self.network}-{digits}"

    @property
    def smallest(self) -> int:
        """The least height and width of images, pixels."""
        return NETWORKS[self.network].smallest

    def check_size(self, size: tuple[int, int]) -> None:
        """UserError if images of that height and width are too small."""
        if min(size) < self.smallest:
            height, width = size
            raise UserError(f"LPIPS on {self.network} needs {self.smallest} pixels a side, not {height}x{width}")

    def __str__(self) -> str:
        return f"{self.network}:{self.backbone}:{self.heads}"

    def build(self, device: torch.device | str = "cpu") -> "Lpips":
        """The measure on a device; UserError if the files do not hold its weights."""
        return Lpips(self, device=device)


class Lpips:
    """The distance of equation 1: sum over layers of the mean over places of |w * (x - y)|^2.

    Here x and y are the maps of both images, divided by their length over the channels at each place, and w is a
    weight by channel. The files hold the squares of w, as the authors' code applies them.

    Args:
        spec: network and files.
        device: where the network runs and the distances stay.

    Attributes:
        name: of the metric.
        smallest: the least height and width that it takes, pixels.

    Raises:
        UserError: a file cannot be read, or its tensors are not those of the network.
    """

    def __init__(self, spec: LpipsSpec, *, device: torch.device | str = "cpu") -> None:
        network = NETWORKS[spec.network]
        self.name, self.smallest = spec.name, network.smallest
        self._layers, self._device = network.layers, usable_device(device)
        features = convolutional_features(network.title, spec.backbone)
        self._features = features.to(self._device).to(memory_format=torch.channels_last)
        self._weights = [weight.to(self._device) for weight in _read_heads(spec, network)]

    def __call__(self, left: Tensor, right: Tensor) -> Tensor:
        """Distances pair by pair, at the images' own size.

        Args:
            left: [B, 3, H, W], uint8, or float in [-1, 1].
            right: the same.

        Returns:
            float32 [B], 0 for equal images; not negative with the published weights.

        Raises:
            ValueError: other dtypes, shapes or values, or images too small for the network.
        """
        self._check(left, right)
        with scoring(self._features, self._device):
            return in_parts(self._distances, self._device, left, right)

    def diversity(self, samples: Tensor) -> Tensor:
        """The mean distance of all pairs of samples of each image.

        Each sample passes through the network once: the squared differences of all pairs add up to the number of
        samples times those from their mean.

        Args:
            samples: [B, S, 3, H, W] with S of at least 2, uint8, or float in [-1, 1].

        Returns:
            float32 [B], 0 where all samples are equal.

        Raises:
            ValueError: other dtypes, shapes or values, fewer than two samples, or images too small for the network.
        """
        if not isinstance(samples, Tensor) or samples.ndim != 5 or samples.shape[1] < 2:
            shape = list(samples.shape) if isinstance(samples, Tensor) else type(samples).__name__
            raise ValueError(f"diversity is of samples [B, S, 3, H, W], two or more of each image, not {shape}")
        flat = samples.flatten(0, 1)
        self._check(flat, flat)
        with scoring(self._features, self._device):
            return in_parts(self._spreads, self._device, samples)

    def _spreads(self, samples: Tensor) -> Tensor:
        images, count = samples.shape[:2]
        total = torch.zeros(images, device=self._device)
        for weight, layer in zip(self._weights, self._maps(self._prepared(samples.flatten(0, 1))), strict=True):
            units = (layer / (layer.norm(dim=1, keepdim=True) + SMALLEST)).unflatten(0, (images, count))
            deviations = (units - units.mean(dim=1, keepdim=True)).square() * weight
            total += deviations.sum(dim=(1, 2)).mean(dim=(1, 2)) * 2 / (count - 1)
        return total

    def _distances(self, left: Tensor, right: Tensor) -> Tensor:
        """Both sides go through the network together."""
        total = torch.zeros(len(left), device=self._device)
        maps = self._maps(torch.cat((self._prepared(left), self._prepared(right))))
        for weight, layer in zip(self._weights, maps, strict=True):
            x, y = (layer / (layer.norm(dim=1, keepdim=True) + SMALLEST)).chunk(2)
            total += ((x - y).square() * weight).sum(dim=1).mean(dim=(1, 2))
        return total

    def _maps(self, images: Tensor) -> Iterator[Tensor]:
        for place, layer in enumerate(self._features[: self._layers[-1] + 1]):
            images = layer(images)
            if place in self._layers:
                yield images

    def _prepared(self, given: Tensor) -> Tensor:
        images = given.to(self._device).float()
        if given.dtype == torch.uint8:
            images = images / 127.5 - 1
        shift, scale = (torch.tensor(values, device=self._device)[:, None, None] for values in (SHIFT, SCALE))
        return ((images - shift) / scale).contiguous(memory_format=torch.channels_last)

    def _check(self, left: Tensor, right: Tensor) -> None:
        for images in (left, right):
            if not isinstance(images, Tensor):
                raise ValueError(f"LPIPS takes tensors [B, 3, H, W], not {type(images).__name__}")
            if images.ndim != 4 or images.shape[1] != 3 or not _is_image(images):
                raise ValueError(
                    f"LPIPS takes [B, 3, H, W], uint8 or float in [-1, 1], not {images.dtype} {list(images.shape)}"
                )
            if images.is_floating_point() and not bool((images.abs() <= 1).all()):
                low, high = float(images.min()), float(images.max())
                raise ValueError(f"floats must lie in [-1, 1], got values from {low:.3g} to {high:.3g}")
        if left.shape != right.shape:
            raise ValueError(f"images {list(left.shape)} and {list(right.shape)} do not pair up")
        if min(left.shape[2:]) < self.smallest:
            raise ValueError(f"{self.name} needs images of {self.smallest} pixels a side or more")


def parse_lpips(text: str) -> LpipsSpec:
    """Read `NETWORK[:BACKBONE[:HEADS]]`; a file that is not named is the published one, from this machine's caches.

    Raises:
        UserError: an unknown network, or a file that is not there. Nothing is fetched.
    """
    if not isinstance(text, str):
        raise UserError(f"LPIPS is {text!r}: write {FORMS}")
    network, _, files = text.partition(":")
    if network not in NETWORKS:
        raise UserError(f"{unknown('network of LPIPS', network, NETWORKS)}. Write {FORMS}")
    backbone, _, heads = files.partition(":")
    return LpipsSpec(network, _file(backbone, BACKBONES[network], network), _file(heads, HEADS[network], network))


def default_lpips() -> LpipsSpec | None:
    """LPIPS with AlexNet, the authors' default, if its published files are in this machine's caches."""
    backbone, heads = BACKBONES["alex"].find(), HEADS["alex"].find()
    return LpipsSpec("alex", backbone, heads) if backbone and heads else None


def _file(named: str, published: Weights, network: str) -> Path:
    path = Path(named) if named else published.find()
    if path is None:
        raise UserError(
            f"no {published.file} on this machine: fetch it with `i2i weights get lpips-{network}`, "
            f"or write {network}:BACKBONE:HEADS"
        )
    if not path.is_file():
        raise UserError(f"no weights for LPIPS at {path}: give an existing file")
    return path


def _read_heads(spec: LpipsSpec, network: Network) -> list[Tensor]:
    """Weights of the channels by layer, each [1, C, 1, 1]."""
    expected = {
        f"lin{layer}.model.1.weight": torch.empty(1, channels, 1, 1) for layer, channels in enumerate(network.channels)
    }
    state = read_tensors(spec.heads, f"the linear heads of LPIPS on {spec.network}", expected)
    return [state[name].float() for name in expected]


def _is_image(images: Tensor) -> bool:
    return images.dtype == torch.uint8 or images.is_floating_point()
