"""Example images of the page: some of the test split, at the size of the training."""

from pathlib import Path

from i2i.config import DataConfig
from i2i.data.image_files.images import Preprocess, read_image, write_image
from i2i.data.image_files.readers_and_writers import read_native, write_native
from i2i.data.layouts import ImageFile
from i2i.data.open import open_data
from i2i.errors import UserError

OF_EACH = 2
"""Of every domain."""

MOST_DOMAINS = 6


def examples(config: DataConfig, out: Path) -> list[tuple[str, str]]:
    """Files written into `out`, with their domains; none if the data are not here."""
    try:
        data = open_data(config)
        preprocess, found = Preprocess.of(config), list[tuple[str, str]]()
        for index, domain in enumerate(data.domains[:MOST_DOMAINS]):
            for number, shown in enumerate(data.images(config.test_split, domain)[:OF_EACH]):
                found.append((str(_written(shown, out / f"example-{index}-{number}", preprocess)), domain))
    except (UserError, OSError):
        return []
    return found


def _written(shown: ImageFile, stem: Path, preprocess: Preprocess) -> Path:
    """An example of the size of the training, or beyond 8 bits with all values that its file holds."""
    if shown.native:
        path = stem.with_suffix(".npy")
        write_native(path, read_native(shown.path, shown.half))
    else:
        path = stem.with_suffix(".png")
        write_image(path, preprocess(read_image(shown.path, shown.half)))
    return path
