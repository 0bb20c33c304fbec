"""The gallery of the page: which test images it shows, what is known of each, and the images themselves."""

import random
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from i2i.benchmarks.analysis.per_image import Values, goodness, metrics_of, read_values, worst_metric
from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.directions import Direction
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.html.image_store import Store
from i2i.benchmarks.results_folder.finished_bench import INPUT, TARGET, Finished, Row
from i2i.benchmarks.suite.schema import ReportConfig
from i2i.config import Settings
from i2i.metrics.registry import metric_named

SPACE = 8_000_000
"""Characters of all images of the first seed together, after which no more are added."""
SPACE_OF_SEEDS = 4_000_000
"""The same for what the other seeds add."""
SAMPLES = 5
"""Translations of each image that are shown of a method that gives several."""
WORST_EVERY = 4
"""Where not all test images are shown, each fourth is one of the worst, the others are random."""


def columns(plan: Plan, results: Results) -> list[str]:
    """Whose images are shown: input, scored methods that have theirs and, where there is one, the target."""
    finished = Finished(plan.out, plan.facts)
    shown = [name for name in results.methods if name in finished.methods]
    if not shown:
        return []
    several = [one for name in shown for one in (name, *_samples(finished, name))]
    return [INPUT, *several, *([TARGET] if plan.facts.paired else [])]


def _samples(finished: Finished, name: str) -> list[str]:
    return finished.samples(name, SAMPLES) if finished.has_samples(name) else []


def gallery(plan: Plan, results: Results) -> Settings:
    """Columns, metrics of single images, directions with their sources, and `images`, each stored once.

    A source image has an entry for each seed that is stored of it. It lists the images by column, the scores by method
    and metric, and how much the translators differ on it: the mean absolute difference of their values, 0 to 255, over
    all pairs. What is shown of a method that has no translations with a seed is of the first one: `of_first_seed` has
    the numbers of these columns, by seed.
    """
    finished, shown = Finished(plan.out, plan.facts), columns(plan, results)
    options = finished.facts.suite.report
    store, directions = Store(rendered=bool(finished.config.pixel_formats)), finished.directions if shown else ()
    views = [_View(finished, shown, seed) for seed in _seeds(finished, shown)]
    values = views[0].values
    metrics = list(dict.fromkeys(metric for view in views for metric in metrics_of(view.values)))
    chosen = {direction: _chosen(finished, shown, direction, options, values) for direction in directions}
    images: dict[Direction, list[Settings]] = {direction: [] for direction in directions}
    for number in range(options.images):
        for direction in directions:
            if number < len(chosen[direction]):
                row, why = chosen[direction][number]
                stem = finished.inputs(direction)[row.position].stem
                images[direction].append(
                    {"name": stem, "chosen": why, "seeds": [views[0].described(row, metrics, store)]}
                )
        if store.size > SPACE:
            break
    _add_seeds(images, chosen, views[1:], metrics, store)
    return {
        "columns": list(shown),
        "headings": [column if column in (INPUT, TARGET) else finished.heading(column) for column in shown],
        "translators": _translators(finished, shown),
        "metrics": [
            {"title": metric.heading, "better": metric.better, "decimals": metric.decimals}
            for metric in map(metric_named, metrics)
        ],
        "seed": options.seed,
        "seeds": [view.seed for view in views],
        "of_first_seed": [view.of_first_seed for view in views],
        "worst_by": metric_named(worst).heading if (worst := worst_metric(metrics_of(values))) else None,
        "stored": store.says,
        "directions": [
            {
                "source": direction[0],
                "target": direction[1],
                "of": len(finished.positions(direction, shown)),
                "images": images[direction],
            }
            for direction in directions
        ],
        "images": store.addresses,
    }


def _seeds(finished: Finished, shown: Sequence[str]) -> list[int]:
    """The first, and those others with which a method has translated."""
    others = {seed for name in shown for seed in finished.seeds_of(finished.part(name)[0])} - {finished.seed}
    return [finished.seed, *sorted(others)]


def _add_seeds(
    images: Mapping[Direction, list[Settings]],
    chosen: Mapping[Direction, list[tuple[Row, str]]],
    views: Sequence["_View"],
    metrics: Sequence[str],
    store: Store,
) -> None:
    """Add further seeds to the first images of every direction, until their space is used up."""
    limit = store.size + SPACE_OF_SEEDS
    for number in range(max(map(len, images.values()), default=0)):
        for direction, own in images.items():
            if number < len(own):
                own[number]["seeds"] += [view.described(chosen[direction][number][0], metrics, store) for view in views]
        if store.size > limit:
            break


class _View:
    """What a seed shows: its images and their scores, and the first seed's of those that do not have it."""

    def __init__(self, finished: Finished, shown: Sequence[str], seed: int) -> None:
        self.seed, self._finished, self._shown = seed, finished, shown
        seeds = {name: finished.seeds_of(finished.part(name)[0]) for name in shown}
        own = {name: seed if seed in seeds[name] else finished.seed for name in shown}
        self.of_first_seed = [
            place for place, name in enumerate(shown) if name not in (INPUT, TARGET) and own[name] != seed
        ]
        self.values = {
            place: value for name in shown for place, value in read_values(finished, [name], own[name]).items()
        }
        self._own = own

    def described(self, row: Row, metrics: Sequence[str], store: Store) -> Settings:
        """Images, scores and difference of the translators of a source image."""
        cells = {name: self._finished.cell(name, row, self._own[name]) for name in self._shown}
        stem = self._finished.inputs(row.direction)[row.position].stem
        return {
            "images": [store.add(cells[name]) for name in self._shown],
            "scores": [
                [_rounded(self.values.get((name, *row.direction, stem, metric))) for metric in metrics]
                for name in self._shown
            ],
            "difference": _difference([cells[name] for name in _translators(self._finished, self._shown)]),
        }


def _chosen(
    finished: Finished, shown: Sequence[str], direction: Direction, options: ReportConfig, values: Values
) -> list[tuple[Row, str]]:
    """The images of a direction and why they were chosen, such that any number of the first is a fair part."""
    positions = finished.positions(direction, shown)
    random.Random(f"{options.seed} {direction}").shuffle(positions)
    rows = [Row(direction, position) for position in positions]
    metric = worst_metric(metrics_of(values))
    if metric is None or len(rows) <= options.images:
        return [(row, "random") for row in rows]
    names = _translators(finished, shown)
    worst = iter(sorted(rows, key=lambda row: goodness(finished, row, values, metric, names)))
    others, chosen = iter(rows), dict[Row, str]()
    while len(chosen) < min(len(rows), options.images):
        source, why = (worst, "worst") if len(chosen) % WORST_EVERY == WORST_EVERY - 1 else (others, "random")
        chosen[next(row for row in source if row not in chosen)] = why
    return list(chosen.items())


def _translators(finished: Finished, shown: Sequence[str]) -> list[str]:
    """The methods that compete, each by the translation that is scored."""
    others = (INPUT, TARGET, *finished.facts.baselines)
    return [name for name in shown if name not in others and not finished.part(name)[1]]


def _difference(cells: Sequence[np.ndarray]) -> float | None:
    pairs = [
        float(np.abs(one.astype(np.int16) - other).mean())
        for one, other in combinations(cells, 2)
        if one.shape == other.shape
    ]
    return _rounded(float(np.mean(pairs))) if pairs else None


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.5g}")
