"""How fast images reach a training: into the cache, out of it, and whether the training ever waits for them.

    python benchmarks/studies/data_speed.py [--images 2000] [--batch 16] [--steps 6] [--device cpu]

Images are drawn at random in the coarse and grained to the weight of photographs, and kept as JPEG files of 256 px.
They are loaded for images of 128 px, with the margin for random crops. Beside each figure stands the plain way: one
image after the other in one thread, crops and flips image by image in numpy. Rates count seconds of the clock,
and in brackets seconds of all processors; the latter are what a busy machine leaves comparable. Batches are drawn by
one thread, as it is beside a training.

Waiting is measured in training runs with the small networks of the seasons suite, whose steps are short: it is the
share of the time in steps, without the first, that the training waits for its batch.
"""

import argparse
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from i2i import registry
from i2i.config import merge
from i2i.data.batches import UnpairedBatch
from i2i.data.image_files.decode import Decoding
from i2i.data.image_files.images import Preprocess, to_images
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.layouts import CARD, DataSet, scan
from i2i.data.training_images import TrainingImages
from i2i.presets.training import base_settings
from i2i.training.callbacks.base import Callback, Record
from i2i.training.device import choose_device
from i2i.training.setup import run_config, task_of
from i2i.training.trainer import Trainer

SIDE, SIZE, ZOOM = 256, (128, 128), 286 / 256
DOMAINS = ("a", "b")


class Clock:
    """Seconds of the clock and of all processors together."""

    def __init__(self) -> None:
        self._started = time.perf_counter(), time.process_time()
        self.seconds = self.processor = 0.0

    def stop(self) -> None:
        """Take both."""
        self.seconds, self.processor = time.perf_counter() - self._started[0], time.process_time() - self._started[1]

    def rate(self, count: int) -> str:
        """Images per second."""
        return f"{count / self.seconds:,.0f} images/s ({count / self.processor:,.0f} per processor second)"


@contextmanager
def timed() -> Iterator[Clock]:
    """Times its block."""
    clock = Clock()
    yield clock
    clock.stop()


def write_images(root: Path, count: int) -> int:
    """`count` JPEG files as a data set of two domains, paired; returns the bytes of all."""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 12, (SIDE, SIDE, 3))

    def write(number: int, coarse: np.ndarray) -> int:
        smooth = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        pixels = np.clip(np.asarray(smooth) + np.roll(grain, number * 7, axis=(0, 1)), 0, 255).astype(np.uint8)
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "JPEG", quality=90)
        domain, name = DOMAINS[number % 2], f"{number // 2:06d}.jpg"
        return (root / "train" / domain / name).write_bytes(encoded.getvalue())

    for domain in DOMAINS:
        (root / "train" / domain).mkdir(parents=True)
    (root / CARD).write_text('{"paired": true}')
    coarse = rng.integers(0, 256, (count, 12, 12, 3), dtype=np.uint8)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return sum(threads.map(write, range(count), coarse))


def load(data: DataSet, gib: float, folder: Path) -> TrainingImages:
    """As a training loads them."""
    return TrainingImages.load(data, "train", Preprocess(SIZE), ZOOM, cache=PixelCache(folder, gib))


def plain_batch(pixels: np.ndarray, source: TrainingImages, size: int, step: int) -> torch.Tensor:
    """The same images as a batch's, made one by one."""
    positions, views = source.order("a", len(pixels), step, size), source.views("a", step, size)
    height, width = SIZE
    crops = [
        image[top : top + height, left : left + width][:, :: -1 if flip else 1]
        for image, top, left, flip in zip(pixels[positions], views.tops, views.lefts, views.flips, strict=True)
    ]
    return to_images(np.stack(crops))


def per_batch(draw: Callable[[int], object], images: int, seconds: float = 2.0) -> str:
    """The rate of a function of the step that gives a batch."""
    draw(0)
    done = 0
    with timed() as clock:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            done += 1
            draw(done)
    return clock.rate(done * images)


