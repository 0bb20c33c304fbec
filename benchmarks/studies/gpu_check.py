"""What this project does on a GPU: whether it is right there, how fast, and how far from what the hardware allows.

    python benchmarks/studies/gpu_check.py --out check/ [--device cpu --steps 4] [--sections tests,losses,speed,bench]

Needs no network and is made to take under eight minutes on an H100. Sections:

tests    the tests marked `gpu`.
losses   small models trained by CUDA graphs and eagerly from one seed: how far their losses are from each other.
bench    a short bench of pix2pix, CycleGAN and StarGAN at 128 px, two jobs at a time: accuracy, health, a grid.
nccl     one exchange among as many processes as there are GPUs.
inference  translations one by one and in batches.
workers  1, 2 and 4 small trainings side by side, as `i2i bench --workers-per-gpu` runs them.
speed    training steps of every model at its published size, eager in float32 (with TF32 and without) and captured in
         bfloat16, in turn: steps/s, host work, peak memory, how much of the time images that lie ready would save;
         beside the least time that the MACs and the bytes take at rates measured here.

Tests, bench and nccl are processes of their own, which run beside the comparison of losses; what is timed comes after,
alone. What fails is reported and the rest goes on. Writes gpu_check.json and gpu_check.md into --out, as soon as there
is more to tell.
"""

import argparse
import json
import math
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures import wait as wait_for
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import torch
from torch import Tensor

from i2i import registry
from i2i.benchmarks.studies.steps.floors import least_seconds, measured_rates, seconds_of
from i2i.benchmarks.studies.steps.timing import seconds_for, timed_steps
from i2i.benchmarks.studies.steps.variants import Steps, Variant, set_up
from i2i.config import Settings, merge
from i2i.data.batches_ahead import BatchesAhead
from i2i.presets.files import read
from i2i.training.device import choose_device

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


PLAIN = Variant()
FAST, NCHW = Variant("bf16", by_graphs=True), Variant("bf16", by_graphs=True, channels_last=False)
SENT = replace(FAST, resident=0.0)
"""As if the GPU had no room for the images: every batch is copied from pinned memory."""
VARIANTS = (PLAIN, FAST, NCHW)
MORE_VARIANTS = (Variant(tf32=False), PLAIN, Variant("bf16"), Variant(by_graphs=True), FAST, NCHW, SENT)
COMPILED = ("cyclegan", "stargan")
"""Whose steps are timed compiled as well, after all others, since that takes a minute or more to set up."""

KEPT = 0.55
"""Share of the time that is kept for what is timed: processes beside each other are stopped ahead of it."""
SECONDS_TO_COMPILE = 100.0
"""Steps are not compiled when less is left."""
SECONDS_TO_STOP = 5.0
"""After which a process that was told to end is killed."""

Found = tuple[dict[str, Any], list[str]]


class Findings:
    """What the sections have found so far, in two files of a folder that hold all of it at any time."""

    def __init__(self, folder: Path, machine: str) -> None:
        self._folder, self._found = folder, dict[str, Any]({"machine": machine})
        self._heading, self._lines = f"# GPU check\n\n{machine}\n", dict[str, Sequence[str]]()
        self._writing = threading.Lock()

    def put(self, section: str, found: Mapping[str, Any], lines: Sequence[str]) -> None:
        """What a section has found, in place of what it had before."""
        with self._writing:
            self._found[section], self._lines[section] = found, [*lines]
            text = [self._heading, *(line for own in self._lines.values() for line in (*own, ""))]
            (self._folder / "gpu_check.json").write_text(json.dumps(_without_nan(self._found), indent=1))
            (self._folder / "gpu_check.md").write_text("\n".join(text))


def _without_nan(value: object) -> object:
    """The same with None for numbers that JSON has not, as a training that diverged gives them."""
    if isinstance(value, Mapping):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --- sections, each of which returns what it found and the lines that tell it ---


def _deadline(options: argparse.Namespace) -> float:
    """When what runs beside each other has to be over."""
    return float(options.until - KEPT * options.seconds)


def _ran(command: Sequence[str], options: argparse.Namespace) -> "subprocess.CompletedProcess[str]":
    """A process that has ended, or was stopped with all it had started when its time was up; then its status is -1."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            out, err = process.communicate(timeout=max(_deadline(options) - time.perf_counter(), 3.0))
        except subprocess.TimeoutExpired:
            out, err = _stopped(process)
            return subprocess.CompletedProcess(command, -1, out, err + "\nstopped: its time was up")
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _stopped(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """End a process and all of its session, asked first; returns what it said."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_STOP)
    try:
        return process.communicate(timeout=SECONDS_TO_STOP)
    except subprocess.TimeoutExpired as pending:  # what left the session keeps the pipes open
        said = [text.decode() if isinstance(text, bytes) else text or "" for text in (pending.stdout, pending.stderr)]
        return said[0], said[1]


def run_tests(options: argparse.Namespace) -> Found:
    """The tests that need a GPU; of those that were stopped, what had passed or failed by then."""
    command = [sys.executable, "-m", "pytest", "-v", "--tb=short", "--continue-on-collection-errors"]
    done = _ran([*command, "-m", "gpu", "-p", "no:cacheprovider", "tests"], options)
    said = done.stdout.splitlines()
    failed = [line for line in said if re.search(r"^(FAILED|ERROR|E  )|::.* (FAILED|ERROR)", line)]
    counts = [line for line in said if re.search(r"\d+ (passed|failed|error|skipped)", line)]
    passed = sum(bool(re.search(r"::.* PASSED", line)) for line in said)
    tail = counts[-1] if counts else f"{passed} had passed; {(done.stdout + done.stderr).strip()[-400:]}"
    return {"status": done.returncode, "summary": tail, "failed": failed[:60]}, [tail, *failed[:60]]


