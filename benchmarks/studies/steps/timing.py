"""Training steps by the clock: speed, host work, memory, waiting."""

import gc
import time
from collections.abc import Callable, Sequence
from statistics import mean, median
from typing import Any

import torch

from i2i.benchmarks.studies.steps.variants import Steps, Variant, set_up, wait
from i2i.config import Settings
from i2i.data.batches import Batch
from i2i.data.batches_ahead import BatchesAhead

LONGEST = 2.0
"""Seconds by the clock after which fewer steps than asked for are enough."""


def timed_steps(name: str, settings: Settings, variant: Variant, device: torch.device, count: int) -> dict[str, Any]:
    """Speed, host work, memory and waiting of up to `count` steps after a warm-up."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    with set_up(variant):
        steps = Steps(name, settings, variant, device)
        warm, every = steps.warm_ups, steps.round
        with BatchesAhead(steps.draw, device) as batches:
            seconds_for(steps, batches, range(warm), device)
            setting_up = time.perf_counter() - began
            per_step = seconds_for(steps, batches, range(warm, warm + every), device) / every
            count = min(count, max(1, int(LONGEST / per_step / every)) * every)
            timed = range(warm + every, warm + every + count)
            seconds = seconds_for(steps, batches, timed, device)
            rounds = (range(first, first + every) for first in range(timed.stop, timed.stop + 5 * every, every))
            host = median(_host_seconds(steps, batches, numbers, device) for numbers in rounds)
        held = steps.draw(0)
        without = seconds_for(steps, lambda step: held, timed, device)
    memory = torch.cuda.max_memory_reserved(device) if device.type == "cuda" else 0
    fault = steps.guard.fault()
    return {
        "steps_per_s": count / seconds,
        "host_ms": 1e3 * host,
        "waiting": max(0.0, 1 - without / seconds),
        "memory_gib": memory / 2**30,
        "set_up_s": setting_up,
        "fault": str(fault) if fault else None,
    }


def seconds_for(
    steps: Steps, batches: Callable[[int], list[Batch]], numbers: Sequence[int], device: torch.device
) -> float:
    """Seconds until steps of these numbers are done."""
    began = time.perf_counter()
    for step in numbers:
        steps.take(batches(step), step)
    wait(device)
    return time.perf_counter() - began


def _host_seconds(steps: Steps, batches: BatchesAhead, numbers: Sequence[int], device: torch.device) -> float:
    """Until a mean step of these is issued to an idle device, the wait for its images left out."""
    seconds = []
    for step in numbers:
        given = batches(step)
        wait(device)
        began = time.perf_counter()
        steps.take(given, step)
        seconds.append(time.perf_counter() - began)
    return mean(seconds)
