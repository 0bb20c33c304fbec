"""What lies between two translations of an image: frames, a strip of them and an animation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.value_range import rounded
from i2i.errors import UserError
from i2i.inference.in_memory import as_pil
from i2i.inference.translate_files import Translation, as_image, samples_of, sides
from i2i.translator import End
from i2i.utils.atomic_write import replacing

MOST_STEPS = 200
GAP = 2
MILLISECONDS = 120
"""For which an animation shows each frame."""


@dataclass(frozen=True)
class Interpolation:
    """Frames between two translations of an image, beyond 8-bit RGB in the rendering of their domains.

    Attributes:
        image: the image, as the model takes it.
        frames: translations; the first and the last are those of the ends.
    """

    image: Image.Image
    frames: list[Image.Image]

    @property
    def strip(self) -> Image.Image:
        """The image and all frames side by side."""
        width, height = self.image.size
        mode = "RGB" if "RGB" in {one.mode for one in (self.image, *self.frames)} else self.image.mode
        row = Image.new(mode, ((width + GAP) * (len(self.frames) + 1) - GAP, height), "white")
        for place, frame in enumerate([self.image, *self.frames]):
            row.paste(frame, (place * (width + GAP), 0))
        return row

    def save_strip(self, path: str | Path) -> None:
        """Write the strip as PNG."""
        with replacing(Path(path)) as partial:
            self.strip.save(partial, "PNG")

    def save_gif(self, path: str | Path, milliseconds: int = MILLISECONDS) -> None:
        """Write an animation that goes there and back for ever."""
        there, back = self.frames, self.frames[-2:0:-1]
        with replacing(Path(path)) as partial:
            there[0].save(
                partial, "GIF", save_all=True, append_images=[*there[1:], *back], duration=milliseconds, loop=0
            )

    def _repr_png_(self) -> bytes | None:
        """How a notebook shows it."""
        return self.strip._repr_png_()


def shares(steps: int) -> list[float]:
    """As many shares of the way, from 0 to 1; UserError for a number that there cannot be."""
    if not isinstance(steps, int) or not 2 <= steps <= MOST_STEPS:
        raise UserError(f"--steps {steps}: give a whole number from 2, which are the ends, to {MOST_STEPS}")
    return [step / (steps - 1) for step in range(steps)]


def interpolated(ends: Sequence[Translation], preprocess: Preprocess, path: Path, steps: int) -> Interpolation:
    """What lies between two translations of a file, which are of one translator.

    Args:
        ends: how the first and the last frame are made.
        preprocess: how images are prepared.
        path: the image.
        steps: frames, the ends among them.

    Raises:
        UserError: for an image that cannot be read, or a model for which nothing lies between its translations.
    """
    first = ends[0].of_files([path])
    befores, after = zip(*(sides(end, preprocess) for end in ends), strict=True)
    before = befores[0]
    image = as_image(path, before)
    made = first.translator.interpolate(
        image.to(first.device),
        first.source,
        (_end(ends[0], path), _end(ends[1], path)),
        shares(steps),
        None if first.described is None else [first.described],
        sampling_steps=first.sampling_steps,
    )
    frames = [_frame(frame, after, share) for frame, share in zip(made.cpu(), shares(steps), strict=True)]
    return Interpolation(as_pil(before.shown(before.to_arrays(image)[0])), frames)


def check_ends(ends: Sequence[Translation], preprocess: Preprocess) -> None:
    """UserError unless there is something between the ends, or if it matters of which domain the image is."""
    first, second = ends
    if sides(first, preprocess)[0] != sides(second, preprocess)[0]:
        preprocess.of_domain(None)
    first.translator.check_between([end.target for end in ends])
    if (first.target, first.seed) == (second.target, second.seed) and first.reference is second.reference:
        raise UserError("both ends are the same: give another --to, another --to-seed or another --to-reference")
    for end in ends:
        samples_of(end, 1)  # which refuses a seed that makes no difference


def _end(end: Translation, path: Path) -> End:
    asked = end.of_files([path])
    reference = None if asked.reference is None else asked.reference.to(asked.device)
    return End(asked.target, asked.seeds, reference)


def _frame(frame: Tensor, ends: Sequence[Preprocess], share: float) -> Image.Image:
    """A frame [1, C, H, W] as people see it: in the rendering of both ends, each by its share."""
    first, second = (end.shown(end.to_arrays(frame)[0]).astype(np.float64) for end in ends)
    return as_pil(rounded((1 - share) * first + share * second, "uint8"))
