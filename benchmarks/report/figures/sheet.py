"""A sheet of maps, one per method, in as many bands as let it be read on a page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from i2i.benchmarks.report.figures.style import HEAD_LETTER, PAGE, broken

READABLE = 5 / 7  # letters that have 7 points in the text of a page, shrunk by that, have 5


@dataclass(frozen=True)
class Sheet:
    """A figure with a column of maps for each method, laid out in inches.

    Methods that do not fit beside each other stand in bands below each other, each with all rows.

    Attributes:
        rows, methods: how many maps.
        width, height: of a map.
        left, below: room for names of domains.
    """

    rows: int
    methods: int
    width: float
    height: float
    left: float
    below: float

    GAP, TOP, HEAD, METRIC, BAR = 0.15, 0.25, 0.4, 0.6, 0.85
    NAME = 10.0  # points, of the names above the columns

    @cached_property
    def columns(self) -> int:
        """Methods beside each other: what shrinks the sheet least on a page, in few bands, filled alike."""
        most = max(range(1, self.methods + 1), key=lambda columns: (-self._shrunk(columns), columns))
        return math.ceil(self.methods / math.ceil(self.methods / most))

    def pages(self) -> list[tuple[range, range]]:
        """Rows and methods of the pages that hold the sheet in letters that can be read; none, if they can on one.

        All methods stay together where a row of all of them fits on a page, filled alike.
        """
        rows = self._most([replace(self, rows=count) for count in range(1, self.rows + 1)])
        if rows == self.rows:
            return []
        if rows:
            return [(some, range(self.methods)) for some in _parts(self.rows, rows)]
        methods = self._most([replace(self, rows=1, methods=count) for count in range(1, self.methods + 1)]) or 1
        return [(row, some) for row in _parts(self.rows, 1) for some in _parts(self.methods, methods)]

    @staticmethod
    def _most(growing: "Sequence[Sheet]") -> int:
        """The number of the largest of ever larger sheets that can be read on a page; 0: none can."""
        fitting = (count for count, sheet in enumerate(growing, 1) if sheet._shrunk(sheet.columns) * READABLE <= 1)
        return max(fitting, default=0)

    @cached_property
    def figure(self) -> Figure:
        """The empty sheet."""
        return Figure(figsize=self._size(self.columns), facecolor="white")

    def place(self, row: int, method: int) -> Axes:
        """Axes of a map."""
        band, column = divmod(method, self.columns)
        return self._axes(band, row, column, self.width)

    def bars(self, row: int) -> list[Axes]:
        """Axes for the colors of a row, behind its maps: one in each band."""
        return [self._axes(band, row, self.columns, 0.1) for band in range(math.ceil(self.methods / self.columns))]

    def color_bar(self, axes: Axes, shown: ScalarMappable) -> None:
        """Fill one of the `bars`.

        In PDF and SVG it would by default be pixels, each by way of a canvas of the whole figure, which takes 66 MB at
        ten by eighteen inches.
        """
        bar = self.figure.colorbar(shown, cax=axes)
        for colors in bar.ax.collections:
            colors.set(rasterized=False, edgecolor="face")
        bar.ax.tick_params(labelsize=8)

    def is_first(self, method: int) -> bool:
        """Whether nothing stands to the left of the maps of a method."""
        return method % self.columns == 0

    def head(self, axes: Axes, name: str) -> None:
        """Put a name above a map, in two lines and smaller letters where it would run into the next one."""
        widths = range(max(1, int(self.width / HEAD_LETTER)), len(name) + 1)
        lines = next((two for letters in widths if (two := broken(name, letters)).count("\n") <= 1), name)
        text = axes.set_title(lines, fontsize=self.NAME, parse_math=False)
        across = text.get_window_extent().width / self.figure.dpi
        text.set_fontsize(self.NAME * min(1, (self.width + self.GAP / 2) / across))

    def title(self, text: str) -> None:
        """Say above all maps what they show."""
        up = self.figure.get_size_inches()[1]
        self.figure.text(0.5, 1 - 0.16 / up, text, ha="center", va="center", fontsize=9)

    @property
    def _band(self) -> float:
        return self.HEAD + self.rows * (self.height + self.GAP) + self.below

    def _size(self, columns: int) -> tuple[float, float]:
        across = self.METRIC + self.left + columns * (self.width + self.GAP) + self.BAR
        return across, self.TOP + math.ceil(self.methods / columns) * self._band

    def _shrunk(self, columns: int) -> float:
        """By what the sheet must shrink to fit on a page; 1 if it fits."""
        across, up = self._size(columns)
        return max(across / PAGE[0], up / PAGE[1], 1.0)

    def _axes(self, band: int, row: int, column: int, width: float) -> Axes:
        across, up = self.figure.get_size_inches()
        left = self.METRIC + self.left + column * (self.width + self.GAP)
        bottom = up - self.TOP - band * self._band - self.HEAD - self.height - row * (self.height + self.GAP)
        return self.figure.add_axes((left / across, bottom / up, width / across, self.height / up))


def _parts(count: int, most: int) -> list[range]:
    """So many things in as few parts of at most `most` as there can be, of nearly one length."""
    parts = math.ceil(count / most)
    return [range(count * part // parts, count * (part + 1) // parts) for part in range(parts)]
