"""Which operations move values between the host and a device, as none in a CUDA graph may."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch._ops import OpOverload
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
        self,
        function: OpOverload,
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        result: object = function(*args, **(kwargs or {}))
        if self.moves(function, args, result):
            self.found.append(function._overloadpacket.__name__)
        return result

    def moves(self, function: OpOverload, args: Sequence[object], result: object) -> bool:
        """Whether an operation that was called with these arguments and returned that moves values."""
        name, first = function._overloadpacket.__name__, next(iter(args), None)
        if name in ("_to_copy", "copy_"):
            return _is_transfer(args[1] if name == "copy_" else first, result)
        if not isinstance(first, Tensor) or first.device.type != self.device.type:
            return False
        if name.startswith("index"):
            return any(one.dtype in MASKS for one in _tensors(args[1]))
        return name.startswith("lift_fresh") or not DEPENDS_ON_VALUES.isdisjoint(function.tags)


def _is_transfer(source: object, target: object) -> bool:
    ends = _tensors((source, target))
    return len({end.device.type for end in ends}) == 2 and not any(
        end.device.type == "cpu" and end.is_pinned() for end in ends
    )


def _tensors(values: object) -> list[Tensor]:
    return [one for one in values if isinstance(one, Tensor)] if isinstance(values, list | tuple) else []
