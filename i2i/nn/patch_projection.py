"""Vectors of places in feature maps, for losses that compare patches."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PatchProjection(nn.Module):
    """Two linear layers per feature map take what lies at chosen places to unit vectors.

    Park et al. 2020, Contrastive Learning for Unpaired Image-to-Image Translation, section 3.2 and appendix C.2.

    Args:
        channels: of each feature map.
        width: of the vectors.
    """

    def __init__(self, channels: Sequence[int], width: int = 256) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width)) for inputs in channels
        )

    def forward(self, features: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
        """Vectors [B, P, width] of length 1 for each feature map.

        Args:
            features: maps [B, C, H, W].
            places: of each map whole numbers y * W + x, [P].
        """
        return [
            _normalized(head(one.flatten(2)[:, :, where].transpose(1, 2)))
            for head, one, where in zip(self.heads, features, places, strict=True)
        ]


def _normalized(vectors: Tensor) -> Tensor:
    """In float32, whatever the precision of the layers."""
    vectors = vectors.float()
    unit: Tensor = vectors / (torch.linalg.vector_norm(vectors, dim=-1, keepdim=True) + 1e-7)
    return unit
