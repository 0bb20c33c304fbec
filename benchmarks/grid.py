"""The grid: rows are test inputs; columns are the input, each translation, and the ground truth where there is one."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from i2i.benchmarks.drawing import save
from i2i.benchmarks.external import present
from i2i.benchmarks.file_index import FileIndex
from i2i.benchmarks.keys import is_complete
from i2i.benchmarks.plan import Direction
from i2i.benchmarks.recorded import plan_file
from i2i.benchmarks.status import index_path
from i2i.config import DataConfig
from i2i.data.images import Preprocess, read_picture, read_size
from i2i.data.layouts import DataSet, Picture
from i2i.data.sources import open_data
from i2i.errors import UserError, unknown
from i2i.utils.joined_names import direction_name
from i2i.utils.text import option

INPUT, TARGET = "input", "target"
CELL = 1.1  # inches
HEADER = 0.3  # inches, of one line
HEADER_LINE = 0.17  # inches, of every further line
HEADER_LETTER = 0.095  # inches
FOOTER = 0.16  # inches, of a line
LABEL = 1.15  # inches, at least
LETTER = 0.085  # inches, of a row's label
SMALL_LETTER = 0.05  # inches, of the note below


@dataclass(frozen=True)
class Row:
    """A test input and the direction it is translated in."""

    direction: Direction
    position: int


@dataclass(frozen=True)
class Finished:
    """A results folder with translations.

    Attributes:
        out: the folder.
        facts: contents of its plan.json.
    """

    out: Path
    facts: dict[str, Any]

    @classmethod
    def load(cls, out: Path) -> "Finished":
        """The bench of a results folder; UserError if it is none, or none of this version."""
        return cls(out, plan_file(out).facts)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """What was compared."""
        return tuple((source, target) for source, target in self.facts["directions"])

    @property
    def seed(self) -> int:
        """The first seed, whose translations are shown."""
        return int(self.facts["seeds"][0])

    @cached_property
    def config(self) -> DataConfig:
        """The data settings."""
        return DataConfig.model_validate(self.facts["suite"]["settings"].get("data", {}))

    @cached_property
    def data(self) -> DataSet:
        """The pictures."""
        return open_data(self.config).restricted(self.facts["domains"])

    def check_data(self) -> None:
        """UserError if the pictures are not those that the results were made from."""
        known = FileIndex.load(index_path(self.out))
        if self.data.fingerprint(known.blake2b, self.facts.get("splits")) != self.facts["fingerprint"]:
            raise UserError(
                f"{self.data.root} holds other pictures than those that {self.out} was made from: "
                f"put them back, or run the bench again with i2i bench {option('--out', self.out)} --data DIR"
            )

    @cached_property
    def contestants(self) -> list[str]:
        """Names of those whose translations are complete and as they were written."""
        return [name for name in self.facts["contestants"] if is_complete(self._translations(name))]

    def columns(self, text: str | None) -> list[str]:
        """Checked names of columns; by default input, translators and, where it exists, the target.

        Raises:
            UserError: for a name that is none of these, or a target that the data do not have.
        """
        if text is None:
            translators = [name for name in self.contestants if name not in self.facts["reference_rows"]]
            return [INPUT, *translators, *([TARGET] if self.data.paired else [])]
        names = [name.strip() for name in text.split(",")]
        for name in names:
            if name == TARGET and not self.data.paired:
                raise UserError(f"{self.data.name} has no ground truth: leave {TARGET} out of --columns")
            if name not in (INPUT, TARGET, *self.contestants):
                raise unknown("column", name, (INPUT, TARGET, *self.contestants))
        return names

    def inputs(self, direction: Direction) -> tuple[Picture, ...]:
        """The test pictures that are translated in a direction."""
        return self.data.pictures(self.config.test_split, direction[0])

    def positions(self, direction: Direction, columns: Sequence[str]) -> list[int]:
        """Places of those inputs of a direction that every contestant among `columns` translates."""
        inputs = self.inputs(direction)
        own = [name for name in columns if name not in (INPUT, TARGET)]
        sets = [set(present(self._translations(name), direction[0], inputs)) for name in own]
        return [position for position in range(len(inputs)) if all(position in some for some in sets)]

    def seeds_of(self, name: str) -> list[int]:
        """The seeds with which the translations of a contestant are complete."""
        return [seed for seed in self.facts["seeds"] if is_complete(self._translations(name, seed))]

    def cell(self, column: str, row: Row, seed: int | None = None) -> np.ndarray:
        """What a column shows in a row, uint8 [H, W, 3]; translations are of the first seed or another."""
        shown = self.inputs(row.direction)[row.position]
        if column not in (INPUT, TARGET):
            path = self._translations(column, seed) / direction_name(row.direction) / f"{shown.stem}.png"
            if not path.is_file():
                raise UserError(f"{column} has no {direction_name(row.direction)}/{shown.stem}: choose other rows")
            if read_size(path) != self.config.image_size:
                raise UserError(f"{path} is not of the size of this bench: remove its folder and run the bench again")
            return np.asarray(read_picture(path).convert("RGB"))
        if column == TARGET:
            shown = self.data.pictures(self.config.test_split, row.direction[1])[row.position]
        pixels = Preprocess.of(self.config)(read_picture(shown.path, shown.half))
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3))

    def _translations(self, name: str, seed: int | None = None) -> Path:
        return self.out / "translations" / name / f"seed{self.seed if seed is None else seed}"


def draw_grid(
    finished: Finished, columns: Sequence[str], rows: Sequence[Row], note: str, paths: Sequence[Path]
) -> None:
    """Draw a grid into files; `note` says below it how the rows were chosen."""
    headers = ["ground truth" if column == TARGET else column for column in columns]
    pictures = [[finished.cell(column, row) for column in columns] for row in rows]
    labels = ["\nto ".join(row.direction) for row in rows]
    seeds = f"; translators of seed {finished.seed}" if len(finished.facts["seeds"]) > 1 else ""
    figure = _figure(headers, labels, pictures, note + seeds)
    for path in paths:
        save(figure, path)


def _figure(headers: list[str], labels: list[str], pictures: list[list[np.ndarray]], note: str) -> Figure:
    height, width = pictures[0][0].shape[:2]
    cell_width = CELL * width / height
    longest = max(len(line) for label in labels for line in label.split("\n"))
    margin = max(LABEL, 0.12 + LETTER * longest)
    across = margin + len(headers) * cell_width
    headers = [textwrap.fill(header, max(1, int(cell_width / HEADER_LETTER))) for header in headers]
    top = HEADER + HEADER_LINE * max(header.count("\n") for header in headers)
    note = textwrap.fill(note, int((across - 0.12) / SMALL_LETTER))
    size = (across, top + len(pictures) * CELL + FOOTER * (1 + note.count("\n")))
    figure = Figure(figsize=size, facecolor="white")
    for y, (label, row) in enumerate(zip(labels, pictures, strict=True)):
        bottom = (size[1] - top - (y + 1) * CELL) / size[1]
        middle = bottom + CELL / size[1] / 2
        figure.text(0.06 / size[0], middle, label, va="center", fontsize=9, parse_math=False)
        for x, pixels in enumerate(row):
            left = (margin + x * cell_width) / size[0]
            axes = figure.add_axes((left, bottom, 0.98 * cell_width / size[0], 0.98 * CELL / size[1]))
            axes.imshow(pixels, interpolation="nearest", aspect="auto")
            axes.set_axis_off()
    for x, header in enumerate(headers):
        centre = (margin + (x + 0.49) * cell_width) / size[0]
        text = figure.text(centre, 1 - 0.5 * top / size[1], header, ha="center", va="center", parse_math=False)
        text.set_fontsize(10 * min(1, 0.95 * cell_width * figure.dpi / text.get_window_extent().width))
    figure.text(0.06 / size[0], 0.05 / size[1], note, va="bottom", fontsize=6, parse_math=False)
    return figure
