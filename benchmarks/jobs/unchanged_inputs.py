"""Images that change while a bench runs: a job compares what it has read with what the plan saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from i2i.data.image_files.file_index import FileIndex
from i2i.data.layouts import DataSet, ImageFile
from i2i.errors import UserError
from i2i.utils.text import option

NAMED = 3


@dataclass(frozen=True)
class InputState:
    """What the plan saw of the images that a job reads.

    Attributes:
        index: file of their digests.
        splits, domains: which they are.
        count: how many.
    """

    index: Path
    splits: tuple[str, ...]
    domains: tuple[str, ...]
    count: int

    @classmethod
    def of(cls, data: DataSet, index: Path, splits: Sequence[str], domains: Sequence[str]) -> "InputState":
        """Those of the data as they are now."""
        return cls(index, tuple(splits), tuple(domains), sum(map(len, _images(data, splits, domains))))

    def check(self, data: DataSet) -> None:
        """Call this after reading. Files whose size and time are those of the plan are not read again.

        Raises:
            UserError: naming files that are not those that the plan saw, are new or gone.
        """
        files, index = _files(data, self.splits, self.domains), FileIndex.load(self.index)
        unlike = [path for path in dict.fromkeys(files) if not index.is_known(path)]
        if not unlike and len(files) == self.count:
            return
        named = ", ".join(map(str, unlike[:NAMED])) + (", ..." if len(unlike) > NAMED else "")
        what = named or f"the list of {self.count} images, of which {len(files)} are there,"
        raise UserError(
            f"{what} changed while the bench ran: what was made from it is not kept. "
            f"Put the images back, or run the bench again with {option('--data', data.root)}"
        )


def _files(data: DataSet, splits: Sequence[str], domains: Sequence[str]) -> list[Path]:
    return [image.path for own in _images(data, splits, domains) for image in own]


def _images(data: DataSet, splits: Sequence[str], domains: Sequence[str]) -> list[tuple[ImageFile, ...]]:
    return [data.splits.get(split, {}).get(domain, ()) for split in splits for domain in domains]
