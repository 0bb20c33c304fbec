"""Pixel accuracy, class accuracy and mean intersection over union, from counts of pixels.

Long, Shelhamer and Darrell 2015 (Fully Convolutional Networks, https://arxiv.org/abs/1411.4038, section 5), as pix2pix
and CycleGAN report them for label maps. With n_ij pixels of class i taken for class j:

    pixel accuracy = sum_i n_ii / sum_ij n_ij
    class accuracy = mean_i n_ii / sum_j n_ij
    mean IoU       = mean_i n_ii / (sum_j n_ij + sum_j n_ji - n_ii)

The means are over the classes that the truth shows somewhere.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Agreement:
    """How well classes are met.

    Attributes:
        pixel_accuracy: float64 [N], of each image, NaN where nothing of it is scored.
        class_accuracy, mean_iou: of all images together.
    """

    pixel_accuracy: Tensor
    class_accuracy: float
    mean_iou: float


def agreement(found: Tensor, truth: Tensor, scored: Tensor) -> Agreement:
    """Compare classes uint8 [N, H, W] with the true ones, of which bool [K] says which are scored.

    Raises:
        ValueError: unlike shapes, or no pixel that is scored.
    """
    if found.shape != truth.shape:
        raise ValueError(f"classes of shape {list(found.shape)} are compared with {list(truth.shape)}")
    counted = scored[truth.long()]
    if not counted.any():
        raise ValueError("no pixel of the truth is scored: every one is void")
    met = ((found == truth) & counted).flatten(1).sum(dim=1).double() / counted.flatten(1).sum(dim=1)
    counts = _counts(found[counted], truth[counted], len(scored))
    right, true, taken = counts.diag(), counts.sum(dim=1), counts.sum(dim=0)
    there = true > 0
    return Agreement(
        met,
        float((right[there] / true[there]).mean()),
        float((right[there] / (true + taken - right)[there]).mean()),
    )


def _counts(found: Tensor, truth: Tensor, classes: int) -> Tensor:
    """Pixels [K, K] of each class (rows) that were taken for each (columns), in float64."""
    pairs = truth.long() * classes + found.long()
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes).double()