def report_loading(data: DataSet, folder: Path) -> None:
    """Print how fast images are decoded into a cache and found there."""
    images = [image for domain in DOMAINS for image in data.images("train", domain)]
    some = images[:: max(1, len(images) // 300)]
    decoding = Decoding(some, Preprocess(SIZE), ZOOM)
    with timed() as clock:
        for position in range(len(some)):
            decoding._decode(position)
    print(f"decoding, plain         {clock.rate(len(some))}")
    with timed() as clock:
        load(data, 8, folder)
    print(f"building the cache      {clock.rate(len(images))}, {os.cpu_count()} threads")
    for times in ("by contents", "by size and time"):
        with timed() as clock:
            load(data, 8, folder)
        size = decoding.size / len(some) * len(images) / 2**20
        print(f"opening the cache       {clock.seconds:.2f} s for {size:,.0f} MiB, {times}, checksums compared")


def report_batches(data: DataSet, folder: Path, size: int, device: torch.device) -> None:
    """Print how fast batches are drawn from memory the plain way, from the cache, and without it."""
    source = load(data, 8, folder).on(device)
    pixels = Decoding(data.images("train", "a"), Preprocess(SIZE), ZOOM)[np.arange(source.count("a"))]

    def wait(images: torch.Tensor) -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    def drawing(images: TrainingImages) -> Callable[[int], None]:
        return lambda step: wait(UnpairedBatch.draw(images, DOMAINS, size // 2, step).a)

    ways = {
        "plain": lambda step: wait(plain_batch(pixels, source, size, step).to(device)),
        "cache": drawing(source),
        "no cache": drawing(load(data, 0, folder).on(device)),
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for title, draw in ways.items():
        print(f"batches of {size}, {title:9}{per_batch(draw, size)}")
    torch.set_num_threads(threads)


class Waiting(Callback):
    """Keeps the time in steps and the share of waiting after the first step."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def on_record(self, record: Record) -> None:
        """Keep it."""
        self.records.append(record)


def report_waiting(data: DataSet, folder: Path, name: str, steps: int, device: torch.device) -> None:
    """Print the share of waiting of a training with the cache and without it."""
    shares = []
    for gib in (8, 0):
        base = base_settings("seasons", name, {})[1]
        size = run_config(name, base).train.batch_size or 1
        budget = steps * size * registry.get(name).batch.images_per_item
        changes = {
            "data": {"image_size": list(SIZE), "domains": None},
            "train": {"images": budget, "log_every": steps, "sample_every": 0},
        }
        config = run_config(name, merge(base, changes))
        with tempfile.TemporaryDirectory() as run:
            watch = Waiting()
            images = load(data, gib, folder)
            Trainer(Path(run, "run"), config, task_of(config, data), images, device, (watch,)).train()
        first, last = watch.records[0], watch.records[-1]
        shares.append((last.data_share, (last.position.seconds - first.position.seconds) / (steps - 1)))
    (cached, step), (uncached, _) = shares
    print(f"{name:9} waits {cached:.2%} of {step * 1000:.0f} ms/step; without the cache {uncached:.2%}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--models", default="pix2pix,cyclegan,stargan")
    parser.add_argument("--device")
    options = parser.parse_args()
    device = choose_device(options.device)
    with tempfile.TemporaryDirectory() as scratch:
        root, folder = Path(scratch, "data"), Path(scratch, "cache")
        size = write_images(root, options.images)
        data = scan(root)
        each = size / options.images / 1024
        print(f"{options.images} JPEG files of {SIDE} px, {each:.0f} KiB each, for images of {SIZE[0]} px")
        print(f"{os.cpu_count()} cores, {device}, load {os.getloadavg()[0]:.1f}")
        report_loading(data, folder)
        report_batches(data, folder, options.batch, device)
        for name in options.models.split(","):
            report_waiting(data, folder, name, options.steps, device)


if __name__ == "__main__":
    main()
