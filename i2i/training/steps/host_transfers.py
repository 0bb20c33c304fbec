"""Which operations move values between the host and a device, as none in a CUDA graph may."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

DEPENDS_ON_VALUES = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
MASKS = (torch.bool, torch.uint8)


class HostTransfers(TorchDispatchMode):
    """Notes in `found`, by their names, the operations within its context that move values to a device or from there.

    They are those that read a number, such as `Tensor.item`; whose shape depends on values, such as `nonzero` and
    indexing by a mask; which make a tensor of numbers (`lift_fresh`); and copies to and from memory that is not pinned.
    CUDA allows none of them while it captures a graph, and breaks off the capture in a way of which not all that it had
    begun can be undone.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.device = device
        self.found: list[str] = []

    def __torch_dispatch__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if self.moves(function, args, result):
            self.found.append(function._overloadpacket.__name__)
        return result

    def moves(self, function: Any, args: Sequence[Any], result: Any) -> bool:
        """Whether an operation that was called with these arguments and returned that moves values."""
        name = function._overloadpacket.__name__
        if name in ("_to_copy", "copy_"):
            source = args[1] if name == "copy_" else args[0]
            return source.device.type != result.device.type and not (_is_pinned(source) or _is_pinned(result))
        if not (args and isinstance(args[0], Tensor) and args[0].device.type == self.device.type):
            return False
        if name.startswith("index"):
            return any(isinstance(one, Tensor) and one.dtype in MASKS for one in args[1])
        return name.startswith("lift_fresh") or not DEPENDS_ON_VALUES.isdisjoint(function.tags)


def _is_pinned(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.is_pinned()
