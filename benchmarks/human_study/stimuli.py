"""The images of a study: translations, real images and inputs, re-encoded alike, so that only their pixels differ."""

import io
import random
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

import numpy as np
from PIL import Image

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.results_folder.finished_bench import INPUT, TARGET, Finished, Row
from i2i.pages.html_page import data_address

TILES = 4
"""A scrambled image is cut into as many tiles each way, and they are shuffled."""


@dataclass(frozen=True)
class Source:
    """The images of a bench.

    Attributes:
        finished: the bench.
        methods: whose translations are shown; only inputs that all of them translate are.
    """

    finished: Finished
    methods: tuple[str, ...]

    @cached_property
    def rows(self) -> dict[Direction, list[Row]]:
        """The inputs of each direction."""
        directions = self.finished.directions
        return {
            direction: [Row(direction, place) for place in self.finished.positions(direction, self.methods)]
            for direction in directions
        }

    def name(self, row: Row) -> str:
        """Of an input, without suffix."""
        return self.finished.inputs(row.direction)[row.position].stem

    def translation(self, method: str, row: Row) -> np.ndarray:
        """Uint8 [H, W, 3]."""
        return self.finished.cell(method, row)

    def input(self, row: Row) -> np.ndarray:
        """Uint8 [H, W, 3]."""
        return self.finished.cell(INPUT, row)

    def ground_truth(self, row: Row) -> np.ndarray:
        """Of paired data, uint8 [H, W, 3]."""
        return self.finished.cell(TARGET, row)

    def real_count(self, domain: str) -> int:
        """How many real test images of a domain there are."""
        return len(self.finished.inputs((domain, domain)))

    def real(self, domain: str, number: int) -> np.ndarray:
        """A real test image of a domain, uint8 [H, W, 3]."""
        return self.finished.cell(INPUT, Row((domain, domain), number))


@dataclass
class Store:
    """Images as addresses, each once.

    Attributes:
        addresses: by number, in the order in which they came.
    """

    addresses: list[str] = field(default_factory=list)
    _numbers: dict[bytes, int] = field(default_factory=dict)

    def add(self, pixels: np.ndarray) -> int:
        """The number of an image, uint8 [H, W, 3]."""
        digest = sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
        if digest not in self._numbers:
            self._numbers[digest] = len(self.addresses)
            self.addresses.append(data_address(as_png(pixels)))
        return self._numbers[digest]


def as_png(pixels: np.ndarray) -> bytes:
    """A PNG file without any metadata, from uint8 [H, W, 3]."""
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "png", compress_level=9)
    return stream.getvalue()


def scrambled(pixels: np.ndarray, random: random.Random) -> np.ndarray:
    """The image with its tiles in other places; what is left over at the edges stays. Uint8 [H, W, 3]."""
    height, width = (max(1, side // TILES) for side in pixels.shape[:2])
    corners = [(y * height, x * width) for y in range(TILES) for x in range(TILES)]
    corners = [(y, x) for y, x in corners if y + height <= pixels.shape[0] and x + width <= pixels.shape[1]]
    turn = random.randrange(1, len(corners)) if len(corners) > 1 else 0
    shuffled = random.sample(corners, len(corners))
    found = pixels.copy()
    for place, (y, x) in enumerate(shuffled):  # none stays where it was
        from_y, from_x = shuffled[(place + turn) % len(shuffled)]
        found[y : y + height, x : x + width] = pixels[from_y : from_y + height, from_x : from_x + width]
    return found
