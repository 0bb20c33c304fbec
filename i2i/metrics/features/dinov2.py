"""DINOv2's networks at the size at which Frechet distances in their features are published.

Stein et al. 2023 (Exposing flaws of generative model evaluation metrics, https://arxiv.org/abs/2306.04675) take the
class token of ViT-L/14 (Oquab et al. 2023, https://arxiv.org/abs/2304.07193), after its last norm, of images scaled to
224 pixels. The weights were learnt at 518 pixels, and DINOv2's own code brings the positions to the size of its input:
bicubic, not antialiased, with 0.1 added to the sides of the grid.
"""

from typing import Any

import torch
from torch import Tensor, nn

DINOV2 = "vit_large_patch14_dinov2.lvd142m"
DINOV2_SIDE = 224  # pixels
DINOV2_UNUSED = ("mask_token",)  # of training, in the authors' files
OFFSET = 0.1


def is_dinov2(name: str) -> bool:
    """Whether timm's network of that name is one of DINOv2's."""
    return "_dinov2" in name


def to_published_side(network: Any) -> None:
    """Have timm's network, with its weights of 518 pixels, take images of `DINOV2_SIDE` as the authors' does."""
    learnt, (rows, columns) = network.pos_embed, network.patch_embed.grid_size
    network.set_input_size(img_size=(DINOV2_SIDE, DINOV2_SIDE))
    with torch.no_grad():
        network.pos_embed.copy_(resampled(learnt, (rows, columns), network.patch_embed.grid_size))


def resampled(positions: Tensor, grid: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Embedded positions [1, k + h w, d] of a grid h x w for one of another size; the first k are of no patch."""
    extra = positions.shape[1] - grid[0] * grid[1]
    maps = positions[:, extra:].reshape(1, *grid, -1).permute(0, 3, 1, 2)
    factors = tuple((new + OFFSET) / old for new, old in zip(wanted, grid, strict=True))
    maps = nn.functional.interpolate(maps, scale_factor=factors, mode="bicubic")
    return torch.cat([positions[:, :extra], maps.flatten(2).mT], dim=1)
