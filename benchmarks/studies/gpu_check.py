"""What this project does on a GPU: whether it is right there, how fast, and how far from what the hardware allows.

    python benchmarks/studies/gpu_check.py --out check/ [--device cpu --steps 4] [--sections tests,losses,speed,bench]

Needs no network and takes under eight minutes on an H100. Sections:

tests    the tests marked `gpu`.
losses   small models trained by CUDA graphs and eagerly from one seed: how far their losses are from each other.
speed    training steps of every model at its published size, eager in float32 (with TF32 and without) and captured in
         bfloat16, in turn: steps/s, host work, peak memory, how much of the time images that lie ready would save;
         beside the least time that the MACs and the bytes take at rates measured here.
inference  translations one by one and in batches.
workers  1, 2 and 4 small trainings side by side, as `i2i bench --workers-per-gpu` runs them.
bench    a short bench of pix2pix, CycleGAN and StarGAN at 128 px, two jobs at a time: accuracy, health, a grid.
nccl     one exchange among as many processes as there are GPUs.

Tests, bench and nccl are processes of their own, which run beside the comparison of losses; what is timed comes after,
alone. What fails is reported and the rest goes on. Writes gpu_check.json and gpu_check.md into --out.
"""

import argparse
import gc
import json
import math
import platform
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from i2i import registry
from i2i.benchmarks.studies.zoo_costs import MultiplyAdds
from i2i.config import Settings, merge
from i2i.data.batches import Batch
from i2i.data.batches_ahead import BatchesAhead
from i2i.data.image_files.images import Preprocess
from i2i.data.training_images import RESIDENT, TrainingImages
from i2i.presets.files import read
from i2i.training.compiled_networks import can_compile, compile_networks
from i2i.training.device import autocast, choose_device, seed_streams
from i2i.training.setup import run_config
from i2i.training.steps.cuda_graphs import CapturedSteps, reason_against_graphs
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step
from i2i.training.trainer import build_translator
from i2i.translator import Coverage, Task

FIRST = ("pix2pix", "cyclegan", "stargan")
PUBLISHED: dict[str, Settings] = {
    "pix2pix": {"data": {"image_size": 256}},
    "cyclegan": {"data": {"image_size": 256}},
    "stargan": {"data": {"image_size": 128}, "train": {"batch_size": 16}},
    "cut": {"data": {"image_size": 256}},
    "fastcut": {"data": {"image_size": 256}},
    "pix2pixhd": {"data": {"image_size": 512}},
    "unit": {"data": {"image_size": 256}},
    "munit": {"data": {"image_size": 256}},
    "ugatit": {"data": {"image_size": 256}, "model": {"light": True}},
    "stargan-v2": {"data": {"image_size": 256}, "train": {"batch_size": 8}},
    "bridge": {"data": {"image_size": 256}, "train": {"batch_size": 8}},
    "unsb": {"data": {"image_size": 256}},
}
"""Sizes and batches of the papers; everything else is the models' own default."""
SIDE_BY_SIDE = (1, 2, 4)
SMALL = {"image_size": 32, "batch_size": 2}


@dataclass(frozen=True)
class Variant:
    """A way to take training steps."""

    precision: str = "fp32"
    by_graphs: bool = False
    tf32: bool = True
    channels_last: bool = True
    compiled: bool = False
    resident: float = RESIDENT

    def __str__(self) -> str:
        words = ["captured" if self.by_graphs else "eager", self.precision]
        words += [] if self.precision == "bf16" or self.tf32 else ["without TF32"]
        words += [] if self.channels_last else ["NCHW"]
        words += ["compiled"] if self.compiled else []
        return " ".join(words + ([] if self.resident else ["images sent"]))


