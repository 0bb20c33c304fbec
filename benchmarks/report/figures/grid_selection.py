"""Which test images a grid shows: at random by a seed that is printed, by name, or by what the translations are."""

import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from i2i.benchmarks.analysis.per_image import Values, goodness, metrics_of, read_values, worst_metric
from i2i.benchmarks.results_folder.finished_bench import INPUT, TARGET, Finished, Row
from i2i.data.layouts.listed_names import read_text
from i2i.errors import UserError, unknown
from i2i.metrics.paired import psnr
from i2i.metrics.registry import metric_named
from i2i.utils.joined_names import direction_name

ROWS = 6
ROWS_AT_MOST = 12
MOST_ROWS = 1_000
"""That may be asked for."""
WAYS = ("random", "files", "worst", "disagree")
PSNR = "psnr"


def default_count(finished: Finished) -> int:
    """Six rows, or a row per direction up to twelve."""
    return max(ROWS, min(ROWS_AT_MOST, len(finished.directions)))


def choose(finished: Finished, text: str, columns: Sequence[str], seed: int) -> tuple[list[Row], str]:
    """Rows, and a note that says how they were chosen.

    Args:
        finished: the bench.
        text: `random:N`, `files:LIST`, `worst:N[:METRIC]` or `disagree:N`; without N as many as in the bench's grid.
        columns: of the grid; `worst` and `disagree` look at the methods among them.
        seed: of random rows; elsewhere of the order of rows that are equal.

    Raises:
        UserError: for another form, or a way that these results do not allow.
    """
    way, _, rest = text.partition(":")
    translators = [name for name in columns if name not in (INPUT, TARGET)]
    if way == "files":
        return _listed(finished, Path(rest)), f"rows from {Path(rest).name}"
    if way not in WAYS:
        raise unknown("way to choose rows:", way, WAYS)
    number, _, metric = rest.partition(":") if way == "worst" else (rest, "", "")
    if number and not (number.isdecimal() and len(number) <= len(str(MOST_ROWS)) and 1 <= int(number) <= MOST_ROWS):
        raise UserError(
            f"--rows {way}:{number[:20]}: the number of rows must be from 1 to {MOST_ROWS:,}, as in --rows {way}:8"
        )
    count = int(number) if number else default_count(finished)
    if way == "random":
        rows = at_random(finished, count, seed, columns)
        return rows, f"{len(rows)} test images at random, seed {seed}"
    if way == "worst":
        scored = [name for name in translators if not finished.part(name)[1]]
        return _worst(finished, count, metric, scored, seed)
    rows = _disagreed(finished, count, translators, seed)
    return rows, f"the {len(rows)} test images on which {', '.join(translators)} differ most"


