"""A film of a training: its sample grids one after the other, each with its step."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from i2i.errors import Damaged, UserError
from i2i.utils.text import option
from i2i.utils.wording import number
from i2i.watch.run_log import subsampled
from i2i.watch.samples import sample, sample_steps

KINDS = {".webp": {"quality": 85, "method": 2}, ".gif": {"disposal": 1, "optimize": False}}
"""Suffixes of films, with how Pillow is to write them."""

MOST_FRAMES = 150
STRIP = 26
"""Pixels below a grid, for its step."""

LAST_STAYS = 4
"""Times as long as another frame."""


def film(run: Path, kind: str, seconds: float) -> tuple[bytes, Sequence[int]]:
    """The film of a run folder, and the steps it shows: at most `MOST_FRAMES`, evenly over the training.

    Args:
        run: the run folder.
        kind: of `KINDS`.
        seconds: how long a frame stays.

    Raises:
        UserError: with less than two sample grids.
    """
    steps = subsampled(sample_steps(run), MOST_FRAMES)
    if len(steps) < 2:
        raise UserError(
            f"{run} has {number(len(steps), 'sample grid')}, and a film takes two: train with "
            f"{option('--set', 'train.sample_every=100')}, or a smaller number"
        )
    first, *others = _frames(run, steps)
    milliseconds = round(1000 * seconds)
    durations = [milliseconds] * (len(steps) - 1) + [LAST_STAYS * milliseconds]
    stream = io.BytesIO()
    first.save(stream, kind[1:], save_all=True, append_images=others, duration=durations, loop=0, **KINDS[kind])
    return stream.getvalue(), steps


def _frames(run: Path, steps: Sequence[int]) -> Iterator[Image.Image]:
    """Grids of one size, that of the first, above their step and a bar of how far the training was."""
    size: tuple[int, int] | None = None
    for step in steps:
        grid = _grid(run, step)
        size = size or grid.size
        frame = Image.new("RGB", (size[0], size[1] + STRIP), "white")
        frame.paste(grid)
        pen = ImageDraw.Draw(frame)
        pen.rectangle((0, size[1], size[0] * step / steps[-1], size[1] + 2), fill="#0b6470")
        pen.text((4, size[1] + 5), f"step {step:,} of {steps[-1]:,}", fill="black", font=ImageFont.load_default(14))
        yield frame


def _grid(run: Path, step: int) -> Image.Image:
    try:
        with Image.open(io.BytesIO(sample(run, step) or b"")) as image:
            return image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        raise Damaged(f"the sample grid of step {step} in {run} is no image", "remove it") from None
