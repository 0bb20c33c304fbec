"""A made-up bench with images and scores of single images, for the tests of report.html."""

import json

import numpy as np
import pandas as pd
from PIL import Image

from i2i.benchmarks.analysis.costs import Costs
from i2i.benchmarks.analysis.results import COLUMNS, Results
from i2i.benchmarks.directions import expand
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.suite.schema import Suite
from i2i.labels import LabelSpace
from i2i.utils.joined_names import direction_name
from tests.support.facts import plan_facts

SIZE, SCENES = 16, 8
NASTY = (
    "<img src=x onerror=alert(1)>",
    "\"quote' & <!--<script>",
    "naïve 犬\u2028line",
    "</script><script>window.hacked=1</script>",
    "two\nlines`tick`",
)
CARD = {
    "fingerprint": "0123456789abcdef",
    "protocol": {"domains": ["a"], "budget": {"images": 10}, "checkpoint": "last", "digest": "ab" * 32},
    "methods": {"one": {"model": "stargan"}},
    "versions": {"torch": "2"},
}


def made_up_bench(tmp_path, nasty=False, seeds=(0,)):
    """Plan and results of two translators and a reference row, with data and translations in folders.

    With `nasty` all names are such that a careless page runs or breaks on them. The reference row has the first seed
    alone.
    """
    # A folder cannot hold a slash, and a domain cannot either.
    names = [name.replace("/", "∕") for name in NASTY]
    domains = tuple(NASTY[:3]) if nasty else ("a", "b", "c")
    first, second = (names[3], names[4]) if nasty else ("one", "two")
    data, out = tmp_path / (names[0] if nasty else "data"), tmp_path / "out"
    rng = np.random.default_rng(0)
    stems = [f"{names[0] if nasty else ''}{number:05d}" for number in range(SCENES)]
    _write_data(data, domains, stems, rng)
    directions = LabelSpace.of_domains(domains).directions
    suite = Suite(settings={"data": {"path": str(data), "image_size": SIZE}})
    facts = {
        "dataset": f"{data.name} (a folder per domain, paired)",
        "paired": True,
        "domains": list(domains),
        "directions": [list(way) for way in directions],
        "fingerprint": "0" * 16,
        "image_size": f"{SIZE}x{SIZE}",
        "budget": suite.budget.model_dump(),
        "seeds": list(seeds),
        "suite": suite.model_dump(mode="json"),
        "checkpoint": "last",
        "methods": {name: {"checkpoint": "last"} for name in (first, second, "copy")},
        "baselines": ["copy"],
    }
    methods = (first, second, "copy")
    training_runs = tuple(
        training
        for seed in seeds
        for name in methods
        for training in expand(name, "all", domains, directions, 0 if name == "copy" else 10, "dataset", seed)
    )
    skipped = {"pix2pix": "it needs pairs"}
    plan = Plan(out, data.name, domains, directions, training_runs, skipped, (), plan_facts(**facts))
    for seed in seeds:
        for name in methods if seed == seeds[0] else (first, second):
            _write_translations(out, data, name, seed, directions, stems, rng)
            _write_scores(out, name, seed, directions, stems, rng)
    rows = [
        (data.name, name, 0, source, target, metric, float(rng.normal(20, 3)), SCENES)
        for name in methods
        for metric in ("psnr", "fid")
        for source, target in directions
    ]
    rows += [(data.name, "real", 0, domain, domain, "fid", float(rng.normal(1, 0.1)), SCENES) for domain in domains]
    costs = {
        name: Costs(0 if name == "copy" else number, 3e6, 1e6, 4e4, 90.0 / number, None, None, None, "dropout off")
        for number, name in enumerate(methods, 1)
    }
    return plan, Results(pd.DataFrame(rows, columns=COLUMNS), costs, {})


def scores_of(plan, name, seed=0):
    """Scores of single images, as a table."""
    return pd.read_csv(plan.out / "scores" / f"{name}-seed{seed}.images.csv", dtype={"image": str})


def _write_data(data, domains, stems, rng):
    for split in ("train", "test"):
        for domain in domains:
            folder = data / split / domain
            folder.mkdir(parents=True)
            for stem in stems:
                _write(folder / f"{stem}.png", rng)
    (data / "i2i.json").write_text(json.dumps({"paired": True}))


def _write_translations(out, data, name, seed, directions, stems, rng):
    place = out / "translations" / name / f"seed{seed}"
    for source, target in directions:
        folder = place / direction_name((source, target))
        folder.mkdir(parents=True)
        for stem in stems:
            if name == "copy":
                (folder / f"{stem}.png").write_bytes((data / "test" / source / f"{stem}.png").read_bytes())
            else:
                _write(folder / f"{stem}.png", rng)
    (place / "key.json").write_text(json.dumps({"key": f"{name} {seed}"}))


def _write_scores(out, name, seed, directions, stems, rng):
    rows = [
        (source, target, stem, metric, value)
        for source, target in directions
        for stem in stems
        for metric, value in (("psnr", rng.normal(20, 3)), ("accuracy", rng.integers(0, 2)))
    ]
    (out / "scores").mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=["source", "target", "image", "metric", "value"])
    table.to_csv(out / "scores" / f"{name}-seed{seed}.images.csv", index=False)


def _write(path, rng):
    """An image of one random colour with some noise, so that files differ and stay small."""
    color = rng.integers(40, 216, 3)
    noise = rng.integers(-6, 6, (SIZE, SIZE, 3))
    Image.fromarray((color + noise).astype(np.uint8)).save(path)
