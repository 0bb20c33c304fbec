"""Gradients of several processes, averaged in buckets while the backward pass goes on.

Parameters enter buckets from the last to the first, about as the backward pass reaches them (Li et al. 2020, PyTorch
Distributed, section 3.2.3). A bucket is sent once its gradients and those of all buckets before it are there, so all
processes send the same in the same order, whatever order their gradients come in.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import islice

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import Parameter

BUCKET_BYTES = 25 * 2**20
"""Of the gradients in a bucket, as in DistributedDataParallel; a larger parameter has a bucket of its own."""


class NoExchange:
    """Of a process that is alone: its gradients are the mean."""

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """A block that computes the last gradients to come, which are sent as they come."""
        yield

    def finish(self) -> None:
        """Leave the means over the processes in `.grad`, where each process's own gradients are."""


NO_EXCHANGE = NoExchange()


class GradientExchange(NoExchange):
    """Of one of several processes, for one turn of a phase.

    Args:
        parameters: those whose gradients are averaged, the same in all processes.
        count: of processes.
        together: makes a context in which calls that another process has to answer may fail.
        bucket_bytes: size of a bucket.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        count: int,
        together: Callable[[], AbstractContextManager[None]],
        bucket_bytes: int = BUCKET_BYTES,
    ) -> None:
        self._buckets, self._count, self._together = in_buckets(parameters, bucket_bytes), count, together
        self._arrived: dict[Parameter, Tensor] = {}
        self._sent: list[tuple[Tensor, dist.Work]] = []

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """A block whose backward pass sends each bucket once it is full."""
        handles = [
            parameter.register_hook(partial(self._arrives, parameter))  # type: ignore[no-untyped-call]
            for bucket in self._buckets
            for parameter in bucket
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _arrives(self, parameter: Parameter, gradient: Tensor) -> None:
        self._arrived[parameter] = gradient if parameter.grad is None else parameter.grad + gradient
        for bucket in islice(self._buckets, len(self._sent), None):
            if not all(one in self._arrived for one in bucket):
                return
            self._send([self._arrived.pop(one) for one in bucket])

    def finish(self) -> None:
        """Send what is left, wait for all and leave the means in `.grad`."""
        for bucket in islice(self._buckets, len(self._sent), None):
            self._send([one.grad for one in bucket if one.grad is not None])
        self._arrived.clear()
        for bucket, (flat, work) in zip(self._buckets, self._sent, strict=True):
            with self._together():
                work.wait()
            put(flat.div_(self._count), [one.grad for one in bucket if one.grad is not None])

    def _send(self, gradients: Sequence[Tensor]) -> None:
        flat = torch.cat([gradient.detach().reshape(-1) for gradient in gradients])
        with self._together():
            work = dist.all_reduce(flat, async_op=True)
        self._sent.append((flat, work))


def in_buckets(parameters: Sequence[Parameter], size: int) -> list[list[Parameter]]:
    """Parameters from the last to the first, in groups of at most `size` bytes or of one."""
    buckets: list[list[Parameter]] = []
    held = size
    for parameter in reversed(parameters):
        if held + parameter.nbytes > size:
            buckets.append([])
            held = 0
        buckets[-1].append(parameter)
        held += parameter.nbytes
    return buckets


@torch.no_grad()
def put(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    """Fill tensors with the parts of a flat one, in order."""
    parts = torch.split(flat.reshape(-1), [tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view(tensor.shape))
