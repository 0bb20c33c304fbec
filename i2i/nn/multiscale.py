"""Several discriminators, each of which classifies an image at half the resolution of the one before."""

from collections.abc import Iterable, Iterator
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from i2i.nn.patch_discriminator import PatchDiscriminator


def image_pyramid(images: Tensor, scales: int) -> Iterator[Tensor]:
    """Images [B, C, H, W] at `scales` resolutions, their own first, each half the one before, rounded up.

    A pixel is the mean of a field of 3x3 around every second one, of what lies within the image (Wang et al. 2018,
    section 3.2; Huang et al. 2018 shrink likewise).
    """
    for scale in range(scales):
        if scale:
            images = F.avg_pool2d(images, 3, stride=2, padding=1, count_include_pad=False)
        yield images


class MultiscaleDiscriminator(nn.Module):
    """Discriminators of the levels of an image pyramid, that of the full resolution first; they share no weights."""

    def __init__(self, discriminators: Iterable[PatchDiscriminator]) -> None:
        super().__init__()
        self.scales = nn.ModuleList(discriminators)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The patch map [B, 1, h, w] of each discriminator for images [B, C, H, W]."""
        return [scale(level) for scale, level in self._scales_and_images(images)]

    def activations(self, images: Tensor) -> list[list[Tensor]]:
        """What each layer of each discriminator makes of images [B, C, H, W]; the last of each is the patch map."""
        return [scale.activations(level) for scale, level in self._scales_and_images(images)]

    def _scales_and_images(self, images: Tensor) -> Iterator[tuple[PatchDiscriminator, Tensor]]:
        return zip(
            cast(Iterable[PatchDiscriminator], self.scales), image_pyramid(images, len(self.scales)), strict=True
        )
