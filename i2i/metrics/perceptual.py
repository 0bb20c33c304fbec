"""How unlike two images are in the layers of VGG-19, as a loss that translators can learn from."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UserError
from i2i.metrics.features.convolutional import convolutional_features
from i2i.metrics.features.pretrained import VGG19

RELUS = (1, 6, 11, 20, 29)  # relu1_1 to relu5_1 in torchvision's list of layers
WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


class VGG19Distance(nn.Module):
    """Sum over relu1_1 to relu5_1 of the mean absolute difference, of which deeper layers weigh more.

    After Johnson et al. 2016, Perceptual Losses for Real-Time Style Transfer; layers and weights are those of pix2pixHD
    (Wang et al. 2018, section 4) and SPADE. As there, the network sees images in [-1, 1] as they are. Its weights are
    torchvision's, from this machine's caches. Where they are not it can be built, but not called. Nothing trains it:
    a translator names it among its `frozen` networks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = _stages()

    @staticmethod
    def available() -> bool:
        """Whether there are weights on this machine."""
        return VGG19.find() is not None

    def forward(self, images: Tensor, truth: Tensor) -> Tensor:
        """The distance, a scalar, between two batches [B, 1 or 3, H, W] in [-1, 1].

        Raises:
            UserError: there are no weights on this machine.
        """
        if not len(self.stages):
            raise UserError(
                f"the perceptual term needs {VGG19.file}, which is not on this machine: fetch it with "
                "`i2i weights get vgg19`, or leave the term out with --set model.lambda_perceptual=0"
            )
        distance = images.new_zeros(())
        ours, theirs = (batch.expand(-1, 3, -1, -1) for batch in (images, truth))
        for weight, stage in zip(WEIGHTS, self.stages, strict=True):
            ours, theirs = stage(ours), stage(theirs)
            distance = distance + weight * F.l1_loss(ours, theirs)
        return distance


def _stages() -> nn.ModuleList:
    """The network cut behind the layers that are compared, each part where new tensors are made; or none."""
    weights = VGG19.find()
    if weights is None:
        return nn.ModuleList()
    layers = convolutional_features("vgg19", weights)
    stages = nn.ModuleList(layers[before + 1 : last + 1] for before, last in pairwise((-1, *RELUS)))
    return stages.to(torch.get_default_device())
