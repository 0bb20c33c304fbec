"""What contestants cost: measured while they train and translate, and added up for the report."""

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from i2i.benchmarks.folder.cache_keys import measured
from i2i.benchmarks.folder.measurements import translations_of
from i2i.benchmarks.plan import Plan, Training
from i2i.checkpoint import newest_checkpoint, require_checkpoint
from i2i.translator import Translator


@dataclass(frozen=True)
class Costs:
    """The costs of a contestant. What was not measured is None.

    Attributes:
        trainings: how many it takes to serve every direction; 0 of a method that learns nothing.
        parameters: of all trainings together.
        parameters_each: of one training.
        images: real pictures shown, in all trainings together.
        seconds: spent in training steps, in all trainings together.
        peak_memory: bytes, of the hungriest training: allocated on an accelerator, resident on the CPU.
        multiply_adds: in matrix products and convolutions, to translate one picture.
        translated: pictures per second when translating, from decoded pixels to pixels.
        inference: how it runs when it translates.
    """

    trainings: float
    parameters: float
    parameters_each: float
    images: float
    seconds: float
    peak_memory: int | None
    multiply_adds: int | None
    translated: float | None
    inference: str

    @property
    def trained(self) -> float | None:
        """Real pictures per second of training steps; None of a method that learns nothing."""
        return self.images / self.seconds if self.images and self.seconds else None


def costs_of(plan: Plan, contestant: str, absent: Container[str]) -> Costs | None:
    """The costs of a contestant with one seed, as means over the seeds; None if none of its trainings ended well.

    `absent` holds the names of jobs whose results are not there.
    """
    by_seed = [done for seed in plan.seeds() if (done := _finished(plan.out, plan.of(contestant, seed), absent))]
    if not by_seed:
        return None
    seeds = len(by_seed)
    trainings = [training for done in by_seed for training in done]
    facts = [require_checkpoint(plan.out / training.folder).meta for training in trainings]
    totals = {name: sum(fact[name] for fact in facts) / seeds for name in ("parameters", "images", "seconds")}
    translations = [
        translations_of(plan.out, contestant, seed)
        for seed in plan.seeds()
        if f"translations of {contestant}, seed {seed}" not in absent
    ]
    speeds = [made["pictures"] / made["seconds"] for made in translations if made.get("seconds")]
    peaks = [measured(plan.out / training.folder).get("peak_memory") for training in trainings if training.amount]
    return Costs(
        trainings=sum(training.amount > 0 for training in trainings) / seeds,
        **totals,
        parameters_each=totals["parameters"] * seeds / len(trainings),
        peak_memory=max((peak for peak in peaks if peak), default=None),
        multiply_adds=next((made["multiply_adds"] for made in translations if "multiply_adds" in made), None),
        translated=sum(speeds) / len(speeds) if speeds else None,
        inference=facts[0]["inference"],
    )


def _finished(out: Path, trainings: Sequence[Training], absent: Container[str]) -> list[Training]:
    return [
        training for training in trainings if training.name not in absent and newest_checkpoint(out / training.folder)
    ]


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
    yield lambda: _high_water_mark() if reset else None


def _reset_high_water_mark() -> bool:
    """Linux keeps the largest resident size of a process; this sets it back to the present one."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _high_water_mark() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kibibytes) * 1024
