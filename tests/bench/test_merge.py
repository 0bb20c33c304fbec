"""Finished benches of one protocol become one report; others are refused, with what differs."""

import contextlib
import csv
import json
import shutil
import sys

import pytest

from i2i import cli
from i2i.benchmarks.analysis.results import collect
from i2i.benchmarks.directions import expand
from i2i.benchmarks.job_id import REAL_SCORES, JobId
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report import protocol
from i2i.benchmarks.report.merge import differences, merge
from i2i.benchmarks.results_folder import finished_results
from i2i.benchmarks.results_folder.finished_results import Stored
from i2i.benchmarks.suite.schema import Suite
from i2i.data.layouts import scan
from i2i.data.synthetic import embedded
from i2i.errors import UserError
from tests.support import in_process
from tests.support.facts import plan_facts
from tests.support.job_functions import Nothing

WAYS = (("summer", "winter"), ("winter", "summer"))
DOMAINS = ("summer", "winter")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "seasons"
    embedded.make("seasons", folder, (16, 16), 3, 2)
    return folder


def pretend(out, data, values, seeds=(0,), reference=("identity",), budget=7000, claims=()):
    """A results folder as a bench leaves it, with these PSNR by method, and without networks."""
    settings = {"data": {"path": str(data), "image_size": 16, "domains": list(DOMAINS)}}
    suite = Suite(models=("identity",), seeds=seeds, settings=settings, claims=tuple(claims))
    names = [*values, *(name for name in reference if name not in values)]
    training_runs = [
        t for name in names for seed in seeds for t in expand(name, "all", DOMAINS, WAYS, 0, "dataset", seed)
    ]
    jobs = [Nothing(id=t.id, key=f"train {t.id}") for t in training_runs]
    scored = [(JobId("score", name, seed), f"{name}-seed{seed}") for name in names for seed in seeds]
    scored.append((REAL_SCORES, "real"))
    jobs += [Nothing(id=job, key=f"score {stem}") for job, stem in scored]
    found = scan(data).restricted(DOMAINS)
    facts = {
        "dataset": str(found),
        "paired": True,
        "domains": list(DOMAINS),
        "directions": [list(way) for way in WAYS],
        "fingerprint": found.fingerprint(),
        "image_size": "16x16",
        "budget": {"images": budget, "per": "dataset"},
        "seeds": list(seeds),
        "suite": suite.model_dump(mode="json"),
        "scoring_version": 2,
        "lpips": None,
        "checkpoint": "last",
        "methods": {name: {"model": "identity", "settings": {}, "checkpoint": "last"} for name in names},
        "baselines": [name for name in reference if name not in values],
    }
    plan = Plan(out, "seasons", DOMAINS, WAYS, tuple(training_runs), {}, tuple(jobs), plan_facts(**facts))
    put(out / "plan.json", plan.recorded())
    for training in training_runs:
        put(out / training.folder / "key.json", {"key": f"train {training.id}"})
    for _, stem in scored:
        value = values.get(stem.split("-seed")[0], 10.0)
        rows = [{"source": a, "target": b, "metric": "psnr", "value": value, "n": 2} for a, b in WAYS]
        put(out / "scores" / f"{stem}.json", {"key": f"score {stem}", "features": None, "rows": rows})
    for name in names:
        for a, b in WAYS:
            folder = out / "translations" / name / f"seed{seeds[0]}" / f"{a}2{b}"
            shutil.copytree(data / "test" / a, folder)
        put(out / "translations" / name / f"seed{seeds[0]}" / "key.json", {"key": f"translate {name}"})
    results = collect(plan, {})
    put(out / "protocol.json", protocol.card(plan, results, protocol.list_files(plan)))
    put(out / "results.json", {"failed": {}})
    return out


