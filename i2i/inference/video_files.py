"""Video files, read and written frame by frame by imageio with PyAV, the extra `video`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from i2i.errors import UserError
from i2i.utils.atomic_write import replacing

if TYPE_CHECKING:
    from imageio.plugins.pyav import PyAVPlugin

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})
WRITTEN = frozenset({".mp4", ".mov", ".mkv"})
CODEC = "libx264"


def is_video(path: Path) -> bool:
    """Whether a name is one of a video file."""
    return path.suffix.lower() in SUFFIXES


def frames_of(path: Path) -> Iterator[np.ndarray]:
    """The frames of a file in order, uint8 [H, W, 3]; UserError if it is no video or the extra is missing."""
    require_video()
    from imageio.v3 import imiter

    try:
        yield from imiter(path, plugin="pyav")
    except OSError as error:
        raise UserError(f"{path} cannot be read as a video ({str(error).splitlines()[0]})") from None


def frames_per_second(path: Path) -> float:
    """How fast a file plays; UserError as `frames_of`."""
    require_video()
    from imageio.v3 import immeta

    try:
        return float(immeta(path, plugin="pyav")["fps"])
    except (OSError, KeyError) as error:
        raise UserError(f"{path} cannot be read as a video ({str(error).splitlines()[0]})") from None


@contextmanager
def writing(path: Path, frames_per_second: float) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields what adds frames, uint8 [H, W, C], to a new file, which is there once the block has ended.

    Raises:
        UserError: for sides that are odd, which such files cannot have.
    """
    from imageio.v3 import imopen

    with replacing(path) as partial, TemporaryDirectory(prefix="i2i-") as folder:
        made = Path(folder) / f"video{path.suffix}"  # by which the library tells the kind of file
        with imopen(made, "w", plugin="pyav") as video:
            video.init_video_stream(CODEC, fps=frames_per_second)
            yield lambda pixels: _write(video, pixels)
        copyfile(made, partial)


def _write(video: "PyAVPlugin", pixels: np.ndarray) -> None:
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        raise UserError(f"a video has even sides, and a frame has {height}x{width} pixels: name a folder with --out")
    video.write_frame(np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels)


def check_written(path: Path) -> None:
    """UserError unless a file of that name can be written."""
    require_video()
    if path.suffix.lower() not in WRITTEN:
        raise UserError(f"{path} is no video that is written here: name {', '.join(sorted(WRITTEN))}, or a folder")


def require_video() -> None:
    """UserError if the extra is missing."""
    if find_spec("imageio") is None or find_spec("av") is None:
        raise UserError("video files need packages that are not installed: pip install 'i2i[video]', or give frames")
