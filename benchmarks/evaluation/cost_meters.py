"""What a translation costs: MACs and memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from i2i.translator import Translator
from i2i.utils.memory import most_resident


def count_multiply_adds(
    translator: Translator, images: Tensor, source: str, target: str, attributes: Sequence[str] | None = None
) -> int:
    """Multiplications with addition in the convolutions and matrix products of one translation.

    Args:
        translator: on the device of the images.
        images: a single one, [1, C, H, W] in [-1, 1].
        source, target, attributes: as `Translator.translate` takes them.
    """
    with FlopCounterMode(display=False) as counter:
        translator.translate(images, source, target, attributes)
    return int(counter.get_total_flops()) // 2  # it counts a multiplication and an addition as two


@contextmanager
def peak_memory(device: torch.device) -> Iterator[Callable[[], int | None]]:
    """Yields a function that tells the largest memory in use since the context was entered, bytes.

    On CUDA that is the memory of tensors, on the CPU all resident memory of the process, libraries included. None
    where the system cannot tell.
    """
    if device.type == "cuda":
        torch.zeros(1, device=device)  # starts CUDA, without which there is nothing to reset
        torch.cuda.reset_peak_memory_stats(device)
        yield lambda: int(torch.cuda.max_memory_allocated(device))
        return
    reset = device.type == "cpu" and _reset_high_water_mark()
    yield lambda: most_resident() if reset else None


def _reset_high_water_mark() -> bool:
    """Linux keeps the largest resident size of a process; this sets it back to the present one."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
