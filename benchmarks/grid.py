"""The grid: rows are test inputs; columns are the input, each translation, and the ground truth where there is one."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from i2i.benchmarks.plan import Direction, Plan, direction_name
from i2i.config import DataConfig
from i2i.data.images import Preprocess, read_picture
from i2i.data.layouts import DataSet
from i2i.data.sources import open_data

ROWS = 6
ROWS_AT_MOST = 12
CELL = 1.1  # inches
HEADER = 0.3  # inches
LABEL = 1.15  # inches, at least
LETTER = 0.085  # inches, of a row's label
SEED = 0


@dataclass(frozen=True)
class Row:
    """A test input and the direction it is translated in."""

    direction: Direction
    position: int


def choose_rows(plan: Plan, data: DataSet, test_split: str) -> list[Row]:
    """Test pictures chosen by a fixed seed: at least one row per direction; of many directions 12, evenly spread."""
    rng = random.Random(SEED)
    per_direction = max(1, ROWS // len(plan.directions))
    count = min(ROWS_AT_MOST, len(plan.directions))
    shown = [plan.directions[i * len(plan.directions) // count] for i in range(count)]
    return [
        Row(direction, rng.randrange(len(data.pictures(test_split, direction[0]))))
        for direction in shown
        for _ in range(per_direction)
    ]


def draw_grid(plan: Plan, contestants: list[str]) -> None:
    """Write grid.png and grid.pdf into the results folder."""
    config = DataConfig.model_validate(plan.facts["suite"]["settings"].get("data", {}))
    data = open_data(config).restricted(plan.domains)
    rows = choose_rows(plan, data, config.test_split)
    headers = ["input", *contestants, *(["ground truth"] if data.paired else [])]
    pictures = [_cells(plan, contestants, row, data, config) for row in rows]
    figure = _figure(headers, ["\nto ".join(row.direction) for row in rows], pictures)
    for name in ("grid.png", "grid.pdf"):
        partial = plan.out / f".{name}"
        figure.savefig(partial, format=Path(name).suffix[1:], dpi=160)
        partial.replace(plan.out / name)


def _cells(plan: Plan, contestants: list[str], row: Row, data: DataSet, config: DataConfig) -> list[np.ndarray]:
    source, target = row.direction
    preprocess = Preprocess(config.image_size)
    shown = data.pictures(config.test_split, source)[row.position]
    folders = [
        plan.out / "translations" / name / f"seed{plan.seeds()[0]}" / direction_name(row.direction)
        for name in contestants
    ]
    cells = [preprocess(read_picture(shown.path, shown.half))]
    cells += [_rgb(folder / f"{shown.stem}.png") for folder in folders]
    if data.paired:
        truth = data.pictures(config.test_split, target)[row.position]
        cells.append(preprocess(read_picture(truth.path, truth.half)))
    return cells


def _rgb(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _figure(headers: list[str], labels: list[str], pictures: list[list[np.ndarray]]) -> Figure:
    height, width = pictures[0][0].shape[:2]
    cell_width = CELL * width / height
    longest = max(len(line) for label in labels for line in label.split("\n"))
    margin = max(LABEL, 0.12 + LETTER * longest)
    size = (margin + len(headers) * cell_width, HEADER + len(pictures) * CELL)
    figure = Figure(figsize=size, facecolor="white")
    for y, (label, row) in enumerate(zip(labels, pictures, strict=True)):
        bottom = (size[1] - HEADER - (y + 1) * CELL) / size[1]
        middle = bottom + CELL / size[1] / 2
        figure.text(0.06 / size[0], middle, label, va="center", fontsize=9)
        for x, pixels in enumerate(row):
            left = (margin + x * cell_width) / size[0]
            axes = figure.add_axes((left, bottom, 0.98 * cell_width / size[0], 0.98 * CELL / size[1]))
            axes.imshow(pixels, interpolation="nearest", aspect="auto")
            axes.set_axis_off()
    for x, header in enumerate(headers):
        centre = (margin + (x + 0.49) * cell_width) / size[0]
        figure.text(centre, 1 - 0.5 * HEADER / size[1], header, ha="center", va="center", fontsize=10)
    return figure
