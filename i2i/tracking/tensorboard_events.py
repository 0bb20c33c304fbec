"""TensorBoard: events in `RUN/tensorboard`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from i2i.tracking.tracker import About, Tracker


class TensorBoard(Tracker):
    """Scalars, images, and the configuration as text."""

    name = "tensorboard"

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._writer = SummaryWriter(str(about.folder / "tensorboard"))
        self._images = 0
        rows = "".join(f"    {name}: {value}\n" for name, value in about.settings.items())
        self._writer.add_text("configuration", f"    run folder: {about.link}\n{rows}")

    def scalars(self, values: Mapping[str, float], images: int) -> None:
        """Write them."""
        self._images = images
        for name, value in values.items():
            self._writer.add_scalar(name, value, images)
        self._writer.flush()

    def image(self, name: str, path: Path, images: int) -> None:
        """Write it."""
        with Image.open(path) as opened:
            self._writer.add_image(name, np.asarray(opened.convert("RGB")), images, dataformats="HWC")
        self._writer.flush()

    def summary(self, values: Mapping[str, float]) -> None:
        """Write them as scalars, after as many images as the last."""
        self.scalars({f"final/{name}": value for name, value in values.items()}, self._images)

    def end(self, status: str) -> None:
        """Close the file."""
        self._writer.close()