def put(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def report(*arguments, draws=False):
    """Run `i2i report`, whose figures take longer than all else; returns its exit status."""
    with contextlib.nullcontext() if draws else in_process.undrawn():
        return in_process.command("report", *arguments)


def psnr_of(out):
    with (out / "results.csv").open() as file:
        return {row["model"]: float(row["value"]) for row in csv.DictReader(file)}


@pytest.fixture
def benches(tmp_path, data):
    x = pretend(tmp_path / "x", data, {"stargan": 21.0, "cyclegan": 20.0})
    y = pretend(tmp_path / "y", data, {"cyclegan": 22.0, "mine": 23.0})
    return x, y


@pytest.mark.integration
def test_a_merged_report_has_everybody_once_and_a_suffix_where_a_name_is_taken(benches, tmp_path, capsys):
    both = tmp_path / "both"
    assert report(*benches, "--out", both, draws=True) == 0
    expected = {"stargan": 21.0, "cyclegan@x": 20.0, "cyclegan@y": 22.0, "mine": 23.0, "identity": 10.0, "real": 10.0}
    assert psnr_of(both) == expected
    said = capsys.readouterr().out.split(f"results in {both}: ")[1].strip().split(", ")
    assert {"table.md", "table.tex", "results.json", "protocol.json", "grid.png", "grid.pdf"} <= set(said)
    card = json.loads((both / "protocol.json").read_text())
    assert set(card["methods"]) == expected.keys() - {"real"}
    assert card["fingerprint"] == json.loads((benches[0] / "protocol.json").read_text())["fingerprint"]


@pytest.mark.integration
def test_a_merged_report_needs_its_benches_no_more(benches, tmp_path):
    both = tmp_path / "both"
    assert report(*benches, "--out", both) == 0
    table = (both / "table.md").read_text()
    for bench in benches:
        shutil.rmtree(bench)
    assert report(both, draws=True) == 0
    assert (both / "table.md").read_text() == table
    sys.argv = ["i2i", "grid", str(both), "--columns", "input,cyclegan@y", "--out", str(tmp_path / "grid.png")]
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 0
    assert (tmp_path / "grid.png").is_file()


@pytest.mark.integration
def test_merging_again_leaves_nothing_of_before_and_no_bench_runs_in_the_folder(benches, tmp_path, capsys):
    both = tmp_path / "both"
    assert report(*benches, "--out", both) == 0
    assert report(benches[0], "--out", both) == 0
    assert set(psnr_of(both)) == {"stargan", "cyclegan", "identity", "real"}
    assert sorted(path.name for path in (both / "translations").iterdir()) == ["cyclegan", "identity", "stargan"]
    sys.argv = ["i2i", "bench", "--out", str(both), "--set", "data.image_size=16"]
    sys.argv += ["--set", "data.scenes=2", "--set", "data.test_scenes=2", "--dry-run"]
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert "holds a merged report" in capsys.readouterr().err


def test_unlike_protocols_are_refused_and_what_differs_is_said(tmp_path, data, capsys):
    x = pretend(tmp_path / "x", data, {"stargan": 21.0}, budget=7000)
    y = pretend(tmp_path / "y", data, {"mine": 23.0}, budget=22000, seeds=(0, 1))
    assert report(x, y, "--out", tmp_path / "both") == 2
    said = capsys.readouterr().err
    assert f"  budget.images: 7000 in {x}, 22000 in {y}\n" in said
    assert f"  seeds: [0] in {x}, [0, 1] in {y}\n" in said
    assert len(said.splitlines()) == 4
    assert said.splitlines()[-1].startswith("repeat one with what the other has; i2i results pack")
    assert not (tmp_path / "both").exists()


def test_differences_name_what_is_absent_and_leave_out_what_is_equal():
    first = {"a": {"b": 1, "c": [1, 2]}, "d": None, "e": {}}
    assert differences(first, first) == []
    assert differences(first, {"a": {"b": 2, "c": [1, 2]}, "d": None, "e": {"f": "g"}}) == [
        ("a.b", 1, 2),
        ("e", {}, None),
        ("e.f", None, "g"),
    ]


def test_a_bench_without_all_its_results_is_called_unfinished(benches, tmp_path, capsys):
    (benches[1] / "scores" / "mine-seed0.json").unlink()
    assert report(*benches, "--out", tmp_path / "both") == 2
    assert "is unfinished: 1 results are missing (scores of mine, seed 0)" in capsys.readouterr().err
    assert report(benches[1]) == 1
    assert "failed: scores of mine, seed 0: not done" in capsys.readouterr().err
    assert "mine" not in psnr_of(benches[1])
    for path in (benches[1] / "scores").iterdir():
        path.unlink()
    assert report(benches[1]) == 2
    assert "holds no scores yet" in capsys.readouterr().err


def test_results_of_other_settings_than_those_of_the_plan_are_not_reported(benches):
    path = benches[0] / "scores" / "stargan-seed0.json"
    put(path, {**json.loads(path.read_text()), "key": "of another budget"})
    assert list(map(str, Stored.load(benches[0]).absent)) == ["scores of stargan, seed 0"]


def test_a_training_that_failed_stays_failed_in_the_merged_report(benches, tmp_path, capsys):
    y = benches[1]
    (y / "scores" / "cyclegan-seed0.json").unlink()
    found = json.loads((y / "results.json").read_text())
    put(y / "results.json", {**found, "failed": {"scores of cyclegan, seed 0": "a loss was not finite"}})
    assert report(*benches, "--out", tmp_path / "both") == 1
    assert "failed: scores of cyclegan@y, seed 0: a loss was not finite" in capsys.readouterr().err
    assert "cyclegan@y" not in psnr_of(tmp_path / "both")


def test_changed_images_are_no_longer_those_of_the_report(tmp_path, data, capsys):
    mine = tmp_path / "seasons"
    shutil.copytree(data, mine)
    out = pretend(tmp_path / "x", mine, {"stargan": 21.0})
    next((mine / "test" / "summer").iterdir()).write_bytes(next((mine / "test" / "winter").iterdir()).read_bytes())
    assert report(out) == 2
    assert "holds other images than those" in capsys.readouterr().err


@pytest.mark.integration
def test_claims_of_all_benches_are_scored_where_their_methods_are(tmp_path, data):
    def claim(*order):
        return {"metric": "psnr", "order": order, "says": " over ".join(order)}

    x = pretend(tmp_path / "x", data, {"stargan": 21.0}, claims=[claim("stargan", "identity")])
    y = pretend(
        tmp_path / "y", data, {"reinhard": 9.0}, claims=[claim("reinhard", "identity"), claim("pix2pix", "reinhard")]
    )
    assert report(x, y, "--out", tmp_path / "both") == 0
    claims = json.loads((tmp_path / "both" / "results.json").read_text())["claims"]
    assert [text.split(":")[0] for text in claims] == ["stargan over identity", "reinhard over identity"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["x", "y"], "needs a folder of its own"),
        (["x", "x", "--out", "both"], "is named twice"),
        (["x", "y", "--out", "x"], "holds other files and no merged report"),
        (["x", "nowhere", "--out", "both"], "is no results folder of a bench"),
        (["x", "more/x", "--out", "both"], "the same folder name: rename one"),
    ],
)
def test_other_requests_are_refused(benches, tmp_path, monkeypatch, capsys, arguments, complaint):
    shutil.copytree(benches[0], tmp_path / "more" / "x")
    monkeypatch.chdir(tmp_path)
    assert report(*arguments) == 2
    assert complaint in capsys.readouterr().err


