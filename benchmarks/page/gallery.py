"""The gallery of the page: which test pictures it shows, what is known of each, and the pictures themselves."""

import random
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from i2i.benchmarks.grid import INPUT, TARGET, Finished, Row
from i2i.benchmarks.page.store import Store
from i2i.benchmarks.plan import Direction, Plan
from i2i.benchmarks.results import Results
from i2i.benchmarks.scores import pictures_path
from i2i.config import Settings
from i2i.metrics.names import decimals, is_better_high, title

SPACE = 20_000_000
"""Characters of all pictures together, after which no more are added."""
WORST_EVERY = 4
"""Where not all test pictures are shown, each fourth is one of the worst, the others are random."""
WORST_BY = ("psnr", "ssim", "accuracy")
"""Metrics that tell which are the worst: the first one that there is."""

Values = dict[tuple[str, str, str, str, str], float]
"""Scores of single pictures by contestant, source, target, picture and metric."""


def columns(plan: Plan, results: Results) -> list[str]:
    """Whose pictures are shown: input, scored contestants and, where there is one, the target."""
    if not results.contestants:
        return []
    return [INPUT, *results.contestants, *([TARGET] if plan.facts["paired"] else [])]


def gallery(plan: Plan, results: Results) -> Settings:
    """Columns, metrics of single pictures, directions with their pictures, and `images`, each stored once.

    A picture lists its images by column, its scores by contestant and metric, and how much the translators differ on
    it: the mean absolute difference of their values, 0 to 255, over all pairs.
    """
    finished, shown = Finished(plan.out, dict(plan.facts)), columns(plan, results)
    options = finished.facts["suite"]["report"]
    values = _read_values(finished, shown)
    metrics = list(dict.fromkeys(metric for *_, metric in values))
    store, directions = Store(), finished.directions if shown else ()
    chosen = {way: _chosen(finished, shown, way, options, values) for way in directions}
    pictures: dict[Direction, list[Settings]] = {way: [] for way in directions}
    for number in range(options["pictures"]):
        for way in directions:
            if number < len(chosen[way]):
                row, why = chosen[way][number]
                described = _described(finished, shown, row, values, metrics, store)
                pictures[way].append({**described, "chosen": why})
        if store.size > SPACE:
            break
    return {
        "columns": list(shown),
        "translators": _translators(finished, shown),
        "metrics": [
            {"title": title(name), "better": "higher" if is_better_high(name) else "lower", "decimals": decimals(name)}
            for name in metrics
        ],
        "seed": options["seed"],
        "trained_with": finished.seed,
        "worst_by": next((title(name) for name in WORST_BY if name in metrics), None),
        "stored": store.says,
        "directions": [
            {"source": way[0], "target": way[1], "of": len(finished.positions(way, shown)), "pictures": pictures[way]}
            for way in directions
        ],
        "images": store.addresses,
    }


def _chosen(
    finished: Finished, shown: Sequence[str], way: Direction, options: Settings, values: Values
) -> list[tuple[Row, str]]:
    """The pictures of a direction and why they were chosen, such that any number of the first is a fair part."""
    positions = finished.positions(way, shown)
    random.Random(f"{options['seed']} {way}").shuffle(positions)
    rows = [Row(way, position) for position in positions]
    badness = _badness(finished, values)
    if badness is None or len(rows) <= options["pictures"]:
        return [(row, "random") for row in rows]
    worst = iter(sorted(rows, key=badness, reverse=True))
    others, chosen = iter(rows), dict[Row, str]()
    while len(chosen) < min(len(rows), options["pictures"]):
        source, why = (worst, "worst") if len(chosen) % WORST_EVERY == WORST_EVERY - 1 else (others, "random")
        chosen[next(row for row in source if row not in chosen)] = why
    return list(chosen.items())


def _badness(finished: Finished, values: Values) -> Callable[[Row], float] | None:
    """Higher for worse pictures, as the mean of the translators; None without scores of single pictures."""
    metric = next((name for name in WORST_BY if any(key[-1] == name for key in values)), None)
    if metric is None:
        return None
    names, sign = (
        _translators(finished, list(dict.fromkeys(key[0] for key in values))),
        -1 if is_better_high(metric) else 1,
    )

    def badness(row: Row) -> float:
        stem = finished.inputs(row.direction)[row.position].stem
        own = [values[key] for name in names if (key := (name, *row.direction, stem, metric)) in values]
        return sign * float(np.mean(own)) if own else -np.inf

    return badness


def _described(
    finished: Finished, shown: Sequence[str], row: Row, values: Values, metrics: Sequence[str], store: Store
) -> Settings:
    cells = {name: finished.cell(name, row) for name in shown}
    stem = finished.inputs(row.direction)[row.position].stem
    return {
        "name": stem,
        "images": [store.add(cells[name]) for name in shown],
        "scores": [
            [_rounded(values.get((name, *row.direction, stem, metric))) for metric in metrics] for name in shown
        ],
        "difference": _difference([cells[name] for name in _translators(finished, shown)]),
    }


def _translators(finished: Finished, shown: Sequence[str]) -> list[str]:
    return [name for name in shown if name not in (INPUT, TARGET, *finished.facts["reference_rows"])]


def _difference(cells: Sequence[np.ndarray]) -> float | None:
    pairs = [
        float(np.abs(one.astype(np.int16) - other).mean())
        for one, other in combinations(cells, 2)
        if one.shape == other.shape
    ]
    return _rounded(float(np.mean(pairs))) if pairs else None


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.5g}")


def _scores_file(finished: Finished, name: str) -> Path:
    return pictures_path(finished.out / "scores" / f"{name}-seed{finished.seed}.json")


def _read_values(finished: Finished, shown: Sequence[str]) -> Values:
    return {
        (name, *place): value
        for name in shown
        if (path := _scores_file(finished, name)).is_file()
        for *place, value in _read_scores(path).itertuples(index=False, name=None)
    }


def _read_scores(path: Path) -> pd.DataFrame:
    """Source, target, picture, metric, value; names such as 007 and NA stay names."""
    texts: Any = dict.fromkeys(("source", "target", "picture", "metric"), str)
    read = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={"value": ["", "nan"]})
    return read[["source", "target", "picture", "metric", "value"]]