PLAIN = Variant()
FAST, NCHW = Variant("bf16", by_graphs=True), Variant("bf16", by_graphs=True, channels_last=False)
SENT = replace(FAST, resident=0.0)
"""As if the GPU had no room for the images: every batch is copied from pinned memory."""
VARIANTS = (PLAIN, FAST, NCHW)
UNKNOWN: dict[str, Any] = {"arithmetic_ms": math.nan, "traffic_ms": math.nan}
MORE_VARIANTS = (Variant(tf32=False), PLAIN, Variant("bf16"), Variant(by_graphs=True), FAST, NCHW, SENT)
COMPILED = ("cyclegan", "stargan")
"""Whose steps are timed compiled as well, after all others, since that takes a minute or more to set up."""


class Steps:
    """Training steps of a model on random images, prefetched as the trainer does."""

    def __init__(self, name: str, settings: Settings, variant: Variant, device: torch.device) -> None:
        train = {**settings.get("train", {}), "precision": variant.precision}
        self.config = run_config(name, {**settings, "train": train})
        cls, size = registry.get(name), self.config.data.image_size
        domains = tuple("abcde") if cls.coverage is Coverage.ALL else ("a", "b")
        task = Task.covering(cls.coverage, domains, size)
        self.variant, self.device = variant, device
        self.format = torch.channels_last if variant.channels_last else torch.contiguous_format
        with device:
            self.translator = build_translator(self.config, task).train()
        self.translator.to(device=device, memory_format=self.format)  # type: ignore[call-overload]
        if variant.compiled and can_compile(device):
            compile_networks(self.translator)
        self.optimizers, self.guard = build_optimizers(self.translator), FiniteGuard(device)
        rng = np.random.default_rng(0)
        pixels = {domain: rng.integers(0, 256, (20, *size, 3), dtype=np.uint8) for domain in domains}
        self.images = TrainingImages(pixels, Preprocess(size)).on(device, variant.resident)
        self.items = self.config.train.batch_size or 1
        self.captured = None
        if variant.by_graphs and not reason_against_graphs(device):
            self.captured = CapturedSteps(self.translator, self.optimizers, self.guard, self._precision)

    @property
    def round(self) -> int:
        """Steps in which every phase has run as often as it does in the mean."""
        return math.lcm(*(phase.every for phase in self.translator.phases()))

    def _precision(self) -> Any:
        return autocast(self.config.train.precision, self.device)

    def draw(self, step: int) -> list[Batch]:
        """The batch of a step."""
        task = self.translator.task
        batch = self.translator.batch.draw(self.images, task.domains, self.items, step)
        return [batch.to(self.device, self.format)]

    def take(self, batches: list[Batch], step: int, progress: float = 0.0) -> dict[str, Tensor]:
        """Its terms."""
        seed_streams(step, self.device)
        if self.captured is not None:
            return self.captured(batches, step, progress)
        return training_step(
            self.translator, self.optimizers, batches, step, self.guard, self._precision(), progress=progress
        )


