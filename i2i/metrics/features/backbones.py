"""Features of ImageNet networks: any of timm's, and torchvision's where its files have other names inside.

The name of such a distance is `FD-` with the library, the network and the first digits of its weights' checksum,
because distances in other features, or in the same network's with other weights, are other measures.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from i2i.errors import UserError, unknown
from i2i.metrics.features._files import read_tensors
from i2i.metrics.features._inference import check_pixels, in_parts, scoring
from i2i.metrics.features.dinov2 import DINOV2_SIDE, DINOV2_UNUSED, is_dinov2, to_published_side
from i2i.metrics.features.pretrained import cache
from i2i.utils.fingerprint import sha256
from i2i.utils.memory import usable_device

Resampling = Literal["bilinear", "bicubic"]
SHOWN_DIGITS = 8  # of a checksum, in a metric's name


@dataclass(frozen=True)
class Preparation:
    """How pixels become a network's input.

    The whole image is scaled to `size`, whatever its proportions, so that nothing at the border is left out of the
    measure; then it is normalised by channel.

    Attributes:
        size: height and width, pixels.
        resampling: antialiased filter; results are clipped to 0..255 and not rounded.
        mean, std: of the channels red, green and blue in [0, 1].
    """

    size: tuple[int, int]
    resampling: Resampling
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, pixels: Tensor) -> Tensor:
        """Normalised float32 [B, 3, height, width] of uint8 [B, 3, H, W]."""
        images = pixels.float()
        if tuple(images.shape[2:]) != self.size:
            images = nn.functional.interpolate(images, self.size, mode=self.resampling, antialias=True).clamp_(0, 255)
        mean, std = (
            torch.tensor(values, device=pixels.device)[:, None, None] * 255 for values in (self.mean, self.std)
        )
        return ((images - mean) / std).contiguous(memory_format=torch.channels_last)

    def __str__(self) -> str:
        mean, std = (", ".join(f"{value:.3f}" for value in values) for values in (self.mean, self.std))
        return f"{self.size[0]}x{self.size[1]} pixels, {self.resampling} antialiased, mean ({mean}), std ({std})"


@dataclass(frozen=True)
class Backbone:
    """A network without its head, its weights still random.

    Attributes:
        network: from prepared images [B, 3, H, W] to features [B, d].
        heads: names that begin the head's entries in a file of weights.
        dimensions: d.
        preparation: of its input.
        names: from names of the network's tensors to those that a file has, where they differ.
        optional: tensors that stay as they are where a file lacks them.
        fit: what is done to the network once it has its weights; None: nothing.
    """

    network: Any  # timm's and torchvision's networks share no typed base
    heads: tuple[str, ...]
    dimensions: int
    preparation: Preparation
    names: Mapping[str, str] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    fit: Callable[[Any], None] | None = None

    def load(self, path: Path, title: str) -> None:
        """Take over the weights of a file; UserError if they are not the network's."""
        own = self.network.state_dict()
        theirs = {self.names.get(name, name): name for name in own}
        expected = {name: own[mine] for name, mine in theirs.items()}
        state = read_tensors(path, title, expected, self.heads, self.optional)
        # What may be missing are counters of batches, and what is optional.
        self.network.load_state_dict({theirs[name]: tensor for name, tensor in state.items()}, strict=False)
        if self.fit:
            self.fit(self.network)


