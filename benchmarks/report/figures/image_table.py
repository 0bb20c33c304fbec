"""A figure of images in rows and columns, with headers above and labels beside them, to be read on a page."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from i2i.benchmarks.report.figures.style import DOMAIN, DPI, PAGE, broken, save, shortened

CELL = 1.1  # inches, of an image
SMALLEST = 0.4  # inches, of one among many
HEADER = 0.3  # inches, of one line
HEADER_LINE = 0.17  # inches, of every further line
HEADER_LETTER = 0.095  # inches
SMALLER = 1.5  # times as many letters in a line as fit, in smaller letters, so that no word is broken
UPRIGHT = 7  # letters that fit above a column whose header is not turned
FOOTER = 0.16  # inches, of a line
LABEL = 1.15  # inches, at least
LETTER = 0.085  # inches, of a row's label
SMALL_LETTER = 0.05  # inches, of the note below
BELOW = 0.16  # inches, of what stands below an image
POINT = 1 / 72  # inches


@dataclass(frozen=True)
class ImageTable:
    """Images with words around them, all in inches.

    Many columns make the images smaller, so that the words can be read when the figure is as wide as a page; headers
    of narrow columns are turned.

    Attributes:
        headers: of the columns.
        labels: of the rows; may have several lines.
        images: by row and column, uint8 [height, width, 3], all of one shape; None leaves a place empty.
        note: stands below.
        texts: by row and column, what stands below an image.
    """

    headers: Sequence[str]
    labels: Sequence[str]
    images: Sequence[Sequence[np.ndarray | None]]
    note: str
    texts: Sequence[Sequence[str]] | None = None

    def save(self, paths: Sequence[Path]) -> None:
        """Write the figure into files, with a dot of print for each pixel at least."""
        figure = self.figure()
        for path in paths:
            save(figure, path, max(DPI, self._shape[0] / self._cell[0]))

    def figure(self) -> Figure:
        """The figure."""
        figure = Figure(figsize=self._size, facecolor="white")
        for y, label in enumerate(self._labels):
            self._label(figure, self._bottom(y), label)
            for x, pixels in enumerate(self.images[y]):
                if pixels is not None:
                    self._image(figure, x, y, pixels)
                if self.texts:
                    self._below(figure, x, y, self.texts[y][x])
        for x, header in enumerate(self._headers):
            self._header(figure, x, header)
        across, up = self._size
        figure.text(0.06 / across, 0.05 / up, self._note, va="bottom", fontsize=6, parse_math=False)
        return figure

    @cached_property
    def _shape(self) -> tuple[int, ...]:
        return next(pixels for row in self.images for pixels in row if pixels is not None).shape

    @cached_property
    def _labels(self) -> list[str]:
        return ["\n".join(broken(line, DOMAIN) for line in label.split("\n")) for label in self.labels]

    @cached_property
    def _margin(self) -> float:
        longest = max(len(line) for label in self._labels for line in label.split("\n"))
        return max(LABEL, 0.12 + LETTER * longest)

    @cached_property
    def _cell(self) -> tuple[float, float]:
        """Height and width of an image."""
        width = CELL * self._shape[1] / self._shape[0]
        room = (PAGE[0] - self._margin) / (len(self.headers) * width)
        scale = min(1.0, max(room, SMALLEST / min(CELL, width)))
        return CELL * scale, width * scale

    @cached_property
    def _turned(self) -> bool:
        return self._letters < min(UPRIGHT, max(map(len, self.headers)))

    @property
    def _letters(self) -> int:
        """That fit above a column."""
        return max(1, int(self._cell[1] / HEADER_LETTER))

    @cached_property
    def _headers(self) -> list[str]:
        if self._turned:
            return [broken(header, DOMAIN) for header in self.headers]
        whole = {header: max(map(len, re.split(r"[\s_-]", header))) + 1 for header in self.headers}
        most = int(SMALLER * self._letters)
        return [broken(header, max(self._letters, min(whole[header], most))) for header in self.headers]

    @cached_property
    def _top(self) -> float:
        if self._turned:
            return 0.1 + LETTER * max(len(line) for header in self._headers for line in header.split("\n"))
        return HEADER + HEADER_LINE * max(header.count("\n") for header in self._headers)

    @cached_property
    def _across(self) -> float:
        return self._margin + len(self.headers) * self._cell[1]

    @cached_property
    def _note(self) -> str:
        return textwrap.fill(self.note, int((self._across - 0.12) / SMALL_LETTER))

    @cached_property
    def _row(self) -> float:
        return self._cell[0] + (BELOW if self.texts else 0)

    @cached_property
    def _size(self) -> tuple[float, float]:
        return self._across, self._top + len(self.images) * self._row + FOOTER * (1 + self._note.count("\n"))

    def _bottom(self, y: int) -> float:
        return self._size[1] - self._top - y * self._row - self._cell[0]

    def _middle(self, x: int) -> float:
        return self._margin + (x + 0.49) * self._cell[1]

    def _image(self, figure: Figure, x: int, y: int, pixels: np.ndarray) -> None:
        (across, up), (height, width) = self._size, self._cell
        left = self._margin + x * width
        axes = figure.add_axes((left / across, self._bottom(y) / up, 0.98 * width / across, 0.98 * height / up))
        axes.imshow(pixels, interpolation="nearest", aspect="auto")
        axes.set_axis_off()

    def _label(self, figure: Figure, bottom: float, label: str) -> None:
        across, up = self._size
        points = min(9.0, 0.8 * self._cell[0] / (1 + label.count("\n")) / POINT)
        middle = (bottom + self._cell[0] / 2) / up
        figure.text(0.06 / across, middle, label, va="center", fontsize=points, parse_math=False)

    def _below(self, figure: Figure, x: int, y: int, words: str) -> None:
        short = shortened(words, int(self._cell[1] / SMALL_LETTER))
        _fitting(figure, (self._middle(x), self._bottom(y) - BELOW / 2), short, 7, self._cell[1])

    def _header(self, figure: Figure, x: int, header: str) -> None:
        place = self._middle(x), self._size[1] - self._top + (0.05 if self._turned else 0.5 * self._top)
        _fitting(figure, place, header, 10, self._cell[1], turned=self._turned)


def _fitting(
    figure: Figure, place: tuple[float, float], words: str, points: float, width: float, turned: bool = False
) -> None:
    """Words around a place in inches, or turned and above it, smaller where they are wider than `width`."""
    across, up = figure.get_size_inches()
    text = figure.text(place[0] / across, place[1] / up, words, ha="center", va="center", parse_math=False)
    if turned:
        text.set(rotation=90, va="bottom")
    text.set_fontsize(points)
    text.set_fontsize(points * min(1, 0.95 * width * figure.dpi / max(1, text.get_window_extent().width)))