@contextmanager
def set_up(variant: Variant) -> Iterator[None]:
    """torch's switches as a variant has them."""
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = variant.tf32
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed_steps(name: str, settings: Settings, variant: Variant, device: torch.device, count: int) -> dict[str, Any]:
    """Speed, host work, memory and waiting of `count` steps after a warm-up."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    with set_up(variant):
        steps = Steps(name, settings, variant, device)
        kinds = steps.round
        warm = 5 * kinds + (25 if name == "unsb" else 0) if device.type == "cuda" else 1
        with BatchesAhead(steps.draw, device) as batches:
            for step in range(warm):
                steps.take(batches(step), step)
            wait(device)
            setting_up = time.perf_counter() - began
            seconds = _seconds_for(steps, batches, range(warm, warm + count), device)
            host = median(_host_seconds(steps, batches, warm + count + n, device) for n in range(5))
        held = steps.draw(0)
        without = _seconds_for(steps, lambda step: held, range(warm, warm + count), device)
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


def _seconds_for(
    steps: Steps, batches: Callable[[int], list[Batch]], numbers: Sequence[int], device: torch.device
) -> float:
    began = time.perf_counter()
    for step in numbers:
        steps.take(batches(step), step)
    wait(device)
    return time.perf_counter() - began


def _host_seconds(steps: Steps, batches: BatchesAhead, step: int, device: torch.device) -> float:
    """Until a step is issued to an idle device, the wait for its images left out."""
    given = batches(step)
    wait(device)
    began = time.perf_counter()
    steps.take(given, step)
    return time.perf_counter() - began


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
        "flops": 2 * side**3 / _seconds(lambda: one @ other, device),
        "bytes": 2 * length / _seconds(lambda: target.copy_(source), device),
    }


def _seconds(run: Callable[[], object], device: torch.device, times: int = 10) -> float:
    for _ in range(3):
        run()
    wait(device)
    began = time.perf_counter()
    for _ in range(times):
        run()
    wait(device)
    return (time.perf_counter() - began) / times


# --- sections, each of which returns what it found and the lines that tell it ---

KEPT = 0.6
"""Share of the time that is kept for what is timed: processes beside each other are stopped ahead of it."""


def _ran(command: Sequence[str], options: argparse.Namespace) -> "subprocess.CompletedProcess[str]":
    """A process that has ended, or was stopped when its time was up; then its status is -1."""
    left = options.until - KEPT * options.seconds - time.perf_counter()
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=max(left, 3.0))
    except subprocess.TimeoutExpired as stopped:
        said = [text.decode() if isinstance(text, bytes) else text or "" for text in (stopped.stdout, stopped.stderr)]
        return subprocess.CompletedProcess(command, -1, said[0], said[1] + "\nstopped: its time was up")


Found = tuple[dict[str, Any], list[str]]


def run_tests(options: argparse.Namespace) -> Found:
    """The tests that need a GPU."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests"]
    done = _ran(command, options)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR", "E  "))]
    counts = [line for line in done.stdout.splitlines() if re.search(r"\d+ (passed|failed|error|skipped)", line)]
    tail = counts[-1] if counts else (done.stdout + done.stderr).strip()[-400:]
    return {"status": done.returncode, "summary": tail, "failed": lines[:60]}, [tail, *lines[:60]]


def compare_losses(options: argparse.Namespace) -> Found:
    """Per model, how far captured and eager losses are from each other: in the first steps, and in the mean of all."""
    found, lines = dict[str, Any](), ["| Model | First 20 steps | Mean of all |", "|---|---|---|"]
    for name in options.models:
        settings = {
            "data": {"image_size": SMALL["image_size"]},
            "train": {"batch_size": SMALL["batch_size"]},
            "model": dict(registry.get(name).test_settings),
        }
        with set_up(Variant(tf32=False)):
            eager, captured = (
                _losses(Steps(name, settings, variant, options.device), options.steps)
                for variant in (Variant(tf32=False), Variant(tf32=False, by_graphs=True))
            )
        start, whole = _apart(eager[:20], captured[:20]), _apart(eager.mean(0)[None], captured.mean(0)[None])
        found[name] = {"start": start, "mean": whole}
        lines.append(f"| {name} | {start:.1e} | {whole:.1e} |")
    return found, lines


