"""Lists of PIL images that a notebook shows as a contact sheet."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from i2i.training.sample_grid import tile


class Images(list[Image.Image]):
    """A list of images; a notebook shows them side by side."""

    @property
    def sheet(self) -> Image.Image:
        """All of them in one row, each as high as the first."""
        return sheet([self], [""])

    def _repr_png_(self) -> bytes | None:
        return png(self.sheet) if self else None


def sheet(rows: Sequence[Sequence[Image.Image]], labels: Sequence[str]) -> Image.Image:
    """Rows of images with a label beside each; those of other sizes are scaled to the first."""
    size = rows[0][0].size
    fitted = [[image if image.size == size else image.resize(size) for image in row] for row in rows]
    arrays = [np.stack([np.asarray(image.convert("RGB")) for image in row]) for row in fitted]
    return Image.fromarray(tile(arrays, labels))


def png(image: Image.Image) -> bytes:
    """An image as the bytes of a PNG file, which is what notebooks ask for."""
    held = BytesIO()
    image.save(held, "PNG")
    return held.getvalue()
