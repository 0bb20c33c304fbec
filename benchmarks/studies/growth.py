"""How time and memory grow with the number of images, of domains and of seeds, from `i2i data check` to the report.

    python benchmarks/studies/growth.py --out growth/                                          # minutes
    python benchmarks/studies/growth.py --images 100,1000,10000,100000 --domains 2 --seeds 1 --out growth/   # an hour

Images of 64 px are drawn at random and written as JPEG files in the usual layout, paired, eight of ten for training and
one of ten for tests. Every stage is a process of its own, in a folder of its own: seconds of the processor and of the
clock, and its peak memory or that of a process that it started, whichever was larger. Trainings are one step of a tiny
StarGAN, so that what grows is the bench and not what it compares.

A point changes one number and keeps the others at the first of their lists; images stay at `--at` where domains or
seeds change. Between two points the exponent says how a stage grows: 1 is in proportion, 0 not at all. What it takes at
the first point of all is taken as its start and left out. For memory, bytes per image say more: what an image adds.
Figures are kept in OUT/growth.json after every stage, OUT/growth.md has the tables, and the images are removed.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.layouts import CARD, scan
from i2i.data.training_images import TrainingImages

SIDE, SIZE, COARSE = 64, 32, 8
SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
MIB = 2**20
SUITE = """
models: [{models}]
budget: {{images: 4, per: task}}
settings:
  data: {{image_size: [{size}, {size}], zoom: 1.0}}
  train: {{sample_every: 0, ema: 0}}
model_settings:
  stargan: {{model: {{width: 4, discriminator_width: 4, blocks: 1, layers: 2}}, train: {{batch_size: 2}}}}