def _losses(steps: Steps, count: int) -> Tensor:
    """The sum of the terms in each of so many rounds of all phases, [rounds]; the first round is as any other."""
    every, rows = steps.round, []
    for step in range(count):
        terms = steps.take(steps.draw(step), step, step / count)
        rows.append(sum(float(value) for value in terms.values()))
    return torch.tensor(rows[: count // every * every]).reshape(-1, every).sum(1)


def _apart(one: Tensor, other: Tensor) -> float:
    return float(((one - other).abs() / other.abs().clamp(min=1e-3)).max())


def measure_speed(options: argparse.Namespace) -> Found:
    """The table of all models."""
    rates = measured_rates(options.device)
    found: dict[str, Any] = {"rates": rates, "models": {}}
    lines = [
        f"bf16 matrix products {rates['flops'] / 1e12:.0f} TFLOP/s, copies {rates['bytes'] / 1e12:.2f} TB/s",
        "",
        "| Model | Variant | Steps/s | Ratio | Host ms | Waiting | GiB | Arithmetic ms | Traffic ms | Step ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, variant in _to_time(options.models):
        settings = options.settings.get(name, {})
        if name not in found["models"]:
            least = attempted(lambda: least_seconds(name, settings, options.device, rates))  # noqa: B023
            found["models"][name] = {"least": UNKNOWN | least, "variants": {}}
        own = found["models"][name]
        row = attempted(lambda: timed_steps(name, settings, variant, options.device, options.timed))  # noqa: B023
        own["variants"][str(variant)] = row
        lines.append(_speed_line(name, variant, row, own))
        print(lines[-1], flush=True)
        if time.perf_counter() > options.until:
            lines.append("(time is up: the rest was not measured)")
            break
    return found, lines


def _to_time(models: Sequence[str]) -> list[tuple[str, Variant]]:
    """All models in turn, each with its variants, and at last those that are compiled."""
    plain = [(name, variant) for name in models for variant in (MORE_VARIANTS if name in FIRST else VARIANTS)]
    return plain + [(name, replace(FAST, compiled=True)) for name in COMPILED if name in models]


def _speed_line(name: str, variant: Variant, row: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    if "error" in row:
        return f"| {name} | {variant} | {row['error']} | | | | | | | |"
    plain, least = own["variants"].get(str(PLAIN), {}).get("steps_per_s"), own["least"]
    ratio = f"{row['steps_per_s'] / plain:.2f}" if plain else ""
    return (
        f"| {name} | {variant} | {row['steps_per_s']:.2f} | {ratio} | {row['host_ms']:.2f} | {row['waiting']:.1%} "
        f"| {row['memory_gib']:.2f} | {least['arithmetic_ms']:.2f} | {least['traffic_ms']:.2f} "
        f"| {1e3 / row['steps_per_s']:.2f} |" + (f" {row['fault']}" if row["fault"] else "")
    )


def measure_translation(options: argparse.Namespace) -> Found:
    """Images per second one by one and sixteen at a time, in evaluation mode."""
    found, lines = dict[str, Any](), ["| Model | One by one, images/s | In batches | Ratio |", "|---|---|---|---|"]
    for name in options.models:
        row = attempted(lambda: _translation(name, options))  # noqa: B023
        found[name] = row
        lines.append(
            f"| {name} | {row['error']} | | |"
            if "error" in row
            else f"| {name} | {row['single']:.1f} | {row['batched']:.1f} | {row['batched'] / row['single']:.1f} |"
        )
    return found, lines


def _translation(name: str, options: argparse.Namespace, together: int = 16) -> dict[str, float]:
    steps = Steps(name, options.settings.get(name, {}), PLAIN, options.device)
    translator, (source, target) = steps.translator, steps.translator.task.directions[0]
    few = 2 if "sampling_steps" in translator.takes else None
    images = torch.rand(together, 3, *translator.task.image_size, device=options.device) * 2 - 1

    def one_by_one() -> None:
        for image in images:
            translator.translate(image[None], source, target, sampling_steps=few)

    with set_up(FAST):
        single, batched = (
            together / _seconds(run, options.device, 2)
            for run in (one_by_one, lambda: translator.translate(images, source, target, sampling_steps=few))
        )
    return {"single": single, "batched": batched}


def run_side_by_side(options: argparse.Namespace) -> Found:
    """Steps per second of small trainings in so many processes at a time, together and against one alone."""
    found, lines = dict[str, Any](), ["| Model | Side by side | Steps/s together | Ratio |", "|---|---|---|---|"]
    spawn = get_context("spawn")
    with spawn.Manager() as manager, ProcessPoolExecutor(max(SIDE_BY_SIDE), spawn) as processes:
        for name in [name for name in FIRST if name in options.models]:
            alone = None
            for count in SIDE_BY_SIDE:
                warm = manager.Barrier(count, timeout=120)
                row = attempted(lambda: _side_by_side(name, count, processes, warm.wait, options))  # noqa: B023
                found.setdefault(name, {})[count] = row
                alone = alone or row.get("steps_per_s")
                told = row.get("error") or f"{row['steps_per_s']:.1f} | {row['steps_per_s'] / alone:.2f}"
                lines.append(f"| {name} | {count} | {told} |")
                print(lines[-1], flush=True)
                if time.perf_counter() > options.until:
                    return found, [*lines, "(time is up: the rest was not measured)"]
    return found, lines


def _side_by_side(
    name: str,
    count: int,
    processes: ProcessPoolExecutor,
    wait_for_others: Callable[[], object],
    options: argparse.Namespace,
) -> dict[str, float]:
    """Of trainings at the default bench's settings, which begin to count when all are warm."""
    arguments = (name, str(options.device), 3.0 if options.device.type == "cuda" else 0.2, wait_for_others)
    rates = [processes.submit(_rate_beside_others, *arguments) for _ in range(count)]
    return {"steps_per_s": sum(rate.result() for rate in rates)}


def _rate_beside_others(name: str, device_name: str, seconds: float, wait_for_others: Callable[[], object]) -> float:
    """Steps per second of a training on a device, for so long, from when all others are warm."""
    device, suite = choose_device(device_name), read("quick")
    settings = merge(suite["settings"], suite["model_settings"][name])
    with set_up(FAST):
        steps = Steps(name, settings, FAST, device)
        with BatchesAhead(steps.draw, device) as batches:
            warm = 5 * steps.round if device.type == "cuda" else 1
            _seconds_for(steps, batches, range(warm), device)
            wait_for_others()
            began, taken = time.perf_counter(), warm
            while time.perf_counter() - began < seconds:
                _seconds_for(steps, batches, range(taken, taken + steps.round), device)
                taken += steps.round
            return (taken - warm) / (time.perf_counter() - began)


def run_bench(options: argparse.Namespace) -> Found:
    """A short bench of the first three models at 128 px."""
    folder = options.out / "bench"
    on_gpu = options.device.type == "cuda"
    settings = {
        "budget.seconds": 20 if on_gpu else 1,
        "data.image_size": 128 if on_gpu else 32,
        "data.domains": "summer,night",
        "data.scenes": 400 if on_gpu else 8,
        "data.test_scenes": 100 if on_gpu else 8,
        "classifier.images": 8000 if on_gpu else 64,
    }
    command = [sys.executable, "-m", "i2i", "bench", "--suite", "published" if on_gpu else "quick", "--no-trial"]
    command += ["--out", str(folder), "--device", options.device.type]
    command += ["--workers-per-gpu", "2"] if on_gpu else []
    command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    began = time.perf_counter()
    done = _ran(command, options)
    table = folder / "table.md"
    text = table.read_text() if table.is_file() else done.stderr[-1500:]
    return {
        "status": done.returncode, "seconds": time.perf_counter() - began, "table": text, "said": done.stdout[-3000:]
    }, [f"{time.perf_counter() - began:.0f} s, status {done.returncode}", "", text]  # fmt: skip


def check_nccl(options: argparse.Namespace) -> Found:
    """An average over as many processes as there are GPUs."""
    count = max(torch.cuda.device_count(), 1)
    backend = "nccl" if options.device.type == "cuda" else "gloo"
    program = (
        "import os, torch, torch.distributed as d; d.init_process_group('" + backend + "'); r = d.get_rank(); "
        "x = torch.full((4,), float(r), device=('cuda:%d' % r) if d.get_backend() == 'nccl' else 'cpu'); "
        "d.all_reduce(x); assert x.tolist() == [sum(range(d.get_world_size()))] * 4; d.destroy_process_group()"
    )
    script = options.out / "nccl.py"
    script.write_text(program)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(count),
        str(script),
    ]
    done = _ran(command, options)
    return {"processes": count, "status": done.returncode}, [
        f"{backend}, {count} processes: " + ("right" if done.returncode == 0 else done.stderr[-300:])
    ]


BESIDE_EACH_OTHER: dict[str, Callable[[argparse.Namespace], Found]] = {
    "tests": run_tests,
    "losses": compare_losses,
    "nccl": check_nccl,
    "bench": run_bench,
}
IN_TURN: dict[str, Callable[[argparse.Namespace], Found]] = {
    "speed": measure_speed,
    "inference": measure_translation,
    "workers": run_side_by_side,
}
SECTIONS = BESIDE_EACH_OTHER | IN_TURN


def attempted(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What it returns, or the error that it ended with."""
    try:
        return run()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"[:300]}


def machine(device: torch.device) -> str:
    """What was measured on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "CPU"
    return f"{name}, torch {torch.__version__}, Python {platform.python_version()}"


def main() -> None:
    """Run the sections in turn and write what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu_check"))
    parser.add_argument("--device", type=lambda name: choose_device(name), default=None)
    parser.add_argument("--sections", default=",".join(SECTIONS))
    parser.add_argument("--models", default=",".join(PUBLISHED))
    parser.add_argument("--steps", type=int, default=100, help="of each training whose losses are compared")
    parser.add_argument("--timed", type=int, default=30, help="steps by the clock")
    parser.add_argument("--seconds", type=float, default=450, help="after which no section begins")
    options = parser.parse_args()
    if unknown := set(options.sections.split(",")) - SECTIONS.keys():
        parser.error(f"no section {', '.join(sorted(unknown))}: there are {', '.join(SECTIONS)}")
    options.device, options.models = options.device or choose_device(), options.models.split(",")
    small = {"data": {"image_size": SMALL["image_size"]}}
    options.settings = PUBLISHED
    if options.device.type == "cpu":
        options.settings = {name: {**small, "model": dict(registry.get(name).test_settings)} for name in PUBLISHED}
        options.timed = min(options.timed, options.steps)
    options.out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    options.until = began + options.seconds
    report: dict[str, Any] = {"machine": machine(options.device)}
    text = [f"# GPU check\n\n{report['machine']}\n"]
    for name, found, lines in _all_sections(options.sections.split(","), options):
        report[name], text = found, [*text, *lines, ""]
        print("\n".join(lines), flush=True)
        (options.out / "gpu_check.json").write_text(json.dumps(report, indent=1, default=asdict))
        (options.out / "gpu_check.md").write_text("\n".join(text))
    print(f"\n{time.perf_counter() - began:.0f} s; written to {options.out}")


def _all_sections(names: Sequence[str], options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """What each section found and says, those that are timed when all others have ended."""
    together = [name for name in names if name not in IN_TURN]
    with ThreadPoolExecutor(max(len(together), 1)) as threads:
        for section in as_completed([threads.submit(_section, name, options) for name in together]):
            yield section.result()
    for name in names:
        if name in IN_TURN:
            yield _section(name, options)


def _section(name: str, options: argparse.Namespace) -> tuple[str, dict[str, Any], list[str]]:
    if time.perf_counter() > options.until:
        return name, {"error": "time was up"}, [f"## {name}\n\nnot run: time was up"]
    started = time.perf_counter()
    print(f"--- {name}", flush=True)
    try:
        found, lines = SECTIONS[name](options)
    except Exception as error:
        traceback.print_exc()
        found, lines = {"error": str(error)[:500]}, [f"failed: {type(error).__name__}: {str(error)[:500]}"]
    return name, found, [f"## {name} ({time.perf_counter() - started:.0f} s)\n", *lines]


if __name__ == "__main__":
    main()
