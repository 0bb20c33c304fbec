"""A bench with features of one's own choice."""

import csv

import pytest
import timm
import torch
import torchvision

from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.suite.overrides import load_suite
from i2i.config import parse_assignments
from i2i.errors import UserError
from i2i.metrics.features.extractors import parse_extractor
from i2i.metrics.lpips import parse_lpips
from i2i.metrics.registry import content_name, kernel_name
from tests.support import in_process

BACKBONE = "resnet10t"
SMALL = [
    "data.image_size=16",
    "data.scenes=4",
    "data.test_scenes=3",
    "data.domains=summer,winter",
    "classifier.images=32",
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


def backbone(path, seed=0):
    torch.manual_seed(seed)
    torch.save(timm.create_model(BACKBONE).state_dict(), path)
    return f"timm:{BACKBONE}:{path}"


def plan(place, **options):
    data = parse_assignments(SMALL)["data"]
    return prepare(load_suite("seasons", "colour", data, SMALL), place / "bench", **options)


def score_keys(place, **options):
    return [job.key for job in plan(place, **options).jobs if "scores" in job.name]


def test_scores_depend_on_the_extractor_and_nothing_else_does(place):
    one, other = backbone(place / "one.pth"), backbone(place / "other.pth", 1)
    (place / "moved.pth").write_bytes((place / "one.pth").read_bytes())
    plain, ours = score_keys(place), score_keys(place, extractor=one)
    assert not set(plain) & set(ours)
    assert not set(ours) & set(score_keys(place, extractor=other))
    assert ours == score_keys(place, extractor=f"timm:{BACKBONE}:{place / 'moved.pth'}")
    others = [
        [job.key for job in plan(place, **options).jobs if "scores" not in job.name]
        for options in ({}, {"extractor": one})
    ]
    assert others[0] == others[1]


def test_an_extractor_that_cannot_be_built_is_refused_before_any_training(place):
    wrong = place / "wrong.pth"
    torch.save({"weight": torch.zeros(1)}, wrong)
    with pytest.raises(UserError, match="does not hold the weights of timm-resnet10t"):
        plan(place, extractor=f"timm:{BACKBONE}:{wrong}")
    with pytest.raises(UserError, match="--inception and --extractor are two extractors"):
        plan(place, extractor=f"timm:{BACKBONE}:{wrong}", inception=wrong)


def test_scores_depend_on_lpips_which_the_card_names(place):
    channels = (64, 192, 384, 256, 256)
    heads = {f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(channels)}
    torch.save(heads, place / "heads.pth")
    features = torchvision.models.AlexNet().features.state_dict()
    torch.save({f"features.{name}": tensor for name, tensor in features.items()}, place / "backbone.pth")
    spec = f"alex:{place / 'backbone.pth'}:{place / 'heads.pth'}"
    with pytest.raises(UserError, match="LPIPS on alex needs 31 pixels a side, not 16x16"):
        plan(place, lpips=spec)
    larger = [*SMALL, "data.image_size=32"]
    plain, ours = (
        prepare(load_suite("seasons", "colour", {}, larger), place / "bench", lpips=chosen) for chosen in (None, spec)
    )
    assert (plain.facts.lpips, ours.facts.lpips) == (None, parse_lpips(spec).fingerprint)
    changed = [new.name for old, new in zip(plain.jobs, ours.jobs, strict=True) if old.key != new.key]
    assert changed
    assert all(name.startswith("scores") for name in changed)


@pytest.mark.slow
def test_a_bench_measures_distances_in_the_named_features(place):
    spec = backbone(place / "one.pth")
    settings = [f"--set={setting}" for setting in SMALL]
    assert in_process.bench("bench", "--models=colour", "--extractor", spec, *settings) == 0
    with (place / "bench" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    name = parse_extractor(spec).build().name
    assert {"accuracy", name, kernel_name(name), content_name(name), "psnr"} < {row["metric"] for row in rows}
    assert f"{name} ↓" in (place / "bench" / "table.md").read_text()
