"""Which images a training batch of the domain classifier holds, and how they are varied."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 8  # images move by up to 1/8 of their sides


def balanced_order(labels: Tensor, classes: int, length: int, generator: torch.Generator) -> Tensor:
    """An order of images that takes all classes in turn, whatever their sizes.

    Each class goes through all its images, in a new order every round, before one comes again.

    Args:
        labels: int64 [N], in 0..classes - 1; every class occurs.
        classes: their number.
        length: of the order.
        generator: decides the order.

    Returns:
        int64 [length], indices into `labels`.
    """
    each = math.ceil(length / classes)
    rows = []
    for label in range(classes):
        own = (labels == label).nonzero().flatten()
        rounds = [_shuffled(own, generator) for _ in range(math.ceil(each / len(own)))]
        rows.append(torch.cat(rounds)[:each])
    return torch.stack(rows, dim=1).flatten()[:length]


def _shuffled(indices: Tensor, generator: torch.Generator) -> Tensor:
    return indices[torch.randperm(len(indices), generator=generator)]


def augmented(pixels: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    """Images flipped or not, and shifted both ways, with what comes in mirrored at the border.

    Args:
        pixels: uint8 [N, C, H, W].
        chosen: int64 [B], indices into `pixels`.
        generator: draws flips and shifts, one by one for every image.

    Returns:
        uint8 [B, C, H, W]; every pixel is a pixel of the image, so colours stay exact.
    """
    count = len(chosen)
    rows = _shifted(count, pixels.shape[2], generator)
    columns = _shifted(count, pixels.shape[3], generator)
    flip = torch.rand(count, 1, generator=generator) < 0.5
    columns = torch.where(flip, columns.flip(1), columns)
    channels = torch.arange(pixels.shape[1])
    return pixels[
        chosen[:, None, None, None],
        channels[None, :, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]


def blurred(pixels: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Images under a Gaussian blur, each of its own strength; the mean color of an image stays.

    Args:
        pixels: uint8 [B, C, H, W].
        most: std of the strongest blur as a share of the shorter side; stds are uniform between 0 and it.
        generator: draws the stds.

    Returns:
        uint8 [B, C, H, W].
    """
    shorter = min(pixels.shape[2:])
    radius = min(math.ceil(3 * most * shorter), shorter - 1)
    if radius < 1:
        return pixels
    stds = most * shorter * torch.rand(len(pixels), generator=generator)
    steps = torch.arange(-radius, radius + 1.0)
    weights = torch.exp(-(steps**2) / (2 * stds[:, None].clamp(min=0.05) ** 2))
    kernels = (weights / weights.sum(1, keepdim=True)).repeat_interleave(pixels.shape[1], 0)
    planes = F.pad(pixels.float(), (radius,) * 4, mode="reflect").flatten(0, 1)[None]
    for shape in ((1, 1, -1), (1, -1, 1)):
        planes = F.conv2d(planes, kernels.view(len(kernels), *shape), groups=len(kernels))
    return planes.reshape(pixels.shape).round().clamp(0, 255).byte()


def _shifted(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Positions [count, side] along one side, moved up to side / SHIFT, reflected at the ends."""
    furthest = side // SHIFT
    shift = torch.randint(-furthest, furthest + 1, (count, 1), generator=generator)
    position = (torch.arange(side) + shift).abs()
    return torch.where(position < side, position, 2 * (side - 1) - position)
