"""The grid: rows are test inputs; columns are the input, each translation, and the ground truth where there is one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from i2i.benchmarks.report.figures.image_table import ImageTable
from i2i.benchmarks.results_folder.finished_bench import INPUT, TARGET, Finished, Row

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
    ImageTable(headers, labels, images, note + _seed(finished), texts).save(paths)


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
    ImageTable(["input", *targets], labels, images, note + _seed(finished), texts if below else None).save(paths)


def _seed(finished: Finished) -> str:
    return f"; translators of seed {finished.seed}" if len(finished.facts.seeds) > 1 else ""


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
    ImageTable(headers, labels, images, note).save(paths)
