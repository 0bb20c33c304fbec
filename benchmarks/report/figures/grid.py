"""The grid: rows are test inputs; columns are the input, each translation, and the ground truth where there is one."""

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from i2i.benchmarks.report.figures.style import save, shortened
from i2i.benchmarks.results_folder.finished_bench import INPUT, TARGET, Finished, Row

CELL = 1.1  # inches
HEADER = 0.3  # inches, of one line
HEADER_LINE = 0.17  # inches, of every further line
HEADER_LETTER = 0.095  # inches
FOOTER = 0.16  # inches, of a line
LABEL = 1.15  # inches, at least
LETTER = 0.085  # inches, of a row's label
SMALL_LETTER = 0.05  # inches, of the note below
BELOW = 0.16  # inches, of what stands below an image
Below = Callable[[str, Row], str]
"""Of a column and row."""


def draw_grid(
    finished: Finished,
    columns: Sequence[str],
    rows: Sequence[Row],
    note: str,
    paths: Sequence[Path],
    below: Below | None = None,
) -> None:
    """Draw a grid into files; `note` says below it how the rows were chosen, `below` what stands below an image."""
    headers = list(map(finished.heading, columns))
    images = [[finished.cell(column, row) for column in columns] for row in rows]
    labels = ["\nto ".join(row.direction) for row in rows]
    texts = [[below(column, row) for column in columns] for row in rows] if below else None
    _save(_figure(headers, labels, images, note + _seed(finished), texts), paths)


def draw_targets(
    finished: Finished,
    columns: Sequence[str],
    rows: Sequence[Row],
    note: str,
    paths: Sequence[Path],
    below: Below | None = None,
) -> None:
    """Draw a row for each input and method, with the translations to every target; arguments as of `draw_grid`."""
    reached = {target for _, target in finished.directions}
    targets = [domain for domain in finished.facts.domains if domain in reached]
    images: list[list[np.ndarray | None]] = []
    labels, texts = [], []
    for source, position in dict.fromkeys((row.direction[0], row.position) for row in rows):
        ways = [Row((source, target), position) for target in targets]
        there = [way if way.direction in finished.directions else None for way in ways]
        first = next(way for way in there if way)
        for column in (name for name in columns if name != INPUT):
            images.append(
                [finished.cell(INPUT, first), *(finished.cell(column, way) if way else None for way in there)]
            )
            labels.append(f"{finished.heading(column)}\nof {source}")
            texts.append([below(INPUT, first), *(below(column, way) if way else "" for way in there)] if below else [])
    _save(_figure(["input", *targets], labels, images, note + _seed(finished), texts if below else None), paths)


def _seed(finished: Finished) -> str:
    return f"; translators of seed {finished.seed}" if len(finished.facts.seeds) > 1 else ""


def _save(figure: Figure, paths: Sequence[Path]) -> None:
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
    _save(_figure(headers, labels, images, note), paths)


def _figure(
    headers: Sequence[str],
    labels: Sequence[str],
    images: Sequence[Sequence[np.ndarray | None]],
    note: str,
    texts: Sequence[Sequence[str]] | None = None,
) -> Figure:
    """Images in rows with their labels beside, the headers above, the note below; `texts` stand below images."""
    shape = next(pixels for pixels in images[0] if pixels is not None).shape
    cell_width, row_height = CELL * shape[1] / shape[0], CELL + (BELOW if texts else 0)
    longest = max(len(line) for label in labels for line in label.split("\n"))
    margin = max(LABEL, 0.12 + LETTER * longest)
    across = margin + len(headers) * cell_width
    headers = [textwrap.fill(header, max(1, int(cell_width / HEADER_LETTER))) for header in headers]
    top = HEADER + HEADER_LINE * max(header.count("\n") for header in headers)
    note = textwrap.fill(note, int((across - 0.12) / SMALL_LETTER))
    size = (across, top + len(images) * row_height + FOOTER * (1 + note.count("\n")))
    figure = Figure(figsize=size, facecolor="white")
    for y, (label, row) in enumerate(zip(labels, images, strict=True)):
        bottom = size[1] - top - y * row_height - CELL
        figure.text(0.06 / size[0], (bottom + CELL / 2) / size[1], label, va="center", fontsize=9, parse_math=False)
        for x, pixels in enumerate(row):
            left = margin + x * cell_width
            if pixels is not None:
                place = (left / size[0], bottom / size[1], 0.98 * cell_width / size[0], 0.98 * CELL / size[1])
                axes = figure.add_axes(place)
                axes.imshow(pixels, interpolation="nearest", aspect="auto")
                axes.set_axis_off()
            if texts:
                below = shortened(texts[y][x], int(cell_width / SMALL_LETTER))
                _fitting(figure, (left + 0.49 * cell_width, bottom - BELOW / 2), below, 7, cell_width)
    for x, header in enumerate(headers):
        _fitting(figure, (margin + (x + 0.49) * cell_width, size[1] - 0.5 * top), header, 10, cell_width)
    figure.text(0.06 / size[0], 0.05 / size[1], note, va="bottom", fontsize=6, parse_math=False)
    return figure


def _fitting(figure: Figure, place: tuple[float, float], words: str, points: float, width: float) -> None:
    """Words around a place in inches, smaller where they are wider than `width`."""
    across, up = figure.get_size_inches()
    text = figure.text(place[0] / across, place[1] / up, words, ha="center", va="center", parse_math=False)
    text.set_fontsize(points)
    text.set_fontsize(points * min(1, 0.95 * width * figure.dpi / max(1, text.get_window_extent().width)))
