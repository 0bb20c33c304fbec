"""Gradients as PyTorch gave them to reference implementations that take patches from the feature maps of one image.

Their fixtures with batches of one hold gradients, and losses after the first step, that a fault of PyTorch 2.14 has
made: on a CPU the gradient of an instance norm of one image is wrong where the gradient of its output is laid out
channels-last, as it is behind a feature map whose channels were put last to take patches from it. Here the same is done
again, so that all the rest can be compared. That `InstanceNorm` has the right gradient is tested with the networks.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from i2i.nn import patch_projection
from i2i.nn.norm import InstanceNorm
from i2i.nn.patch_projection import PatchProjection


def _is_faulty() -> bool:
    features, back = torch.arange(16.0).reshape(1, 2, 4, 2).square().requires_grad_(), torch.rand(1, 2, 4, 2)
    norm = nn.InstanceNorm2d(2)
    right, found = (
        torch.autograd.grad(norm(features), features, gradient)[0]
        for gradient in (back, back.contiguous(memory_format=torch.channels_last))
    )
    return not torch.allclose(right, found, atol=1e-3)


def _with_channels_last(projection: PatchProjection, features: Sequence[Tensor], places: Sequence[Tensor]) -> list:
    return [
        patch_projection._normalized(head(one.permute(0, 2, 3, 1).flatten(1, 2)[:, where]))
        for head, one, where in zip(projection.heads, features, places, strict=True)
    ]


@contextmanager
def faulty_gradients() -> Iterator[None]:
    """Meanwhile instance norms are PyTorch's and patches are taken as by the references; skips where that is mended."""
    if not _is_faulty():
        pytest.skip("this version of PyTorch has the right gradient, and the fixture a wrong one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InstanceNorm, "forward", nn.InstanceNorm2d.forward)
        patch.setattr(PatchProjection, "forward", _with_channels_last)
        yield
