"""The least time that a training step takes on a machine, by its arithmetic and by the bytes that it moves."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from i2i.benchmarks.studies.steps.variants import Steps, Variant, wait
from i2i.benchmarks.studies.zoo_costs import MultiplyAdds
from i2i.config import Settings


class Bytes(TorchDispatchMode):
    """Counts what operations write, each tensor once."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        outcome = function(*args, **(kwargs or {}))
        views = function._schema.returns and any(one.alias_info is not None for one in function._schema.returns)
        if not views:
            self.total += sum(one.nbytes for one in torch.utils._pytree.tree_leaves(outcome) if isinstance(one, Tensor))
        return outcome


def least_seconds(name: str, settings: Settings, device: torch.device, rates: Mapping[str, float]) -> dict[str, float]:
    """What a mean step takes at least: its MACs, and all it writes once and reads once, at measured rates."""
    steps = Steps(name, settings, Variant("bf16"), device)
    every, macs, written = steps.round, 0, 0
    for step in range(every):
        batches = steps.draw(step)
        with MultiplyAdds() as operations, Bytes() as traffic:
            steps.take(batches, step)
        macs, written = macs + operations.total, written + traffic.total
    parameters = sum(parameter.numel() for parameter in steps.translator.parameters())
    moved = 2 * written / every + 28 * parameters  # Adam reads weight, gradient and moments, and writes all but one
    return {"macs": macs / every, "bytes": moved, **floors(macs / every, moved, rates)}


def floors(macs: float, moved: float, rates: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds of arithmetic and of traffic at these rates."""
    return {"arithmetic_ms": 2e3 * macs / rates["flops"], "traffic_ms": 1e3 * moved / rates["bytes"]}


def measured_rates(device: torch.device) -> dict[str, float]:
    """Of bfloat16 matrix products, in operations per second, and of copies, in bytes read and written per second."""
    side, length = (8192, 2**30) if device.type == "cuda" else (512, 2**24)
    one, other = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    source = torch.empty(length, dtype=torch.uint8, device=device).random_()
    target = torch.empty_like(source)
    return {
        "flops": 2 * side**3 / seconds_of(lambda: one @ other, device),
        "bytes": 2 * length / seconds_of(lambda: target.copy_(source), device),
    }


def seconds_of(run: Callable[[], object], device: torch.device, times: int = 10) -> float:
    """Mean seconds of one call, until the device is done, after three calls to warm up."""
    for _ in range(3):
        run()
    wait(device)
    began = time.perf_counter()
    for _ in range(times):
        run()
    wait(device)
    return (time.perf_counter() - began) / times