classifier: {{backbone: resnet10t, images: 64}}
"""
LEARNT, PLANNED = "stargan", "pix2pix, cyclegan, stargan"


@dataclass(frozen=True)
class Point:
    """How much there is: images in all splits and domains together, domains, seeds."""

    images: int
    domains: int = 2
    seeds: int = 1


@dataclass(frozen=True)
class Used:
    """What a process took: seconds of the clock and of all processors, bytes of memory at its peak; its last line."""

    seconds: float
    processor: float
    memory: int
    said: str = ""


Stage = Callable[["Places"], list[str]]


@dataclass(frozen=True)
class Places:
    """Where a point keeps its data, cache and benches, and how many seeds they have."""

    root: Path
    seeds: int

    @property
    def data(self) -> Path:
        """The data set."""
        return self.root / "data"

    def bench(self, models: str, *options: str) -> list[str]:
        """The command of a bench of these models."""
        name = "finished" if models == LEARNT else "new"
        suite = self.root / f"{name}.yaml"
        suite.write_text(SUITE.format(models=models, size=SIZE))
        seeds = ",".join(map(str, range(self.seeds)))
        where = ["--data", str(self.data), "--suite", str(suite), "--out", str(self.root / name)]
        measured = ["--extractor", "classifier", "--device", "cpu", "--no-trial"]
        return ["-m", "i2i", "bench", *where, "--seeds", seeds, *measured, *options]


STAGES: dict[str, Stage] = {
    "data check": lambda at: ["-m", "i2i", "data", "check", str(at.data), "--size", str(SIZE), "--no-trial"],
    "cache": lambda at: [__file__, "--cache", str(at.data)],
    "plan, new": lambda at: at.bench(PLANNED, "--dry-run"),
    "train, translate": lambda at: at.bench(LEARNT, "--only", "train,translate,classifier"),
    "score": lambda at: at.bench(LEARNT, "--only", "score"),
    "report": lambda at: at.bench(LEARNT, "--only", "report"),
    "page": lambda at: [__file__, "--page", str(at.root / "finished" / "report.html")],
    "plan, finished": lambda at: at.bench(LEARNT, "--dry-run"),
    "bench, finished": lambda at: at.bench(LEARNT),
}
"""What is measured, in this order: a later stage goes on from the earlier ones."""
SAYING = ("cache", "page")
"""Stages whose last line is a figure as well."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every point and write what was found after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=_numbers, default=(100, 1000, 10_000), metavar="N,N,...")
    parser.add_argument("--domains", type=_numbers, default=(2, 4, 8), metavar="N,N,...")
    parser.add_argument("--seeds", type=_numbers, default=(1, 3, 10), metavar="N,N,...")
    parser.add_argument("--at", type=int, default=1000, help="images where domains or seeds change")
    parser.add_argument("--stages", default=",".join(map(_short, STAGES)), help="some of them")
    parser.add_argument("--out", type=Path, default=Path("growth"))
    parser.add_argument("--cache", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    parser.add_argument("--page", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.cache or options.page:
        print(build_cache(options.cache) if options.cache else open_page(options.page))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    asked = options.stages.split(",")
    stages = {name: stage for name, stage in STAGES.items() if _short(name) in asked}
    found: list[tuple[Point, dict[str, Used]]] = []
    for point in points(options.images, options.domains, options.seeds, options.at):
        found.append((point, {}))
        for name, used in measured(point, stages):
            found[-1][1][name] = used
            write(options.out, found)
            print(line_of(point, name, used), flush=True)
    print((options.out / "growth.md").read_text())


def points(images: Sequence[int], domains: Sequence[int], seeds: Sequence[int], at: int) -> list[Point]:
    """The points along each axis, each once; domains and seeds of which there is one number are no axis.

    >>> points((10, 20), (2, 4), (1,), 10)
    [Point(images=10, domains=2, seeds=1), Point(images=20, domains=2, seeds=1), Point(images=10, domains=4, seeds=1)]
    >>> points((20,), (2,), (1,), 10)
    [Point(images=20, domains=2, seeds=1)]
    """
    first = Point(at, domains[0], seeds[0])
    along = [replace(first, images=n) for n in images]
    along += [replace(first, domains=k) for k in domains if len(domains) > 1]
    along += [replace(first, seeds=n) for n in seeds if len(seeds) > 1]
    return list(dict.fromkeys(along))


def measured(point: Point, stages: dict[str, Stage]) -> Iterator[tuple[str, Used]]:
    """What each stage takes at a point, one after the other."""
    with TemporaryDirectory(prefix="growth-") as folder:
        places = Places(Path(folder), point.seeds)
        write_images(places.data, point)
        for name, stage in stages.items():
            yield name, run(stage(places), places.root)


def run(arguments: list[str], folder: Path) -> Used:
    """What a process of this Python takes, with `folder` for its cache.

    Raises:
        RuntimeError: with the end of its output, if it fails.
    """
    environment = os.environ | {"I2I_CACHE": str(folder / "cache")}
    output, began = folder / "output.txt", time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen([sys.executable, *arguments], stdout=file, stderr=file, env=environment)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{output.read_text()[-2000:]}")
    said = output.read_text().strip().rpartition("\n")[2]
    return Used(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, said)


def write_images(root: Path, point: Point) -> None:
    """A paired data set of as many images, the same number in each domain."""
    scenes = max(len(SHARES), point.images // point.domains)
    held_out = {split: max(1, round(share * scenes)) for split, share in SHARES.items() if split != "train"}
    counts = {"train": scenes - sum(held_out.values()), **held_out}
    folders = [
        [root / split / f"d{n}" for n in range(point.domains)] for split, count in counts.items() for _ in range(count)
    ]
    for folder in {folder for own in folders for folder in own}:
        folder.mkdir(parents=True)
    (root / CARD).write_text('{"paired": true}')
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(_write_scene, range(scenes), folders))


def _write_scene(scene: int, folders: Sequence[Path]) -> None:
    coarse = np.random.default_rng(scene).integers(0, 256, (COARSE, COARSE, 3), dtype=np.uint8)
    for number, folder in enumerate(folders):
        image = Image.fromarray(np.roll(coarse, number, axis=2) // (1 + number // 3))
        image.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / f"{scene:07}.jpg", quality=90)


def build_cache(root: Path) -> str:
    """Decode the training images into the cache of this process; says how fast."""
    data, cache = scan(root), PixelCache(Path(os.environ["I2I_CACHE"]) / "measured", 64)
    count, began = sum(map(len, data.splits["train"].values())), (time.perf_counter(), time.process_time())
    TrainingImages.load(data, "train", Preprocess((SIZE, SIZE)), 1.0, cache=cache)
    rates = [count / (now - then) for now, then in zip((time.perf_counter(), time.process_time()), began, strict=True)]
    return f"{rates[0]:,.0f} images/s, {rates[1]:,.0f} per second of a processor"


def open_page(page: Path) -> str:
    """Open a page in Chromium, with every image on it decoded; says how large it is and how long that took."""
    if not all(map(shutil.which, ("chromium", "chromedriver"))):
        return "chromium or chromedriver is not installed"
    from i2i.benchmarks.studies.pages.screenshots import browser  # which imports selenium

    with browser() as driver:
        began = time.perf_counter()
        driver.get(page.as_uri())
        shown = driver.execute_script("return document.images.length")
        took = time.perf_counter() - began
    return f"{page.stat().st_size / 1e6:.1f} MB, open after {took:.1f} s, {shown} images shown"


def exponent(smaller: float, larger: float, factor: float, start: float = 0.0) -> float | None:
    """With which power of the factor between two sizes something grows beyond its start; None where it does not.

    >>> exponent(3.0, 21.0, 10, start=1.0)
    1.0
    """
    before, after = smaller - start, larger - start
    return math.log(after / before, factor) if before > 0 and after > 0 else None


def write(out: Path, found: Sequence[tuple[Point, dict[str, Used]]]) -> None:
    """Figures and tables."""
    plain = [{**asdict(point), "stages": {name: asdict(used) for name, used in own.items()}} for point, own in found]
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "processor": _processor()}
    (out / "growth.json").write_text(json.dumps({"machine": machine, "points": plain}, indent=1) + "\n")
    (out / "growth.md").write_text("\n".join(tables(found)) + "\n")


def tables(found: Sequence[tuple[Point, dict[str, Used]]]) -> Iterator[str]:
    """A table per axis along which more than one point was measured, with the exponents between neighbours."""
    for axis in ("images", "domains", "seeds"):
        along = sorted(_along(found, axis), key=lambda one: getattr(one[0], axis))
        if len(along) > 1:
            yield from _table(axis, along)
            yield ""


def _along(found: Sequence[tuple[Point, dict[str, Used]]], axis: str) -> list[tuple[Point, dict[str, Used]]]:
    """The points that differ in this alone from the one where all axes meet, if there are such."""
    fixed = [name for name in ("images", "domains", "seeds") if name != axis]
    groups: dict[tuple[int, ...], list[tuple[Point, dict[str, Used]]]] = {}
    for one in found:
        groups.setdefault(tuple(getattr(one[0], name) for name in fixed), []).append(one)
    return max(groups.values(), key=len, default=[])


def _table(axis: str, along: Sequence[tuple[Point, dict[str, Used]]]) -> Iterator[str]:
    sizes = [getattr(point, axis) for point, _ in along]
    yield f"| {axis} | " + " | ".join(f"{size:,}" for size in sizes) + " | exponents | bytes per image |"
    yield "|---" * (len(sizes) + 3) + "|"
    for stage in STAGES:
        used = [own[stage] for _, own in along if stage in own]
        if len(used) < len(along):  # the last point to be measured is not there yet, or the stage is left out
            continue
        cells = [f"{one.processor:.1f} s, {one.memory / MIB:,.0f} MiB" for one in used]
        yield f"| {stage} | " + " | ".join([*cells, _exponents(sizes, used), _per_image(axis, sizes, used)]) + " |"


def _exponents(sizes: Sequence[int], used: Sequence[Used]) -> str:
    start, pairs = used[0].processor, list(zip(sizes[1:], used[1:], strict=True))
    grown = [
        exponent(before.processor, after.processor, larger / smaller, start)
        for (smaller, before), (larger, after) in pairwise(pairs)
    ]
    return ", ".join("–" if one is None else f"{one:.2f}" for one in grown) or "–"


def _per_image(axis: str, sizes: Sequence[int], used: Sequence[Used]) -> str:
    if axis != "images":
        return "–"
    return f"{max(0, used[-1].memory - used[-2].memory) / (sizes[-1] - sizes[-2]):,.0f}"


def line_of(point: Point, name: str, used: Used) -> str:
    """What was found of a stage, to follow the measurement."""
    more = f"; {used.said}" if name in SAYING else ""
    taken = f"{used.seconds:.1f} s, {used.processor:.1f} s of processors, {used.memory / MIB:,.0f} MiB"
    return f"{point}: {name} {taken}{more}"


def _short(stage: str) -> str:
    """A stage as options name it, as `plan-new`."""
    return stage.replace(", ", "-").replace(" ", "-")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return "unknown"


if __name__ == "__main__":
    main()
