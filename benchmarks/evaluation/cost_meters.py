"""What a translation costs: network evaluations, MACs and memory."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from i2i.translator import Translator
from i2i.utils.memory import most_resident


@dataclass(frozen=True)
class Work:
    """What one translation takes, as it was counted while it ran.

    Attributes:
        macs: multiplications with addition in convolutions and matrix products.
        evaluations: how often the networks run: as often as the layer that runs most. A generator that runs once has
            1, a sampler of 200 steps 200, a method without parameters 0; None of one whose layers are not called as
            modules, so that nothing tells.
    """

    macs: int
    evaluations: int | None

    def costs(self) -> dict[str, int]:
        """What is known of it, by the names that records have."""
        known = {"macs": self.macs, "evaluations": self.evaluations}
        return {name: value for name, value in known.items() if value is not None}


def work_of(translator: Translator, images: Tensor, source: str, target: str, **asked: Any) -> Work:
    """What the translation of a single image takes.

    Args:
        translator: on the device of the images.
        images: a single one, [1, C, H, W] in [-1, 1].
        source, target: domains.
        asked: what else `Translator.translate` is to be given.
    """
    with _counted_runs(translator) as runs, FlopCounterMode(display=False) as counter:
        translator.translate(images, source, target, **asked)
    macs = int(counter.get_total_flops()) // 2  # it counts a multiplication and an addition as two
    evaluations = max(runs.values(), default=0)
    return Work(macs, evaluations if evaluations or not macs else None)


@contextmanager
def _counted_runs(translator: nn.Module) -> Iterator[Counter[nn.Module]]:
    """Yields how often each module has run that holds parameters of its own."""
    runs: Counter[nn.Module] = Counter()
    layers = [part for part in translator.modules() if any(True for _ in part.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(lambda module, inputs, output: runs.update([module])) for layer in layers]
    try:
        yield runs
    finally:
        for hook in hooks:
            hook.remove()


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
