"""How far a translation in tiles is from the same translation at once, and how far neighbouring tiles disagree.

    python benchmarks/studies/tile_error.py bench/seasons/trainings/stargan/seed0/all --source summer --target night \\
        [--size 448] [--tile 256] [--scenes 4]

Scenes of the built-in dataset are drawn at the size. Differences are in 8-bit levels, 0 to 255: `mean` and `max` from
the untiled translation, `seam` the mean between two tiles in the part of their overlap where one passes into the other.
An image of 448 px has two tiles of 256 px to a side, which overlap by the 64 px that they share at least. `time` is the
median multiple of the processor time that the untiled translation takes, finding statistics included.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from i2i.data.image_files.images import to_images
from i2i.data.synthetic.embedded import EMBEDDED
from i2i.inference.norm_statistics import Statistics, found_statistics, held_statistics
from i2i.inference.tile_statistics import image_statistics
from i2i.inference.tiling import CONTEXT, Translate, in_full, in_tiles, tiling
from i2i.inference.translate_files import translation
from i2i.runs.load import load_translator
from i2i.translator import Translator

LEVELS = 127.5


def ways(
    translator: Translator, translate: Translate, image: Tensor, side: int
) -> Iterator[tuple[str, Callable[[], Statistics]]]:
    """Whose statistics tiles may use: a name, and what finds them; none are each tile's own."""
    limits = translator.multiple, translator.task.image_size

    def refined(passes: int) -> Statistics:
        return image_statistics(translator, translate, image, *limits, side, passes)

    def whole() -> Statistics:
        with found_statistics(translator) as statistics:
            in_full(image, translate, *limits)
        return statistics

    yield "tile's own", dict
    yield "reduced image's", partial(refined, 0)
    for passes in range(1, 4):
        yield f"{passes} passes of tiles", partial(refined, passes)
    yield "whole image's", whole


def seam(translate: Translate, image: Tensor, side: int, overlap: int) -> Tensor:
    """Differences where the first tile of the image passes into the one to its right."""
    first = translate(image[:, :, :side, :side])
    second = translate(image[:, :, :side, side - overlap : 2 * side - overlap])
    outer = round(CONTEXT * overlap)
    inner = slice(outer, overlap - outer)
    return (first[..., side - overlap :][..., inner] - second[..., :overlap][..., inner]).abs()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--set", default="seasons", choices=EMBEDDED)
    parser.add_argument("--size", type=int, default=448)
    parser.add_argument("--tile", type=int, default=256)
    parser.add_argument("--scenes", type=int, default=4)
    arguments = parser.parse_args()
    translator, _ = load_translator(arguments.run)
    translate = translation(translator, arguments.source, arguments.target, torch.device("cpu"))
    limits = translator.multiple, translator.task.image_size
    side, overlap = tiling(*limits, arguments.tile)
    found: dict[str, list[tuple[float, ...]]] = {}
    for scene in range(arguments.scenes):
        size = (arguments.size, arguments.size)
        image = to_images(EMBEDDED[arguments.set].draw(scene, arguments.source, size, 0)[None])
        started = time.process_time()
        whole = in_full(image, translate, *limits)
        at_once = time.process_time() - started
        for name, statistics in ways(translator, translate, image, side):
            started = time.process_time()
            with held_statistics(statistics()):
                error = (in_tiles(image, translate, *limits, side) - whole).abs()
                seconds = time.process_time() - started
                border = seam(translate, image, side, overlap)
            measured = float(error.mean()), float(error.max()), float(border.mean()), seconds / at_once
            found.setdefault(name, []).append(measured)
    print(f"{arguments.size} px in tiles of {side} px that overlap by {overlap}")
    for name, rows in found.items():
        mean, largest, border_mean, times = torch.tensor(rows).unbind(1)
        print(
            f"{name:18} mean {mean.mean() * LEVELS:6.2f}  max {largest.max() * LEVELS:6.1f}  "
            f"seam {border_mean.mean() * LEVELS:6.3f}  time {times.median():5.2f}"
        )


if __name__ == "__main__":
    main()