def compare_losses(options: argparse.Namespace) -> Found:
    """Per model, how far captured and eager losses are from each other: in the first steps, and in the mean of all."""
    found, lines = dict[str, Any](), ["| Model | First 20 steps | Mean of all |", "|---|---|---|"]
    for name in options.models:
        if time.perf_counter() > _deadline(options):
            return found, [*lines, "(time is up: the rest was not compared)"]
        row = attempted(lambda: _losses_apart(name, options))  # noqa: B023
        found[name] = row
        lines.append(f"| {name} | " + (row.get("error") or f"{row['start']:.1e} | {row['mean']:.1e}") + " |")
    return found, lines


def _losses_apart(name: str, options: argparse.Namespace) -> dict[str, float]:
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
    return {
        "start": _apart(eager[:20], captured[:20]),
        "mean": _apart(eager.mean(0)[None], captured.mean(0)[None]),
    }


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
        if options.until - time.perf_counter() < (SECONDS_TO_COMPILE if variant.compiled else 0):
            lines.append("(time is up: the rest was not measured)")
            break
        settings = options.settings.get(name, {})
        if name not in found["models"]:
            least = attempted(lambda: least_seconds(name, settings, options.device, rates))  # noqa: B023
            found["models"][name] = {"least": least, "variants": {}}
        own = found["models"][name]
        row = attempted(lambda: timed_steps(name, settings, variant, options.device, options.timed))  # noqa: B023
        own["variants"][str(variant)] = row
        lines.append(_speed_line(name, variant, row, own))
        print(lines[-1], flush=True)
        options.findings.put("speed", found, ["## speed, so far", "", *lines])
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
        f"| {row['memory_gib']:.2f} | {_ms(least, 'arithmetic_ms')} | {_ms(least, 'traffic_ms')} "
        f"| {1e3 / row['steps_per_s']:.2f} |" + (f" {row['fault']}" if row["fault"] else "")
    )


def _ms(found: Mapping[str, Any], name: str) -> str:
    return f"{found[name]:.2f}" if name in found else "?"


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
            together / seconds_of(run, options.device, 2)
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
                warm = manager.Barrier(count, timeout=60)
                row = attempted(lambda: _side_by_side(name, count, processes, warm, options))  # noqa: B023
                found.setdefault(name, {})[count] = row
                alone = alone or row.get("steps_per_s")
                told = row.get("error") or f"{row['steps_per_s']:.1f} | {row['steps_per_s'] / alone:.2f}"
                lines.append(f"| {name} | {count} | {told} |")
                print(lines[-1], flush=True)
                if time.perf_counter() > options.until:
                    return found, [*lines, "(time is up: the rest was not measured)"]
    return found, lines


def _side_by_side(
    name: str, count: int, processes: ProcessPoolExecutor, warm: Barrier, options: argparse.Namespace
) -> dict[str, float]:
    """Of trainings at the default bench's settings, which begin to count when all are warm."""
    arguments = (name, str(options.device), 3.0 if options.device.type == "cuda" else 0.2, warm)
    rates = [processes.submit(_rate_beside_others, *arguments) for _ in range(count)]
    ended, _ = wait_for(rates, return_when=FIRST_EXCEPTION)
    errors = [error for error in (rate.exception() for rate in ended) if error is not None]
    if errors:
        warm.abort()  # nobody waits for one that has failed
        raise next((error for error in errors if not isinstance(error, BrokenBarrierError)), errors[0])
    return {"steps_per_s": sum(rate.result() for rate in rates)}


def _rate_beside_others(name: str, device_name: str, seconds: float, warm: Barrier) -> float:
    """Steps per second of a training on a device, for so long, from when all others are warm."""
    device, suite = choose_device(device_name), read("quick")
    settings = merge(suite["settings"], suite["model_settings"][name])
    rounds = 20 if device.type == "cuda" else 1  # the host of a GPU runs ahead, as in a training
    with set_up(FAST):
        steps = Steps(name, settings, FAST, device)
        with BatchesAhead(steps.draw, device) as batches:
            first = steps.warm_ups
            seconds_for(steps, batches, range(first), device)
            warm.wait()
            began, taken = time.perf_counter(), first
            while time.perf_counter() - began < seconds:
                seconds_for(steps, batches, range(taken, taken + rounds * steps.round), device)
                taken += rounds * steps.round
            return (taken - first) / (time.perf_counter() - began)


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
    "workers": run_side_by_side,
    "inference": measure_translation,
    "speed": measure_speed,
}
"""In the order in which they run: the last takes what time is left."""
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
    parser.add_argument("--steps", type=int, default=60, help="of each training whose losses are compared")
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
    options.until, options.findings = began + options.seconds, Findings(options.out, machine(options.device))
    for name, found, lines in _all_sections(options.sections.split(","), options):
        options.findings.put(name, found, lines)
        print("\n".join(lines), flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s; written to {options.out}")


def _all_sections(names: Sequence[str], options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """What each section found and says, those that are timed when all others have ended."""
    together = [name for name in names if name not in IN_TURN]
    with ThreadPoolExecutor(max(len(together), 1)) as threads:
        for section in as_completed([threads.submit(_section, name, options) for name in together]):
            yield section.result()
    for name in IN_TURN:
        if name in names:
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