class BackboneExtractor:
    """The features below the head of an ImageNet network.

    Args:
        title: library and network, such as "timm-resnet18", or the network alone where one file of it is published.
        backbone: the network; it gets the weights.
        weights: a plain state dict with the library's own names, `.safetensors` or as `torch.save` writes it.
        device: where the network runs and the features stay.

    Attributes:
        name: `FD-<title>-<eight digits of the file's SHA-256>`.
        dimensions: length of a feature vector.
        size: None, any size is scaled.
        preparation: of the pixels.

    Raises:
        UserError: the file cannot be read, or its tensors are not those of the network.
    """

    size = None

    def __init__(self, title: str, backbone: Backbone, weights: Path, *, device: torch.device | str = "cpu") -> None:
        backbone.load(weights, title)
        self.name = f"FD-{title}-{sha256(weights)[:SHOWN_DIGITS]}"
        self.dimensions = backbone.dimensions
        self.preparation = backbone.preparation
        self._device = usable_device(device)
        self._network = backbone.network.eval().to(self._device).to(memory_format=torch.channels_last)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Features of images of any size.

        Args:
            pixels: uint8 [B, 3, H, W].

        Returns:
            float32 [B, d].

        Raises:
            ValueError: `pixels` is not uint8 [B, 3, H, W].
        """
        check_pixels(pixels)
        with scoring(self._network, self._device):
            return in_parts(self._features, self._device, pixels)

    def _features(self, pixels: Tensor) -> Tensor:
        features: Tensor = self._network(self.preparation(pixels.to(self._device)))
        return features.flatten(1)


def timm_backbone(name: str) -> Backbone:
    """A network of timm's, such as `resnet18` or `resnet18.a1_in1k`, with the input of its published weights.

    Features are what the head sees; of CLIP's networks, whose head is the projection into the space that images share
    with texts, what it gives. DINOv2's networks take images of 224 pixels, see `dinov2.py`.

    Raises:
        UserError: timm knows no such network.
    """
    import timm  # takes seconds

    try:
        if not timm.is_model(name):
            raise unknown("timm backbone", name, timm.list_models())
        projected = _projection(timm.get_pretrained_cfg(name))
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay where they were
            network: Any = timm.create_model(name, pretrained=False, num_classes=projected)
            if projected and network.get_classifier().bias is not None:
                nn.init.zeros_(network.get_classifier().bias)  # a projection has none, and files may say so by silence
    except RuntimeError as error:  # timm's for a tag it does not have
        raise UserError(f"timm has no {name!r}: {error}") from None
    config = network.pretrained_cfg
    heads, own = config["classifier"], is_dinov2(name)
    side = (DINOV2_SIDE, DINOV2_SIDE) if own else tuple(config["input_size"][1:])
    heads = (heads,) if isinstance(heads, str) else tuple(heads or ())
    return Backbone(
        network,
        () if projected else (*heads, *DINOV2_UNUSED),
        projected or int(network.head_hidden_size),
        Preparation(side, _filter(config["interpolation"]), tuple(config["mean"]), tuple(config["std"])),
        optional=tuple(f"{head}.bias" for head in heads) if projected else (),
        fit=to_published_side if own else None,
    )


def variant_of(name: str) -> tuple[str, ...]:
    """What tells the features that timm's network of that name gives from those below its head at its largest size."""
    if is_dinov2(name):
        return (str(DINOV2_SIDE),)
    return ("projected",) if "clip" in name and _projection(_published(name)) else ()


def _published(name: str) -> Any:
    import timm  # takes seconds

    return timm.get_pretrained_cfg(name) if timm.is_model(name) else None


def _projection(published: Any) -> int:
    """Width of the projection that ends CLIP's networks; 0 of others, whose head is made for classes."""
    if published is None or "clip" not in f"{published.architecture}.{published.tag}" or "_ft_in" in published.tag:
        return 0
    return int(published.num_classes)


def torchvision_backbone(name: str) -> Backbone:
    """A classifier of torchvision's, such as `squeezenet1_0`, with the input of its default weights.

    Its features are what the last linear layer sees. SqueezeNet ends in a convolution instead; its features are the
    maps below that, averaged over positions.

    Raises:
        UserError: torchvision has no such classifier, or it changes its input along with the weights.
    """
    import torchvision  # takes seconds

    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise unknown("torchvision classifier", name, known)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(action="ignore"):
        network = torchvision.models.get_model(name, weights=None)
    if hasattr(network, "transform_input"):
        raise UserError(f"torchvision's {name} scales its input along with its weights: take a network of timm's")
    transforms = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    head, dimensions = _without_head(network)
    side = transforms.crop_size[0]
    preparation = Preparation(
        (side, side), _filter(transforms.interpolation.value), tuple(transforms.mean), tuple(transforms.std)
    )
    return Backbone(network, (head,), dimensions, preparation)


def cached_weights(name: str) -> Path | None:
    """The published weights of a timm network if a cache of this machine holds them; nothing is fetched."""
    import huggingface_hub

    config = _published(name)
    if config is None:
        return None
    files = [config.hf_hub_filename] if config.hf_hub_filename else ["model.safetensors", "pytorch_model.bin"]
    for file in files if config.hf_hub_id else ():
        found = huggingface_hub.try_to_load_from_cache(config.hf_hub_id, file)
        if isinstance(found, str):  # else None, or a mark that the repository has no such file
            return Path(found)
    place = cache() / str(config.url or "").rpartition("/")[2]
    return place if place.is_file() else None


def _without_head(network: nn.Module) -> tuple[str, int]:
    """Replace the last layer by what passes features on; returns its name and their number."""
    linear = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    if linear:
        name, layer = linear[-1]
        owner, _, own = name.rpartition(".")
        setattr(network.get_submodule(owner), own, nn.Identity())
        return name, layer.in_features
    last = [module for module in network.get_submodule("classifier").modules() if isinstance(module, nn.Conv2d)][-1]
    network.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return "classifier", last.in_channels


def _filter(name: str) -> Resampling:
    """Bilinear stays; bicubic stands for itself and for what PyTorch does not have."""
    return "bilinear" if name == "bilinear" else "bicubic"
