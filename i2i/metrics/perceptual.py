"""How unlike two images are in the layers of a VGG, as losses that translators can learn from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UserError
from i2i.metrics.features.convolutional import convolutional_features
from i2i.metrics.features.pretrained import VGG16_FEATURES, VGG19, Weights
from i2i.utils.text import argument

RELUS = (1, 6, 11, 20, 29)  # relu1_1 to relu5_1 in torchvision's list of VGG-19's layers
WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
RELU5_3, LAST_POOLING = 29, 23  # in that of VGG-16; it has one more, behind relu5_3
MEAN_COLOR = (123.68, 116.779, 103.939)  # of ImageNet, 0 to 255, as VGG-16 was trained with


class VGGDistance(nn.Module, ABC):
    """A distance in layers of `network` whose weights, which nothing trains, are those of this machine's caches.

    Without the weights it can be built, but not called. A translator names it among its `frozen` networks.
    """

    network: ClassVar[str]
    weights: ClassVar[Weights]

    def __init__(self) -> None:
        super().__init__()
        self.stages = self._stages()

    @classmethod
    def available(cls) -> bool:
        """Whether there are weights on this machine."""
        return cls.weights.find() is not None

    def forward(self, images: Tensor, others: Tensor) -> Tensor:
        """The distance, a scalar, between two batches [B, 1 or 3, H, W] in [-1, 1].

        Raises:
            UserError: there are no weights on this machine.
        """
        if not len(self.stages):
            raise UserError(
                f"the perceptual term needs {self.weights.file}, which is not on this machine: fetch it "
                f"with `i2i weights get {argument(self.network)}`, or leave the term out with "
                "--set model.lambda_perceptual=0"
            )
        return self._distance(images.expand(-1, 3, -1, -1), others.expand(-1, 3, -1, -1))

    @abstractmethod
    def _distance(self, images: Tensor, others: Tensor) -> Tensor:
        """Of two batches [B, 3, H, W] in [-1, 1]."""

    @staticmethod
    @abstractmethod
    def _parts(layers: nn.Sequential) -> Iterable[nn.Module]:
        """What is run of torchvision's list of layers, one after the other."""

    def _stages(self) -> nn.ModuleList:
        """The parts that are run, where new tensors are made; or none."""
        weights = self.weights.find()
        if weights is None:
            return nn.ModuleList()
        parts = self._parts(convolutional_features(self.network, weights))
        return nn.ModuleList(parts).to(torch.get_default_device())


class VGG19Distance(VGGDistance):
    """Sum over relu1_1 to relu5_1 of the mean absolute difference, of which deeper layers weigh more.

    After Johnson et al. 2016, Perceptual Losses for Real-Time Style Transfer; layers and weights are those of pix2pixHD
    (Wang et al. 2018, section 4) and SPADE. As there, the network sees images in [-1, 1] as they are. Its weights are
    torchvision's.
    """

    network = "vgg19"
    weights = VGG19

    @staticmethod
    def _parts(layers: nn.Sequential) -> Iterable[nn.Module]:
        return (layers[before + 1 : last + 1] for before, last in pairwise((-1, *RELUS)))

    def _distance(self, images: Tensor, others: Tensor) -> Tensor:
        distance = images.new_zeros(())
        for weight, stage in zip(WEIGHTS, self.stages, strict=True):
            images, others = stage(images), stage(others)
            distance = distance + weight * F.l1_loss(images, others)
        return distance


class VGG16Distance(VGGDistance):
    """Mean squared difference of relu5_3 after an instance norm, which takes away much of what tells domains apart.

    The domain-invariant perceptual loss of MUNIT (Huang et al. 2018, section 5.1). As in the authors' code, the network
    goes without its fourth pooling and sees values of 0 to 255 less a mean colour. Its weights are those that the
    authors of VGG trained, as torchvision publishes them for features.
    """

    network = "vgg16"
    weights = VGG16_FEATURES

    @staticmethod
    def _parts(layers: nn.Sequential) -> Iterable[nn.Module]:
        return (layer for place, layer in enumerate(layers[: RELU5_3 + 1]) if place != LAST_POOLING)

    def _distance(self, images: Tensor, others: Tensor) -> Tensor:
        ours, theirs = (F.instance_norm(self.features(batch)) for batch in (images, others))
        return F.mse_loss(ours, theirs)

    def features(self, images: Tensor) -> Tensor:
        """relu5_3 [B, 512, h, w] of images [B, 3, H, W] in [-1, 1]."""
        features = (images + 1) * 127.5 - images.new_tensor(MEAN_COLOR)[:, None, None]
        for stage in self.stages:
            features = stage(features)
        return features
