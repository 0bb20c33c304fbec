"""On which device to train, and in which precision."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

from i2i.distributed.process_group import Launch
from i2i.errors import UserError
from i2i.utils.memory import usable_device


def choose_device(name: str | None = None) -> torch.device:
    """The named device, or the best there is: cuda, then mps, then cpu.

    Of several processes on one machine each takes a CUDA device of its own.

    Raises:
        UserError: for a device that is not there, or more processes than CUDA devices.
    """
    place = Launch.from_environment()
    if place.count > 1 and (name == "cuda" or (name is None and torch.cuda.is_available())):
        return _own_gpu(place.local_rank)
    if name:
        return usable_device(name, "--device")
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def autocast(precision: Literal["fp32", "bf16"], device: torch.device) -> AbstractContextManager[Any]:
    """The context of forward passes in that precision, to be made for each step."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


def _own_gpu(number: int) -> torch.device:
    count = torch.cuda.device_count()
    if number >= count:
        raise UserError(
            f"process {number} of this machine (from 0) has no GPU of its own, there are {count}: "
            "start as many with --nproc-per-node, or add --device cpu"
        )
    return usable_device(f"cuda:{number}", "--device")
