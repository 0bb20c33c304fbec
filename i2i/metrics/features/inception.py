"""Feature extractors: from pixels to the vectors whose distributions are compared.

The extractor names the metric. A Frechet distance is called "fid" only with the very weights that
pytorch-fid publishes, identified by their checksum; any other features get a name of their own,
because their distances are not comparable with published FIDs.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from i2i.errors import UserError
from i2i.metrics.features._files import read_state
from i2i.metrics.features._inference import check_pixels, in_parts, scoring
from i2i.metrics.features.domain_classifier import DomainClassifier, require_classifier
from i2i.metrics.features.pretrained import INCEPTION
from i2i.utils.fingerprint import sha256
from i2i.utils.given_paths import given_path
from i2i.utils.memory import usable_device


class Extractor(Protocol):
    """Turns images into feature vectors, each image by itself."""

    @property
    def name(self) -> str:
        """The name of the Frechet distance between such features, as tables print it."""
        ...

    @property
    def dimensions(self) -> int:
        """Length d of a feature vector."""
        ...

    @property
    def size(self) -> tuple[int, int] | None:
        """The only height and width of images that it takes; None: any."""
        ...

    def __call__(self, pixels: Tensor) -> Tensor:
        """Features, float32 [B, d], of pixels, uint8 [B, 3, H, W]."""
        ...


class InceptionExtractor:
    """The pool3 features of pytorch-fid's Inception-v3: those of the FID.

    Heusel et al., 2017, https://arxiv.org/abs/1706.08500. The network, its bilinear resize to
    299 x 299 and its normalisation are those of https://github.com/mseitzer/pytorch-fid. Nothing is
    ever downloaded.

    Args:
        weights: the file pytorch-fid publishes, or one of the same format.
        device: where the network runs and the features stay.

    Attributes:
        name: "fid" with the published weights, else "FD-inception-" and the file's checksum.
        dimensions: 2048.
        size: None, any size is scaled.

    Raises:
        UserError: the file is missing, truncated, or holds something else.
    """

    dimensions = 2048
    size = None

    def __init__(self, weights: Path, *, device: torch.device | str = "cpu") -> None:
        weights = given_path("weights", weights)
        state = _read(weights)
        checksum = sha256(weights)
        self.name = "fid" if checksum == INCEPTION.sha256 else f"FD-inception-{checksum[:8]}"
        self._device = usable_device(device)
        self._network = _folded(_build(state, weights)).to(self._device).to(memory_format=torch.channels_last)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Features of images of any size.

        Args:
            pixels: uint8 [B, 3, H, W].

        Returns:
            float32 [B, 2048], not negative.

        Raises:
            ValueError: `pixels` is not uint8 [B, 3, H, W].
        """
        check_pixels(pixels)
        with scoring(self._network, self._device):
            return in_parts(self._features, self._device, pixels)

    def _features(self, pixels: Tensor) -> Tensor:
        images = pixels.to(self._device).float() / 255  # [0, 1], as pytorch-fid expects
        pooled: Tensor = self._network(images.contiguous(memory_format=torch.channels_last))[0]  # [B, 2048, 1, 1]
        return pooled.flatten(1)


class ClassifierExtractor:
    """The penultimate features of a domain classifier, for where Inception's weights cannot be had.

    Distances compare translators scored by the same classifier; they are not FIDs.

    Args:
        classifier: whose features.
        checksum: of its file, where it is not the only classifier around.

    Attributes:
        name: "FD-domain-classifier", and the checksum's first digits if there is one.
        dimensions: width of the classifier's last hidden layer.
        size: that of the images it was trained on.
    """

    def __init__(self, classifier: DomainClassifier, *, checksum: str = "") -> None:
        require_classifier(classifier)
        self.name = "-".join(part for part in ("FD-domain-classifier", checksum[:8]) if part)
        self.dimensions = classifier.dimensions
        self.size = classifier.size
        self._classifier = classifier

    def __call__(self, pixels: Tensor) -> Tensor:
        """Features of images.

        Args:
            pixels: uint8 [B, 3, H, W], of the size the classifier was trained at.

        Returns:
            float32 [B, d], on the classifier's device.

        Raises:
            ValueError: another dtype, shape or size.
        """
        with scoring(self._classifier, self._classifier.device):
            return self._classifier.features(pixels)


def find_inception(explicit: Path | None) -> Path | None:
    """The file of Inception weights to score with, found without touching the network.

    Args:
        explicit: the file the user named, if any; otherwise the cache of `torch.hub` is searched,
            where pytorch-fid leaves its download.

    Returns:
        The file, or None where there is none.

    Raises:
        UserError: `explicit` was given but is not a file.
    """
    if explicit is not None:
        return _existing(given_path("the file of Inception's weights", explicit))
    return INCEPTION.find()


def _existing(weights: Path) -> Path:
    if not weights.is_file():
        raise UserError(f"no Inception weights at {weights}: give an existing file. {_remedy()}")
    return weights


def _remedy() -> str:
    return f"pytorch-fid's weights are at {INCEPTION.url}; `i2i weights get inception` fetches them"


def _read(weights: Path) -> dict[str, object]:
    state = read_state(_existing(weights), "Inception weights", _remedy())
    if not isinstance(state, dict):
        raise UserError(_not_inception(weights))
    return state


def _build(state: dict[str, object], weights: Path) -> torch.nn.Module:
    from pytorch_fid.inception import InceptionV3  # takes seconds

    # The initial weights are overwritten at once, but drawing them would move the caller's random
    # numbers.
    with torch.random.fork_rng(devices=[]), _loaded_from(state):
        try:
            network: torch.nn.Module = InceptionV3()
        except (RuntimeError, AttributeError) as error:
            raise UserError(_not_inception(weights)) from error
    return network.eval()


def _folded(network: nn.Module) -> nn.Module:
    """The network with its batch norms, which are fixed in evaluation, worked into the convolutions before them."""
    from torchvision.models.inception import BasicConv2d  # takes seconds

    for block in [module for module in network.modules() if isinstance(module, BasicConv2d)]:
        block.conv = fuse_conv_bn_eval(block.conv, block.bn)
        block.bn = nn.Identity()
    return network


def _not_inception(weights: Path) -> str:
    return f"{weights} does not hold the Inception weights of pytorch-fid's format. {_remedy()}"


@contextlib.contextmanager
def _loaded_from(state: dict[str, object]) -> Iterator[None]:
    """Hand `state` to pytorch-fid where it would download: its constructor takes no file."""
    from pytorch_fid import inception

    download = inception.load_state_dict_from_url
    inception.load_state_dict_from_url = lambda url, progress=True: state
    try:
        yield
    finally:
        inception.load_state_dict_from_url = download
