"""The grid: rows are test inputs; columns are the input, each translation, and the ground truth where there is one."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from i2i.benchmarks.report.figures.style import save
from i2i.benchmarks.results_folder.finished_bench import INPUT, TARGET, Finished, Row

CELL = 1.1  # inches
HEADER = 0.3  # inches, of one line
HEADER_LINE = 0.17  # inches, of every further line
HEADER_LETTER = 0.095  # inches
FOOTER = 0.16  # inches, of a line
LABEL = 1.15  # inches, at least
LETTER = 0.085  # inches, of a row's label
SMALL_LETTER = 0.05  # inches, of the note below


def draw_grid(
    finished: Finished, columns: Sequence[str], rows: Sequence[Row], note: str, paths: Sequence[Path]
) -> None:
    """Draw a grid into files; `note` says below it how the rows were chosen."""
    headers = list(map(finished.heading, columns))
    images = [[finished.cell(column, row) for column in columns] for row in rows]
    labels = ["\nto ".join(row.direction) for row in rows]
    seeds = f"; translators of seed {finished.seed}" if len(finished.facts.seeds) > 1 else ""
    figure = _figure(headers, labels, images, note + seeds)
    for path in paths:
        save(figure, path)


def draw_samples(
    finished: Finished, methods: Sequence[str], rows: Sequence[Row], most: int, note: str, paths: Sequence[Path]
) -> None:
    """Draw a row of translations for each method and test image: at most so many samples, between input and target."""
    images, labels = [], []
    for method in methods:
        own = [method, *finished.samples(method, most)]
        for row in rows:
            columns = [INPUT, *own, *([TARGET] if finished.data.paired else [])]
            images.append([finished.cell(column, row) for column in columns])
            labels.append(f"{method}\n" + "\nto ".join(row.direction))
    headers = [str(number) for number in range(1, len(own) + 1)]
    headers = ["input", *headers, *(["ground truth"] if finished.data.paired else [])]
    figure = _figure(headers, labels, images, note)
    for path in paths:
        save(figure, path)


def _figure(headers: list[str], labels: list[str], images: list[list[np.ndarray]], note: str) -> Figure:
    height, width = images[0][0].shape[:2]
    cell_width = CELL * width / height
    longest = max(len(line) for label in labels for line in label.split("\n"))
    margin = max(LABEL, 0.12 + LETTER * longest)
    across = margin + len(headers) * cell_width
    headers = [textwrap.fill(header, max(1, int(cell_width / HEADER_LETTER))) for header in headers]
    top = HEADER + HEADER_LINE * max(header.count("\n") for header in headers)
    note = textwrap.fill(note, int((across - 0.12) / SMALL_LETTER))
    size = (across, top + len(images) * CELL + FOOTER * (1 + note.count("\n")))
    figure = Figure(figsize=size, facecolor="white")
    for y, (label, row) in enumerate(zip(labels, images, strict=True)):
        bottom = (size[1] - top - (y + 1) * CELL) / size[1]
        middle = bottom + CELL / size[1] / 2
        figure.text(0.06 / size[0], middle, label, va="center", fontsize=9, parse_math=False)
        for x, pixels in enumerate(row):
            left = (margin + x * cell_width) / size[0]
            axes = figure.add_axes((left, bottom, 0.98 * cell_width / size[0], 0.98 * CELL / size[1]))
            axes.imshow(pixels, interpolation="nearest", aspect="auto")
            axes.set_axis_off()
    for x, header in enumerate(headers):
        center = (margin + (x + 0.49) * cell_width) / size[0]
        text = figure.text(center, 1 - 0.5 * top / size[1], header, ha="center", va="center", parse_math=False)
        text.set_fontsize(10 * min(1, 0.95 * cell_width * figure.dpi / text.get_window_extent().width))
    figure.text(0.06 / size[0], 0.05 / size[1], note, va="bottom", fontsize=6, parse_math=False)
    return figure
