"""Where an image lies."""

from dataclasses import dataclass
from pathlib import Path

from i2i.data.image_files.open_image import Half


@dataclass(frozen=True)
class ImageFile:
    """An image file, or one half of one.

    Attributes:
        path: the file.
        half: which half of it; None: all.
        attributes: those it has, in a data set that lists them.
        name: what its translations are called; empty: as the file.
        pair: what the members of its pair have in common; empty: the file's name.
        native: whether its values are taken as the file holds them, and not as 8 bits.
    """

    path: Path
    half: Half | None = None
    attributes: tuple[str, ...] = ()
    name: str = ""
    pair: str = ""
    native: bool = False

    @property
    def stem(self) -> str:
        """Name without suffix, different for all images of a domain in a split."""
        return self.name or self.path.stem

    @property
    def scene(self) -> str:
        """Equal for the members of a pair."""
        return self.pair or self.path.stem
