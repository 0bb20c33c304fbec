"""Frames of a video through a model: in their order, all with the same noise, and how much more they flicker."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from i2i.data.image_files.images import Preprocess, read_image, write_image
from i2i.errors import UserError
from i2i.inference import video_files
from i2i.inference.translate_files import (
    Convert,
    Translation,
    collect,
    full_resolution,
    refuse_replaced,
    resized,
)
from i2i.utils.given_paths import check_file, check_folder, check_new_folder, lies_in
from i2i.utils.memory import freed_memory_kept
from i2i.utils.progress import Progress

Write = Callable[[Path, np.ndarray], None]
DEFAULT_RATE = 25.0
"""Frames per second of a video made from a folder."""


@dataclass
class Flicker:
    """How much frames change from frame to frame.

    Attributes:
        frames: how many there were.
        before, after: mean absolute change from a frame to the next, of channel values in [0, 1], of what the model
            takes and of what it gives.
    """

    frames: int = 0
    before: float = 0.0
    after: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times more the output changes than the input; not a number where the input stands still."""
        return self.after / self.before if self.before else float("nan")

    def __str__(self) -> str:
        if self.frames < 2:
            return "one frame, which cannot flicker"
        times = f", {self.ratio:.2f} times as much" if self.before else ""
        return (
            f"from frame to frame the input changes by {self.before:.4f} on average and the output by "
            f"{self.after:.4f}{times}: each frame is translated by itself, and what changes more flickers"
        )


class _Changes:
    """Follows frames, of which it remembers the last."""

    def __init__(self) -> None:
        self.total, self.pairs = 0.0, 0
        self._last: np.ndarray | None = None

    def add(self, pixels: np.ndarray) -> None:
        """Take the next frame, uint8 [H, W, C]."""
        if self._last is not None and self._last.shape == pixels.shape:
            self.total += float(np.abs(pixels.astype(np.int16) - self._last).mean()) / 255
            self.pairs += 1
        self._last = pixels

    @property
    def mean(self) -> float:
        return self.total / max(1, self.pairs)


@freed_memory_kept()
def translate_frames(
    translate: Translation,
    preprocess: Preprocess,
    given: Path,
    out: Path,
    full: bool = False,
    rate: float | None = None,
    progress: Progress | None = None,
) -> Flicker:
    """Translate a folder of frames, or a video, into a folder or a video.

    Frames of a folder come in the order of the numbers in their names, which they keep; those of a video are numbered
    from 000001.png. A video has the speed of the one that was given, and no sound.

    Args:
        translate: who translates, and how.
        preprocess: how frames are prepared.
        given: a folder, or a video file.
        out: a folder, or a video file; its suffix tells.
        full: at their own size, and not at that of the training.
        rate: frames per second of a video; None: those of the one that was given, else `DEFAULT_RATE`.
        progress: called with frames done and in total, of a folder.

    Raises:
        UserError: for frames that cannot be read or written, or a missing extra.
    """
    even = replace(translate, one_noise=True)
    convert = full_resolution(even, preprocess) if full else resized(even, preprocess)
    before, after, found = _Changes(), _Changes(), Flicker()
    with ExitStack() as stack:
        write = stack.enter_context(_output(given, out, rate))
        frames, total = stack.enter_context(_frames(given))
        for path, name in frames:
            found.frames += 1
            before.add((preprocess.whole if full else preprocess)(read_image(path)))
            pixels = _only(convert, path)
            after.add(pixels)
            write(name, pixels)
            if progress and total:
                progress(found.frames, total)
    found.before, found.after = before.mean, after.mean
    return found


def in_order(name: Path) -> list[tuple[int, int | str]]:
    """A key by which `frame2` comes before `frame10`."""
    parts = re.split(r"(\d+)", name.as_posix())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def _only(convert: Convert, path: Path) -> np.ndarray:
    (pixels,) = convert([path])
    return pixels


@contextmanager
def _frames(given: Path) -> Iterator[tuple[Iterator[tuple[Path, Path]], int]]:
    """Files of frames with their names, each there until the next is asked for, and how many; 0: not known yet."""
    if not video_files.is_video(given):
        files = sorted(collect([given]), key=lambda one: in_order(one[1]))
        yield iter(files), len(files)
        return
    with TemporaryDirectory(prefix="i2i-") as folder:
        yield _decoded(given, Path(folder)), 0


def _decoded(video: Path, folder: Path) -> Iterator[tuple[Path, Path]]:
    for number, pixels in enumerate(video_files.frames_of(video), 1):
        path = folder / f"{number:06d}.png"
        Image.fromarray(pixels).save(path, compress_level=1)
        yield path, Path(path.name)
        path.unlink()


@contextmanager
def _output(given: Path, out: Path, rate: float | None) -> Iterator[Write]:
    """Yields what writes a frame of a name."""
    if not video_files.is_video(out):
        out.mkdir(parents=True, exist_ok=True)
        yield lambda name, pixels: _write_frame(out / name, pixels)
        return
    speed = rate or (video_files.frames_per_second(given) if video_files.is_video(given) else DEFAULT_RATE)
    with video_files.writing(out, speed) as write:
        yield lambda name, pixels: write(pixels)


def check_places(given: Path, out: Path, overwrite: bool, reference: Path | None = None) -> None:
    """UserError for an output that cannot be written or is there already; without `overwrite` nothing is replaced.

    What is read is never replaced: neither frames, nor a video, nor a reference image.
    """
    if video_files.is_video(given) and not given.is_file():
        raise UserError(f"there is no video {given}")
    if video_files.is_file_name(out):
        video_files.check_written(out)
        check_file(out, "--out")
    _refuse_inputs(given, out, reference)
    if video_files.is_video(out):
        if out.exists() and not overwrite:
            raise UserError(f"{out} is there already: choose another --out, or add --overwrite")
    elif overwrite:
        check_folder(out)
    else:
        check_new_folder(out)


def _refuse_inputs(given: Path, out: Path, reference: Path | None) -> None:
    """UserError for an output that would replace what is read, or lie among the frames of a folder."""
    to_video, from_video = video_files.is_video(out), video_files.is_video(given)
    if to_video:
        refuse_replaced([out], [given] if from_video else [path for path, _ in collect([given])], [reference])
    elif not from_video:
        files = collect([given], out)
        refuse_replaced([out / name for _, name in files], [path for path, _ in files], [reference])
    elif reference is not None and lies_in(reference, out):
        raise UserError(f"the reference image {reference} lies in {out}: choose another --out")


def _write_frame(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, pixels)
