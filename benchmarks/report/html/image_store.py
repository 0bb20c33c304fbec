"""Images as data: addresses, each stored once."""

import io
from hashlib import sha256

import numpy as np
from PIL import Image

from i2i.pages.html_page import data_address

EXACT_UP_TO = 64
"""Pixels of the longer side up to which images are stored without loss."""
LARGEST = 256
"""Pixels of the longer side to which larger images are scaled down."""
QUALITY = 90
"""Of WebP."""


class Store:
    """Collects images.

    Args:
        rendered: whether they are renderings of values beyond 8 bits.

    Attributes:
        addresses: data: addresses in the order of the numbers that `add` gave.
        size: their characters.
        says: what the reader must know about how they are stored.
    """

    def __init__(self, rendered: bool = False) -> None:
        self.addresses: list[str] = []
        self.size = 0
        self._of = "Values beyond 8 bits are shown by the rendering that stands below the table. " if rendered else ""
        self.says = self._of or "Images are shown exactly as they were scored."
        self._numbers: dict[bytes, int] = {}

    def add(self, pixels: np.ndarray) -> int:
        """Store an image, uint8 [H, W, 3], unless it is there already; returns its number."""
        digest = sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
        if digest not in self._numbers:
            self._numbers[digest] = len(self.addresses)
            self.addresses.append(self._address(Image.fromarray(pixels)))
            self.size += len(self.addresses[-1])
        return self._numbers[digest]

    def _address(self, image: Image.Image) -> str:
        if max(image.size) <= EXACT_UP_TO:
            return _encoded(image, "png", {"compress_level": 9})
        scaled = f", scaled down to {LARGEST} px" if max(image.size) > LARGEST else ""
        self.says = (
            f"{self._of}Images are shown as WebP of quality {QUALITY}{scaled}; the scored files are in translations/."
        )
        image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
        return _encoded(image, "webp", {"quality": QUALITY, "method": 2})


def _encoded(image: Image.Image, kind: str, options: dict[str, int]) -> str:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return data_address(stream.getvalue(), kind)
