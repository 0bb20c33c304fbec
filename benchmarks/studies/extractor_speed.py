"""Images per second of the feature extractors, each beside the plain way to the same features.

    python benchmarks/studies/extractor_speed.py                  # both, random weights: a minute or two on one core
    python benchmarks/studies/extractor_speed.py --only squeezenet --alone --images 2000 --pairs 1 --threads 2

Inception: `pytorch_fid.fid_score.get_activations`, 50 files at a time, against `i2i`, both from PNG files. SqueezeNet
1.0 at 224 pixels: torchvision's network, 50 images at a time, against `i2i`, both from the same pixels in memory and
with the same preparation. Both sides take turns, so that other work on the machine meets both; ratios are medians over
the turns. Before the first turn each side has a batch to warm up. Seconds are those of the processor, summed over
threads, and those of the clock.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torchvision
from PIL import Image
from pytorch_fid import inception
from pytorch_fid.fid_score import get_activations
from torch import Tensor, nn
from torchvision.models import Inception3

from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import ImageFile
from i2i.metrics.features.backbones import torchvision_backbone
from i2i.metrics.features.extractors import parse_extractor
from i2i.metrics.features.pretrained import INCEPTION
from i2i.metrics.image_scores import features_of, read_pixels

BATCH = 50  # pytorch-fid's
Way = Callable[[int], Any]
"""To the features [n, d] of the first n images."""


@dataclass(frozen=True)
class Run:
    """Seconds of the processor and of the clock, and the features."""

    processor: float
    clock: float
    features: np.ndarray


def main() -> None:
    """Print two lines for each extractor, and what they differ by."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.images} images of {arguments.size} pixels, {arguments.threads} threads, random weights")
    with tempfile.TemporaryDirectory() as folder:
        files = _draw(Path(folder), arguments.images, arguments.size)
        for name, ways in (("inception", _inception), ("squeezenet", _squeezenet)):
            if arguments.only in (None, name):
                plain, ours = ways(Path(folder), files)
                compared = {"ours": ours} if arguments.alone else {"plain": plain, "ours": ours}
                _compare(name, compared, arguments.pairs, arguments.images)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--size", type=int, default=256, help="of the images, pixels")
    parser.add_argument("--pairs", type=int, default=3, help="turns of both ways")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=["inception", "squeezenet"])
    parser.add_argument("--alone", action="store_true", help="without the plain way")
    return parser.parse_args()


def _draw(folder: Path, count: int, size: int) -> list[Path]:
    random = np.random.default_rng(0)
    files = [folder / f"{number:05d}.png" for number in range(count)]
    for file in files:
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((size, size), Image.Resampling.BICUBIC).save(file)
    return files


def _read(files: list[Path]) -> Tensor:
    with Image.open(files[0]) as first:
        return read_pixels([ImageFile(file) for file in files], Preprocess((first.height, first.width)))


def _inception(folder: Path, files: list[Path]) -> tuple[Way, Way]:
    """pytorch-fid's way and ours, on one file of weights."""
    os.environ["TORCH_HOME"] = str(folder / "torch")
    weights = INCEPTION.cached()
    weights.parent.mkdir(parents=True)
    with (
        patch.object(inception, "load_state_dict_from_url", lambda *_, **__: {}),
        patch.object(Inception3, "load_state_dict", lambda *_: None),
    ):
        torch.save(_random(inception.fid_inception_v3()).state_dict(), weights)
    network, extractor = inception.InceptionV3().eval(), parse_extractor("inception").build()

    def theirs(count: int) -> np.ndarray:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # a progress bar
            features: np.ndarray = get_activations(files[:count], network, batch_size=BATCH, num_workers=0)
        return features

    return theirs, lambda count: features_of(extractor, _read(files[:count]))


def _squeezenet(folder: Path, files: list[Path]) -> tuple[Way, Way]:
    """The plain way and ours, on one file of weights."""
    weights, pixels = folder / "squeezenet1_0.pth", _read(files)
    torch.save(_random(torchvision.models.squeezenet1_0()).state_dict(), weights)
    network = torchvision.models.squeezenet1_0().eval()
    network.load_state_dict(torch.load(weights, weights_only=True))
    extractor = parse_extractor(f"torchvision:squeezenet1_0:{weights}").build()
    prepare = torchvision_backbone("squeezenet1_0").preparation

    def plain(count: int) -> np.ndarray:
        with torch.no_grad():
            images = (prepare(part).contiguous() for part in torch.split(pixels[:count], BATCH))
            parts = [network.features(some).mean(dim=(2, 3)) for some in images]
        features: np.ndarray = torch.cat(parts).numpy()
        return features

    return plain, lambda count: features_of(extractor, pixels[:count])


def _random(network: nn.Module) -> nn.Module:
    """The network with weights that do not fade to nothing on the way down, as PyTorch's own draw does."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return network


def _compare(name: str, ways: Mapping[str, Way], pairs: int, images: int) -> None:
    for way in ways.values():
        way(min(BATCH, images))
    turns = [{label: _timed(way, images) for label, way in ways.items()} for _ in range(pairs)]
    for label in ways:
        by_processor, by_clock = (
            images / median(getattr(turn[label], clock) for turn in turns) for clock in ("processor", "clock")
        )
        print(f"{name:<10} {label:<6} {by_processor:7.1f} per processor second {by_clock:7.1f} per second", flush=True)
    if "plain" in ways:
        _print_ratio(name, turns)


def _print_ratio(name: str, turns: Sequence[Mapping[str, Run]]) -> None:
    expected, found = (turns[0][label].features for label in ("plain", "ours"))
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    by_processor = median(turn["plain"].processor / turn["ours"].processor for turn in turns)
    by_clock = median(turn["plain"].clock / turn["ours"].clock for turn in turns)
    print(
        f"{name:<10} ratio  {by_processor:6.2f}x of the processor  {by_clock:6.2f}x of the clock; "
        f"largest difference {difference:.1e} of the largest feature"
    )


def _timed(way: Way, images: int) -> Run:
    processor, clock = time.process_time(), time.perf_counter()
    features = way(images)
    return Run(time.process_time() - processor, time.perf_counter() - clock, features)


if __name__ == "__main__":
    main()