def at_random(finished: Finished, count: int, seed: int, columns: Sequence[str] = ()) -> list[Row]:
    """Different test images by a seed, evenly spread over the directions and in their order.

    They are among those that all methods of `columns` translate.
    """
    rng, directions = random.Random(seed), finished.directions
    shares = Counter(directions[i * len(directions) // count] for i in range(count))
    return [
        Row(direction, position)
        for direction, share in shares.items()
        for position in _sample(rng, finished.positions(direction, columns), share)
    ]


def _sample(rng: random.Random, population: Sequence[int], count: int) -> list[int]:
    return rng.sample(population, min(count, len(population)))


def _listed(finished: Finished, path: Path) -> list[Row]:
    """The rows of a text file: a line holds STEM, for the first direction that translates it, or DIRECTION/STEM."""
    if not os.path.isfile(path):  # noqa: PTH113 - for the method a name that is too long is an error
        raise UserError(f"there is no list {str(path)[:200]}: write one name of a test image per line")
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    if not lines:
        raise UserError(f"{path} lists no images: write one name of a test image per line")
    return [_found(finished, path, line) for line in lines]


def _found(finished: Finished, path: Path, line: str) -> Row:
    way, _, stem = line.rpartition("/")
    named = {direction_name(direction): direction for direction in finished.directions}
    if way and way not in named:
        raise unknown(f"direction in {path}:", way, named)
    stems: list[str] = []
    for direction in [named[way]] if way else finished.directions:
        own = [image.stem for image in finished.inputs(direction)]
        if stem in own:
            return Row(direction, own.index(stem))
        stems += own
    near = unknown(f"test image in {path}:", stem, stems)
    raise UserError(str(near).partition(" Known:")[0].rstrip("."))  # there may be thousands


def _worst(finished: Finished, count: int, metric: str, translators: Sequence[str], seed: int) -> tuple[list[Row], str]:
    if not translators:
        raise UserError("--rows worst needs a method among --columns")
    values = read_values(finished, translators, finished.seed)
    chosen = _measure(finished, metric, translators, values)

    def by_truth(row: Row) -> float:
        return float(np.mean([_to_truth(finished, name, row) for name in translators]))

    def by_scores(row: Row) -> float:
        return goodness(finished, row, values, chosen, translators)

    quality = by_truth if chosen == PSNR and finished.data.paired else by_scores
    rows = _lowest(finished, count, quality, translators, seed)
    measure = metric_named(chosen)
    end = "lowest" if measure.higher_is_better else "highest"
    which = f"the {len(rows)} test images with the {end} {measure.label}, mean of {', '.join(translators)}"
    return rows, f"{which}; below each its {measure.title}"


def texts_below(finished: Finished, text: str, columns: Sequence[str]) -> Callable[[str, Row], str] | None:
    """What stands below the image of a column and row: the input's name, the score by which rows are the worst.

    None where rows are chosen otherwise; `text` says how, as for `choose`.
    """
    way, _, rest = text.partition(":")
    if way != "worst":
        return None
    translators = [name for name in columns if name not in (INPUT, TARGET) and not finished.part(name)[1]]
    values = read_values(finished, translators, finished.seed)
    chosen = _measure(finished, rest.partition(":")[2], translators, values)

    def below(column: str, row: Row) -> str:
        stem = finished.inputs(row.direction)[row.position].stem
        if column == INPUT:
            return stem
        if column not in translators:
            return ""
        if chosen == PSNR and finished.data.paired:
            return metric_named(PSNR).text(_to_truth(finished, column, row))
        value = values.get((column, *row.direction, stem, chosen))
        return "" if value is None else metric_named(chosen).text(value)

    return below


def _measure(finished: Finished, metric: str, translators: Sequence[str], values: Values) -> str:
    """The one that is asked for, or else tells which images are the worst."""
    known = list(dict.fromkeys([*([PSNR] if finished.data.paired else []), *metrics_of(values)]))
    chosen = metric or worst_metric(known)
    if chosen is None:
        raise UserError(
            f"--rows worst needs ground truth, and {finished.data.name} has none, or scores of single images, and "
            f"{finished.out} has none of {', '.join(translators)}: use --rows disagree:N"
        )
    if chosen not in known:
        raise unknown("measure of single images", chosen, known)
    return chosen


def _to_truth(finished: Finished, name: str, row: Row) -> float:
    """PSNR of a translation."""
    return float(psnr(_tensor(finished.cell(name, row)), _tensor(finished.cell(TARGET, row))))


def _disagreed(finished: Finished, count: int, translators: Sequence[str], seed: int) -> list[Row]:
    if len(translators) < 2:
        raise UserError("--rows disagree needs two methods among --columns")

    def agreement(row: Row) -> float:
        images = np.stack([finished.cell(name, row) for name in translators]).astype(np.float64)
        return -float(np.abs(images[:, None] - images[None]).mean())

    return _lowest(finished, count, agreement, translators, seed)


def _tensor(pixels: np.ndarray) -> torch.Tensor:
    """uint8 [H, W, 3] to [1, 3, H, W]."""
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())


def _lowest(
    finished: Finished, count: int, value: Callable[[Row], float], translators: Sequence[str], seed: int
) -> list[Row]:
    """Those of the lowest values; of equal ones, as where images are right or wrong, some by the seed."""
    rows = [
        Row(direction, position)
        for direction in finished.directions
        for position in finished.positions(direction, translators)
    ]
    return sorted(random.Random(seed).sample(rows, len(rows)), key=value)[:count]