def test_an_older_protocol_card_is_not_trusted(benches, tmp_path):
    plan = json.loads((benches[1] / "plan.json").read_text())
    put(benches[1] / "plan.json", {**plan, "budget": {"images": 9000, "per": "dataset"}})
    with pytest.raises(UserError, match="is older than the results"):
        merge(benches, tmp_path / "both")
    (benches[0] / "protocol.json").unlink()
    with pytest.raises(UserError, match="has no protocol"):
        merge(benches, tmp_path / "both")
    put(benches[0] / "plan.json", {name: value for name, value in plan.items() if name != "keys"})
    with pytest.raises(UserError, match="another version of i2i"):
        merge(benches, tmp_path / "both")


SMALL = ["data.image_size=16", "data.scenes=6", "data.test_scenes=3", "data.domains=summer,winter", "budget.images=32"]
SMALL += ["classifier.images=32", "stargan.width=2", "stargan.discriminator_width=2", "stargan.blocks=1"]
SMALL += ["stargan.layers=3"]


@pytest.mark.slow
def test_benches_that_were_run_merge_with_their_costs(tmp_path, monkeypatch):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    for name, penalty in (("x", 10), ("y", 3)):
        settings = [f"--set={text}" for text in [*SMALL, f"stargan.lambda_reconstruction={penalty}"]]
        assert in_process.bench(tmp_path / name, "--models=stargan", *settings) == 0
    table = (tmp_path / "x" / "table.md").read_text()
    assert report(tmp_path / "x") == 0
    assert (tmp_path / "x" / "table.md").read_text() == table
    assert report(tmp_path / "x", tmp_path / "y", "--out", tmp_path / "both") == 0
    found, *own = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("both", "x", "y"))
    for name, bench in zip(("x", "y"), own, strict=True):
        assert found["models"][f"stargan@{name}"] == bench["models"]["stargan"]
    assert found["models"]["reinhard"] == own[0]["models"]["reinhard"]
    card = json.loads((tmp_path / "both" / "protocol.json").read_text())
    settings = [card["methods"][f"stargan@{name}"]["settings"]["model"] for name in ("x", "y")]
    assert [own["lambda_reconstruction"] for own in settings] == [10, 3]


def test_external_translations_stand_for_the_first_seed_alone(tmp_path):
    training_runs = [one for seed in (3, 4) for one in expand("mine", "all", DOMAINS, WAYS, 0, "dataset", seed)]
    plan = Plan(tmp_path, "x", DOMAINS, WAYS, tuple(training_runs), {}, (), plan_facts(), ("elsewhere",))
    places = dict(finished_results._places(plan))
    assert places[JobId("external", "elsewhere")].folder == tmp_path / "translations/elsewhere/seed3"
    assert places[JobId("translate", "mine", 4)].folder == tmp_path / "translations/mine/seed4"
