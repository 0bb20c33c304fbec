"""A bench with a label map finds it, trains a segmenter once, and scores classes in both directions."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from i2i.benchmarks.evaluation.label_map_scores import LabelMap, LabelMapScores
from i2i.benchmarks.job_id import SEGMENTER
from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.suite.overrides import load_suite
from i2i.errors import UserError
from i2i.metrics.registry import SEGMENTATION, metric_named, segmented_name
from i2i.metrics.segmentation.palette import Palette
from i2i.metrics.segmentation.segmenter import Segmenter
from tests.support import in_process

COLORS = {"sky": (0, 120, 240), "road": (128, 64, 128), "car": (64, 0, 16)}
SMALL = ["data.image_size=16", "classifier.images=16"]
SIDE = 16


def drawn(seed, count):
    """Photos and label maps, uint8 [N, SIDE, SIDE, 3] each."""
    random = np.random.default_rng(seed)
    numbers = random.integers(0, 3, (count, SIDE // 8, SIDE // 8)).repeat(8, axis=1).repeat(8, axis=2)
    photos = 40 + 70 * numbers[..., None] + random.integers(-30, 31, (count, SIDE, SIDE, 3))
    return photos.astype(np.uint8), np.array(list(COLORS.values()), dtype=np.uint8)[numbers]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "streets"
    for seed, (split, count) in enumerate((("train", 8), ("test", 3))):
        for domain, images in zip(("photo", "label"), drawn(seed, count), strict=True):
            (root / split / domain).mkdir(parents=True)
            for number, pixels in enumerate(images):
                Image.fromarray(pixels).save(root / split / domain / f"street{number}.png")
    (root / "i2i.json").write_text('{"paired": true}')
    return root


def plan(folder, tmp_path, *settings):
    suite = load_suite("quick", "reinhard", {"path": str(folder)}, [*SMALL, *settings])
    return prepare(suite, tmp_path / "bench", extractor="classifier")


def keys(found):
    return {job.name: job.key for job in found.jobs}


def scores(found):
    return {name: key for name, key in keys(found).items() if name.startswith("scores")}


def test_a_domain_of_few_exact_colors_is_found_with_its_palette(folder, tmp_path):
    found = plan(folder, tmp_path)
    assert found.facts.label_map.domain == "label"
    assert set(found.facts.label_map.palette.values()) == set(COLORS.values())
    needed = {job.name: SEGMENTER in job.needs for job in found.jobs if job.name.startswith("scores")}
    assert needed
    assert all(needed.values())


def test_scores_depend_on_the_palette_and_on_nothing_of_it_where_no_domain_is_a_label_map(folder, tmp_path):
    found, named = plan(folder, tmp_path), plan(folder, tmp_path, "scoring.label_map=label")
    assert keys(found) == keys(named)
    given = [f"scoring.palette.{name}={list(color)}" for name, color in COLORS.items()]
    assert not set(scores(found).values()) & set(scores(plan(folder, tmp_path, *given)).values())
    none = plan(folder, tmp_path, "scoring.label_map=none")
    assert none.facts.label_map is None
    assert keys(none).keys() == keys(found).keys() - {"segmenter"}
    unused = plan(folder, tmp_path, "scoring.label_map=none", *given)
    assert keys(unused) == keys(none)
    others = keys(found).keys() - scores(found).keys() - {"segmenter"}
    assert {name: keys(found)[name] for name in others} == {name: keys(none)[name] for name in others}


def test_the_card_of_the_data_can_say_it(folder, tmp_path):
    copied = tmp_path / "copy"
    copied.mkdir()
    for split in ("train", "test"):
        (copied / split).symlink_to(folder / split, target_is_directory=True)
    card = {
        "label_map": "label",
        "palette": {**{name: list(color) for name, color in COLORS.items()}, "void": [9, 9, 9]},
    }
    (copied / "i2i.json").write_text(json.dumps({**card, "paired": True}))
    assert plan(copied, tmp_path).facts.label_map.palette["void"] == (9, 9, 9)
    (copied / "i2i.json").write_text(json.dumps({"label_map": "photo", "paired": True}))
    with pytest.raises(UserError, match=r"label maps have 2 to 64 colors, but 0 were found\nname the domain"):
        plan(copied, tmp_path)
    (copied / "i2i.json").write_text(json.dumps({"label_map": "lable", "paired": True}))
    with pytest.raises(UserError, match="unknown domain 'lable'; did you mean 'label'"):
        plan(copied, tmp_path)


def test_label_maps_need_pairs_and_a_palette_without_equal_colors(folder, tmp_path):
    with pytest.raises(UserError, match=r"declared a label map, but streets has no pairs.*\nleave --label-maps out"):
        plan(folder, tmp_path, "data.paired=false", "scoring.label_map=label")
    assert plan(folder, tmp_path, "data.paired=false").facts.label_map is None
    twice = ["scoring.palette.sky=[1, 2, 3]", "scoring.palette.sea=[1, 2, 3]"]
    with pytest.raises(UserError, match=r"palette: sky and sea are both \[1, 2, 3\]\ngive each class"):
        plan(folder, tmp_path, *twice)


@pytest.fixture
def label_map(tmp_path):
    """A label map with a segmenter that has learnt nothing."""
    palette = Palette.given(COLORS)
    torch.manual_seed(0)
    Segmenter(palette).save(tmp_path / "segmenter" / "s.safetensors")
    return LabelMap("label", palette, tmp_path / "segmenter" / "s.safetensors")


def test_translations_to_the_label_map_are_compared_with_the_truth_and_those_from_it_with_their_input(label_map):
    photos, maps = (torch.from_numpy(images).permute(0, 3, 1, 2).contiguous() for images in drawn(0, 4))
    scorer, stems = LabelMapScores(label_map, torch.device("cpu")), list("abcd")
    there = scorer.of(("photo", "label"), stems, maps, photos, maps)
    assert {row["metric"]: row["value"] for row in there.rows} == dict.fromkeys(SEGMENTATION, 1.0)
    shuffled = scorer.of(("photo", "label"), stems, maps.roll(1, 0), photos, maps)
    assert {row["metric"] for row in shuffled.rows if row["value"] < 0.9} == set(SEGMENTATION)
    back = scorer.of(("label", "photo"), stems, photos, maps, photos)
    assert [row["metric"] for row in back.rows] == [segmented_name(name) for name in SEGMENTATION]
    ceiling = scorer.of_photos(("photo", "photo"), stems, photos, maps)
    assert [row["value"] for row in back.rows] == [row["value"] for row in ceiling.rows]
    assert not scorer.of(("photo", "sketch"), stems, photos, photos, photos).rows
    assert {entry["image"] for entry in there.images} == set(stems)


def test_scores_of_label_maps_are_listed():
    for name in (*SEGMENTATION, *map(segmented_name, SEGMENTATION)):
        metric = metric_named(name)
        assert (metric.kind, metric.higher_is_better, metric.bounds) == ("segmentation", True, (0.0, 1.0))


@pytest.mark.slow
def test_a_bench_scores_label_maps_both_ways_and_tells_the_ceiling(folder, tmp_path):
    settings = [f"--set={setting}" for setting in (*SMALL, "classifier.images=640")]
    out = tmp_path / "bench"
    arguments = ["--models=reinhard", "--extractor", "classifier", *settings]
    assert in_process.bench(out, "--data", folder, "--suite", "quick", *arguments) == 0
    with (out / "results.csv").open() as file:
        places = ("model", "source", "target", "metric")
        rows = {tuple(row[place] for place in places): float(row["value"]) for row in csv.DictReader(file)}
    assert rows["real", "photo", "photo", "segmented-pixel-accuracy"] > 0.8
    assert rows["identity", "label", "photo", "segmented-pixel-accuracy"] < 0.8
    assert 0 <= rows["reinhard", "photo", "label", "mean-iou"] < 1
    assert ("reinhard", "label", "photo", "mean-iou") not in rows
    table = (out / "table.md").read_text()
    assert "`label` is a label map of 3 classes, as its images or its card show them." in table
    assert json.loads((out / "protocol.json").read_text())["protocol"]["label_map"]["domain"] == "label"
    before = (out / "segmenter" / "segmenter.safetensors").stat().st_mtime_ns
    assert in_process.bench(out) == 0
    assert (out / "segmenter" / "segmenter.safetensors").stat().st_mtime_ns == before
