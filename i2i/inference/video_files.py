"""Video files, read and written frame by frame by PyAV, the extra `video`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from i2i.data.layouts.image_folder import is_named_as_image
from i2i.errors import UserError
from i2i.utils.atomic_write import replacing

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})
WRITTEN = (".mp4", ".mov", ".mkv")
OTHERS = frozenset({".3gp", ".flv", ".m2ts", ".mpeg", ".mpg", ".mts", ".ogv", ".wmv"})
"""Suffixes of further kinds of video files, which nobody gives to a folder."""
CODEC, FORMAT = "libx264", "yuv420p"
FINEST = 1_000  # denominator of frames per second


def is_video(path: Path) -> bool:
    """Whether a name is one of a video file."""
    return path.suffix.lower() in SUFFIXES


def is_file_name(path: Path) -> bool:
    """Whether a name is one of a video file or an image of any kind, and so none of a folder of frames."""
    return is_video(path) or path.suffix.lower() in OTHERS or is_named_as_image(path.name)


def frames_of(path: Path) -> Iterator[np.ndarray]:
    """The frames of a file in order, uint8 [H, W, 3]; UserError if it is no video or the extra is missing."""
    with _opened(path) as video:
        for frame in video.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def frames_per_second(path: Path) -> float:
    """How fast a file plays; UserError as `frames_of`."""
    with _opened(path) as video:
        return float(video.streams.video[0].average_rate or 0) or _refuse(path, "it does not say how fast it plays")


@contextmanager
def _opened(path: Path) -> Iterator["InputContainer"]:
    require_video()
    import av

    try:
        with av.open(path) as video:
            if not video.streams.video:
                _refuse(path, "it has no images")
            yield video
    except av.error.FFmpegError as error:
        _refuse(path, error.strerror)


def _refuse(path: Path, reason: str) -> float:
    raise UserError(f"{path} cannot be read as a video ({reason})")


@contextmanager
def writing(path: Path, frames_per_second: float) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields what adds frames, uint8 [H, W, C], to a new file, which is there once the block has ended.

    Raises:
        UserError: for sides that are odd, which such files cannot have.
    """
    import av

    with replacing(path) as partial, TemporaryDirectory(prefix="i2i-") as folder:
        made = Path(folder) / f"video{path.suffix}"  # by which the library tells the kind of file
        with av.open(made, "w") as video:
            stream = video.add_stream(CODEC, rate=Fraction(frames_per_second).limit_denominator(FINEST))
            stream.pix_fmt = FORMAT
            yield lambda pixels: _write(video, stream, pixels)
            video.mux(stream.encode())  # what the codec still holds
        copyfile(made, partial)


def _write(video: "OutputContainer", stream: "VideoStream", pixels: np.ndarray) -> None:
    from av import VideoFrame

    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        raise UserError(f"a video has even sides, and a frame has {height}x{width} pixels: name a folder with --out")
    if not stream.codec_context.is_open:
        stream.height, stream.width = height, width
    if (stream.height, stream.width) != (height, width):
        raise UserError(
            f"frames have {stream.height}x{stream.width} and {height}x{width} pixels, and a video has one size: "
            "name a folder with --out"
        )
    frame = VideoFrame.from_ndarray(np.repeat(pixels, 3 // pixels.shape[2], axis=2), format="rgb24")
    video.mux(stream.encode(frame))


def check_written(path: Path) -> None:
    """UserError unless a file of that name can be written."""
    if path.suffix.lower() not in WRITTEN:
        raise UserError(
            f"{path} is no video that is written here: name {', '.join(WRITTEN)}, or a folder of frames without suffix"
        )
    require_video()


def require_video() -> None:
    """UserError if the extra is missing."""
    if find_spec("av") is None:
        raise UserError("video files need a package that is not installed: pip install 'i2i[video]', or give frames")
