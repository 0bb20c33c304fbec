"""For critics that are differentiated twice: a leaky ReLU, convolutions, and the gradient with respect to images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from i2i.nn.modes import without_autocast

Scores = TypeVar("Scores")
Pair = tuple[int, int]


_twice = ContextVar("twice", default=False)
"""Whether what is computed now is to be differentiated twice."""


class TwiceLeakyReLU(nn.Module):
    """A leaky ReLU whose second derivative is absent rather than zero where `scores_and_image_gradient` computes it.

    PyTorch's own gives a tensor of zeros as second derivative, and a gradient penalty then sends these zeros
    back through the whole critic: two convolutions per layer for nothing. Elsewhere it is PyTorch's own.
    """

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, features: Tensor) -> Tensor:
        if not _twice.get():
            return F.leaky_relu(features, self.slope)
        slopes = torch.where(features.detach() > 0, 1.0, self.slope).to(features.dtype)
        return features * slopes


def scores_and_image_gradient(
    critic: Callable[[Tensor], Scores], images: Tensor, total: Callable[[Scores], Tensor]
) -> tuple[Scores, Tensor]:
    """What a critic makes of images, and the gradient of its sum, which can be differentiated again.

    Args:
        critic: maps images [B, C, H, W] to scores.
        images: [B, C, H, W]; no gradient flows into what made them.
        total: maps the scores to their sum, a scalar.

    Returns:
        The scores, and the gradient [B, C, H, W].
    """
    images = images.detach().requires_grad_()
    if not (images.is_cuda or _is_wrong_for(images)):
        with _differentiated_twice():
            scores = critic(images)
        (gradient,) = torch.autograd.grad(total(scores), images, create_graph=True)
        return scores, gradient
    with TwiceDifferentiatedConvolutions() as convolutions, _differentiated_twice():
        scores = critic(images)
    return scores, convolutions.gradient(total(scores), images)


def _is_wrong_for(images: Tensor) -> bool:
    """Whether PyTorch's second derivatives of convolutions would be wrong, see `large_filters_are_right`."""
    return images.device.type == "cpu" and torch.is_autocast_enabled("cpu") and not large_filters_are_right()


@cache
def large_filters_are_right() -> bool:
    """Whether this CPU convolves rightly in bfloat16 with filters as large as feature maps of few channels.

    PyTorch 2.14.1 does not where there is AMX: what it gives for 8x8 over 8 channels has nothing to do with the sum.
    """
    random = torch.Generator().manual_seed(0)
    features, filters = torch.randn(1, 8, 16, 16, generator=random), torch.randn(4, 8, 8, 8, generator=random)
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        exact = F.conv2d(features, filters)
        rounded = F.conv2d(features.bfloat16(), filters.bfloat16()).float()
    return bool((rounded - exact).norm() < 0.1 * exact.norm())


@contextmanager
def _differentiated_twice() -> Iterator[None]:
    before = _twice.set(True)
    try:
        yield
    finally:
        _twice.reset(before)


class TwiceDifferentiatedConvolutions(TorchFunctionMode):
    """Meanwhile convolutions are such that their second derivatives are quick on a GPU, and right on every CPU.

    PyTorch takes the weights' part of these by convolutions whose filters are whole feature maps, which cuDNN does
    slowly: half of StarGAN v2's step on an H100. Here it is the weights' gradient of a transposed convolution. On a CPU
    PyTorch's own are quicker, and taken where they are right.
    """

    def __init__(self) -> None:
        super().__init__()
        self.leaves_wanted = True

    def gradient(self, output: Tensor, images: Tensor) -> Tensor:
        """Of a scalar that was made meanwhile, with respect to images; the gradients of weights are left out."""
        self.leaves_wanted = False
        try:
            (gradient,) = torch.autograd.grad(output, images, create_graph=True)
        finally:
            self.leaves_wanted = True
        return gradient

    def __torch_function__(
        self,
        function: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        run: Callable[..., object] = self._convolve if function is F.conv2d else function
        return run(*args, **(kwargs or {}))

    def _convolve(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: int | Sequence[int] = 1,
        padding: str | int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
    ) -> Tensor:
        if isinstance(padding, str) or _pair(dilation) != (1, 1) or groups != 1 or input.dim() != 4:
            return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
        leaves = all(one is None or one.is_leaf for one in (weight, bias))
        given = _cast(input), _cast(weight), None if bias is None else _cast(bias)
        convolved: Tensor = _Convolution.apply(*given, _pair(stride), _pair(padding), self if leaves else None)
        return convolved


class _Context(Protocol):
    """What the passes of a convolution share."""

    saved_tensors: tuple[Tensor, Tensor]
    needs_input_grad: tuple[bool, ...]
    stride: Pair
    padding: Pair
    asked: TwiceDifferentiatedConvolutions | None

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _Convolution(torch.autograd.Function):
    """`F.conv2d` of images [B, C, H, W], whose gradient with respect to them is a transposed convolution."""

    @staticmethod
    def forward(
        ctx: _Context,
        features: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: Pair,
        padding: Pair,
        asked: TwiceDifferentiatedConvolutions | None,
    ) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.stride, ctx.padding, ctx.asked = stride, padding, asked
        return F.conv2d(features, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, ...]:
        features, weight = ctx.saved_tensors
        wanted, wants_leaves = ctx.needs_input_grad, ctx.asked is None or ctx.asked.leaves_wanted
        of_features, of_weight, of_bias = None, None, None
        with without_autocast(gradient.device):  # as the forward pass was, whose tensors these are
            if wanted[0]:
                rest = _rest(features.shape, gradient.shape, weight.shape, ctx.stride, ctx.padding)
                of_features = F.conv_transpose2d(gradient, weight, None, ctx.stride, ctx.padding, rest)
            if wants_leaves and (wanted[1] or wanted[2]):
                sides = ([len(weight)], ctx.stride, ctx.padding, (1, 1), False, (0, 0), 1)
                mask = [False, wanted[1], wanted[2]]
                _, of_weight, of_bias = torch.ops.aten.convolution_backward(gradient, features, weight, *sides, mask)
        return of_features, of_weight, of_bias, None, None, None


def _rest(features: torch.Size, outputs: torch.Size, kernel: torch.Size, stride: Pair, padding: Pair) -> Pair:
    """Rows and columns at the end that no step of the filter reached."""
    height, width = (
        features[axis + 2] + 2 * padding[axis] - kernel[axis + 2] - (outputs[axis + 2] - 1) * stride[axis]
        for axis in range(2)
    )
    return height, width


def _cast(value: Tensor) -> Tensor:
    """In the precision of autocast, if that is on; float64 stays."""
    kind = value.device.type
    if not torch.is_autocast_enabled(kind) or value.dtype == torch.float64:
        return value
    return value.to(torch.get_autocast_dtype(kind))


def _pair(value: int | Sequence[int]) -> Pair:
    sides = [value] if isinstance(value, int) else list(value)
    return sides[0], sides[-1]
