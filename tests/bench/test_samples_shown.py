"""Grids and the page show the translations of an image that a method has, and call each by its number."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from i2i.benchmarks.report import write
from i2i.benchmarks.report.figures import redraw
from i2i.benchmarks.report.figures.grid_selection import choose
from i2i.benchmarks.report.html import gallery
from i2i.benchmarks.results_folder.finished_bench import Finished, Row
from i2i.benchmarks.results_folder.results_folder import of_sample
from i2i.errors import UserError
from tests.bench.test_grid import STEMS, WAYS, paint, results, run
from tests.support.facts import with_facts
from tests.support.pages import made_up_bench

__all__ = ["results"]  # a fixture
COUNT = 3


@pytest.fixture
def sampled(results):
    """The bench of the grids, in which `one` has three translations of each image, of the levels 10 and 20."""
    facts = json.loads((results / "plan.json").read_text())
    facts["methods"]["one"]["samples"] = COUNT
    (results / "plan.json").write_text(json.dumps(facts))
    for sample in range(1, COUNT):
        for source, target in WAYS:
            for stem in STEMS:
                folder = of_sample(results / "translations/one/seed0", sample) / f"{source}2{target}"
                paint(folder / f"{stem}.png", 10 * sample)
    return results


def test_columns_of_samples_show_them(sampled):
    finished = Finished.load(sampled)
    columns = finished.columns("input, one,one.s1,one.s2")
    shown = [int(finished.cell(column, Row(("a", "b"), 0)).mean()) for column in columns]
    assert shown[2:] == [10, 20] and shown[1] not in shown[2:]
    assert list(map(finished.heading, columns)) == ["input", "one", "one, sample 2", "one, sample 3"]
    assert (finished.samples("one"), finished.samples("one", 2), finished.samples("two")) == (
        columns[2:],
        ["one.s1"],
        [],
    )
    assert finished.positions(("a", "b"), columns) == list(range(len(STEMS)))
    rows, note = choose(finished, "worst:2", columns, 0)
    assert "one.s1" not in note and len(rows) == 2
    assert "one, one.s1, one.s2 differ" in choose(finished, "disagree:2", columns, 0)[1]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("one.s3", "there is no one.s3: the last of its 3 translations of each image is one.s2"),
        ("two.s1", "there is no two.s1: two gives one translation of each image"),
        ("one.s0", "unknown column 'one.s0'"),
        ("nobody.s1", "unknown column 'nobody.s1'"),
        ("input.s1", "there is no input.s1"),
        ("broken.s1", "the translations of broken are not finished"),
    ],
)
def test_samples_that_are_not_there_are_refused(sampled, column, said):
    with pytest.raises(UserError) as refused:
        Finished.load(sampled).columns(column)
    assert said in str(refused.value)


@pytest.mark.integration
def test_the_command_adds_columns_of_samples(sampled, capsys):
    widths = []
    for samples in (1, 2, 100):
        out = sampled / f"{samples}.png"
        assert run(sampled, "--rows", "random:2", "--samples", samples, "--out", out) == 0
        with Image.open(out) as drawn:
            widths.append(drawn.width)
    assert widths[1] - widths[0] == pytest.approx(widths[2] - widths[1], abs=2) and widths[1] > widths[0]
    assert run(sampled, "--samples", 0, "--out", sampled / "none.png") == 2


def bench_of_samples(tmp_path, samples=8):
    plan, found = made_up_bench(tmp_path)
    methods = {name: {"samples": samples if name == "one" else 1} for name in ("one", "two", "copy")}
    folder = plan.out / "translations/one/seed0"
    ways = [path for path in folder.iterdir() if path.is_dir()]
    for sample in range(1, samples):
        for way in ways:
            shutil.copytree(way, of_sample(folder, sample) / way.name)
            for number, path in enumerate(sorted((of_sample(folder, sample) / way.name).iterdir())):
                Image.fromarray(np.full((16, 16, 3), 20 * sample + number, np.uint8)).save(path)
    return with_facts(plan, methods=methods), found


@pytest.mark.integration
def test_the_page_shows_some_samples_beside_the_scored_translation(tmp_path):
    plan, found = bench_of_samples(tmp_path)
    shown = gallery.gallery(plan, found)
    samples = [f"one.s{number}" for number in range(1, gallery.SAMPLES)]
    assert shown["columns"] == ["input", "one", *samples, "two", "copy", "target"]
    assert shown["headings"][1:4] == ["one", "one, sample 2", "one, sample 3"]
    assert shown["translators"] == ["one", "two"]
    (entry,) = shown["directions"][0]["images"][0]["seeds"]
    assert len(set(entry["images"][1 : 1 + gallery.SAMPLES])) == gallery.SAMPLES
    assert [any(value is not None for value in own) for own in entry["scores"][1:7]] == [True, *[False] * 4, True]
    shutil.rmtree(plan.out / "translations/one/seed0/samples")
    assert gallery.columns(plan, found) == ["input", "one", "two", "copy", "target"]


@pytest.mark.integration
def test_a_report_has_an_image_of_samples_where_there_are_any(tmp_path):
    plan, found = bench_of_samples(tmp_path, samples=3)
    assert write._samples(plan, found) == [f"samples{suffix}" for suffix in redraw.SUFFIXES]
    with Image.open(plan.out / "samples.png") as drawn:
        pixels = np.asarray(drawn.convert("RGB")).reshape(-1, 3)
    levels = {int(gray) for gray in np.unique(pixels[(pixels == pixels[:, :1]).all(axis=1), 0])}
    assert levels & set(range(20, 28)) and levels & set(range(40, 48))
    alone = with_facts(plan, methods={name: {} for name in ("one", "two", "copy")})
    assert write._samples(alone, found) == []
    assert not (plan.out / "samples.png").exists()
    assert write._samples(alone, found) == []
