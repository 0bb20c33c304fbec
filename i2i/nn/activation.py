"""A leaky ReLU for critics that are differentiated twice."""

import torch
from torch import Tensor, nn


class TwiceLeakyReLU(nn.Module):
    """`x` where positive, `slope * x` elsewhere; its second derivative is absent rather than zero.

    PyTorch's own gives a tensor of zeros as second derivative, and a gradient penalty then sends these zeros
    back through the whole critic: two convolutions per layer for nothing.
    """

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, features: Tensor) -> Tensor:
        slopes = torch.where(features.detach() > 0, 1.0, self.slope).to(features.dtype)
        return features * slopes
