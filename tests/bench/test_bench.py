"""The bench from end to end, with networks so small that it takes seconds."""

import csv
import hashlib
import json
import os
from functools import partial

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import i2i
from i2i.benchmarks.analysis.number_format import scaled, speed
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.jobs.train import Train
from i2i.config import stable_hash
from i2i.data.image_files.images import read_image
from i2i.data.synthetic import embedded
from i2i.metrics.paired import psnr
from tests.support import in_process
from tests.support.in_process import command

SMALL = [
    "data.image_size=16",
    "data.scenes=6",
    "data.test_scenes=3",
    "data.domains=summer,winter,night",
    "train.checkpoint_every=1000",
    "budget.images=48",
    "classifier.images=96",
    "pix2pix.width=2",
    "pix2pix.discriminator_width=2",
    "pix2pix.layers=1",
    "cyclegan.width=2",
    "cyclegan.discriminator_width=2",
    "cyclegan.blocks=1",
    "cyclegan.layers=1",
    "stargan.width=2",
    "stargan.discriminator_width=2",
    "stargan.blocks=1",
    "stargan.layers=3",
]
FEATURES = ("FD-domain-classifier", "KID-domain-classifier")
KEPT = ("content-ssim", "content-domain-classifier", "cycle")
MODELS = ["pix2pix", "cyclegan", "stargan", "identity", "reinhard"]

pytestmark = pytest.mark.slow


SETTINGS = [f"--set={setting}" for setting in SMALL]


def bench(out, *arguments, draws=False):
    """Run `i2i bench`; returns its exit status."""
    return in_process.bench(out, *SETTINGS, *arguments, draws=draws)


def rows_of(out):
    with (out / "results.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    previous = os.environ.get("I2I_CACHE")
    os.environ["I2I_CACHE"] = str(folder)
    yield folder
    if previous is None:
        del os.environ["I2I_CACHE"]
    else:
        os.environ["I2I_CACHE"] = previous


@pytest.fixture(scope="module")
def done(tmp_path_factory, cache, preloaded_processes):
    out = tmp_path_factory.mktemp("bench") / "seasons"
    assert command("bench", "--out", out, *SETTINGS) == 0  # by worker processes
    return out


def test_every_model_is_scored_in_every_direction_by_every_metric(done):
    rows = rows_of(done)
    assert list(rows[0]) == ["dataset", "model", "seed", "source", "target", "metric", "value", "n"]
    found = {(row["model"], row["source"], row["target"], row["metric"]) for row in rows if row["model"] != "real"}
    domains = ["summer", "winter", "night"]
    assert found == {
        (model, source, target, metric)
        for model in MODELS
        for source in domains
        for target in domains
        if source != target
        for metric in ("accuracy", *FEATURES, "psnr", "ssim", "l1", *KEPT)
    }
    assert {row["n"] for row in rows} == {"3"}
    assert {row["dataset"] for row in rows} == {"seasons"}
    real = {(row["target"], row["metric"]) for row in rows if row["model"] == "real"}
    assert real == {(domain, metric) for domain in domains for metric in ("accuracy", *FEATURES)}


def test_translations_are_png_files_of_every_test_image(done):
    for model in MODELS:
        folders = {path.name for path in (done / "translations" / model / "seed0").iterdir() if path.is_dir()}
        assert len(folders) == 6
        for folder in folders:
            names = sorted(path.name for path in (done / "translations" / model / "seed0" / folder).iterdir())
            assert names == ["00006.png", "00007.png", "00008.png"]


def test_the_identity_row_holds_the_psnr_of_the_input_itself(done, cache):
    (data,) = cache.glob("seasons-*")

    def pixels(domain):
        paths = sorted((data / "test" / domain).iterdir())
        stacked = np.stack([np.asarray(read_image(path)) for path in paths])
        return torch.from_numpy(stacked).permute(0, 3, 1, 2)

    expected = float(psnr(pixels("summer"), pixels("night")).mean())
    (row,) = [
        row
        for row in rows_of(done)
        if (row["model"], row["source"], row["target"], row["metric"]) == ("identity", "summer", "night", "psnr")
    ]
    assert float(row["value"]) == pytest.approx(expected, rel=1e-9)


def test_the_cycle_error_needs_a_way_back_and_is_zero_for_a_copy(done, tmp_path, cache):
    cycles = {row["model"]: float(row["value"]) for row in rows_of(done) if row["metric"] == "cycle"}
    assert cycles.keys() == set(MODELS)
    assert [model for model, error in cycles.items() if error == 0] == ["identity"]
    assert bench(tmp_path, "--models", "pix2pix,stargan", "--directions", "summer2winter") == 0
    assert {row["model"] for row in rows_of(tmp_path) if row["metric"] == "cycle"} == {
        "stargan",
        "identity",
        "reinhard",
    }


def test_table_shows_costs_floor_ceiling_and_what_the_numbers_mean(done):
    table = (done / "table.md").read_text()
    main = table.partition("\n- ")[0].splitlines()
    lines = {line.split("|")[1].strip(): line for line in main if line.startswith("| ")}
    assert [lines[model].split("|")[2].strip() for model in MODELS] == ["6", "3", "1", "0", "0"]
    assert "images per data set, divided over a model's training runs" in table
    assert "It is not FID" in table
    assert "pix2pix: dropout on" in table
    for word in ("| identity |", "| reinhard |", "| real |", "accuracy ↑", "PSNR, dB ↑", "fingerprint"):
        assert word in table


def test_costs_are_those_that_training_runs_and_translations_have_recorded(done):
    section = (done / "table.md").read_text().split("## Costs")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
    header, lines = rows[0], {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[2:]}
    assert list(lines) == MODELS
    assert header[-1] == "peak memory, MiB"
    for model in MODELS:
        metas = [
            json.loads(path.read_text()) for path in (done / "trainings" / model).rglob("checkpoints/*/checkpoint.json")
        ]
        together, learns = sum(meta["parameters"] for meta in metas), model not in ("identity", "reinhard")
        assert lines[model]["together"] == f"{together:,}"
        assert lines[model]["parameters each"] == f"{round(together / len(metas)):,}"
        assert lines[model]["images seen"] == f"{sum(meta['images'] for meta in metas):,}"
        made = json.loads((done / "translations" / model / "seed0" / "key.json").read_text())
        assert made["images"] == 18
        assert lines[model]["translation, images/s"] == speed(18 / made["seconds"])
        assert lines[model]["MACs per image"] == scaled(made["macs"])
        assert (made["macs"] > 0) == learns
        assert (lines[model]["training, images/s"] != "–") == learns


def card_of(out):
    return json.loads((out / "protocol.json").read_text())


def test_the_protocol_names_the_images_the_features_and_the_settings_of_the_numbers(done, cache):
    card = card_of(done)
    shared = card["protocol"]
    (data,) = cache.glob("seasons-*")
    with (done / "protocol-files.csv").open() as file:
        listed = list(csv.DictReader(file))
    assert {(row["split"], row["domain"], row["file"]): row["sha256"] for row in listed} == {
        (split, domain, path.name): hashlib.sha256(path.read_bytes()).hexdigest()
        for split in ("train", "test")
        for domain in ("summer", "winter", "night")
        for path in (data / split / domain).iterdir()
    }
    assert {name: found["files"] for name, found in shared["reference"]["domains"].items()} == {
        "summer": 3,
        "winter": 3,
        "night": 3,
    }
    assert shared["directions"]["summer2night"] == {"fake": 3, "real": 3}
    assert (shared["budget"], shared["seeds"], shared["checkpoint"]) == ({"images": 48, "per": "dataset"}, [0], "ema")
    weights = hashlib.sha256((done / "classifier" / "classifier.safetensors").read_bytes()).hexdigest()
    assert shared["features"] == {"name": "FD-domain-classifier", "dimensions": 512, "sha256": weights}
    assert shared["classifier"] == {"backbone": "resnet10t", "images": 96, "blur": 1 / 32, "sha256": weights}
    assert card["fingerprint"] == stable_hash(shared)
    assert f"Protocol {card['fingerprint']}" in (done / "table.md").read_text()
    assert list(card["methods"]) == MODELS
    assert card["methods"]["pix2pix"]["inference"] == "dropout on"
    assert card["methods"]["cyclegan"]["settings"]["model"]["lambda_cycle"] == 10
    assert card["versions"]["torch"] == torch.__version__


def test_the_fingerprint_of_the_protocol_is_of_what_rows_must_share(tmp_path, cache):
    def fingerprint(name, *arguments):
        assert bench(tmp_path / name, "--directions", "summer2winter", *arguments) == 0
        return card_of(tmp_path / name)["fingerprint"]

    first = fingerprint("first", "--models", "identity")
    assert fingerprint("first", "--models", "identity") == first
    assert fingerprint("moved", "--models", "stargan", "--set", "stargan.lambda_reconstruction=3") == first
    others = [("--budget", "images=49", "--seeds", "0"), ("--seeds", "1"), ("--set", "data.test_scenes=4")]
    found = [fingerprint(f"other{number}", "--models", "identity", *other) for number, other in enumerate(others)]
    assert len({first, *found}) == 4


def test_grid_is_an_image_and_a_pdf(done):
    with Image.open(done / "grid.png") as grid:
        assert min(grid.size) > 500
        colors = np.asarray(grid.convert("RGB").resize((64, 64))).reshape(-1, 3)
        assert len(np.unique(colors, axis=0)) > 100
    assert (done / "grid.pdf").read_bytes().startswith(b"%PDF")


def test_the_folder_holds_what_the_bench_says_it_wrote(tmp_path, cache, capsys):
    out = tmp_path / "bench"
    assert bench(out, "--models", "stargan", "--directions", "summer2winter,winter2summer", draws=True) == 0
    said = capsys.readouterr().out.split(f"results in {out}: ")[1].strip().split(", ")
    assert {path.name for path in out.iterdir() if path.is_file()} == {*said, "plan.json", ".drawn.json"}
    found = json.loads((out / "results.json").read_text())
    table, rows = (out / "table.md").read_text(), rows_of(out)
    for metric, score in found["models"]["stargan"]["scores"].items():
        values = [float(row["value"]) for row in rows if (row["model"], row["metric"]) == ("stargan", metric)]
        assert score["mean"] == pytest.approx(np.mean(values))
        assert f"{score['mean']:.{found['metrics'][metric]['decimals']}f} |" in table
    assert found["protocol"] == card_of(out)["fingerprint"]
    assert found["protocol"] in (out / "table.tex").read_text()


def test_a_second_run_computes_nothing(done):
    before = {
        path: path.stat().st_mtime_ns
        for folder in ("trainings", "translations", "scores", "classifier")
        for path in (done / folder).rglob("*")
        if path.is_file()
    }
    assert bench(done) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_bench_in_python_finds_all_done_that_the_command_did_and_shows_its_numbers(done, capsys):
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*.png")}
    capsys.readouterr()
    settings = dict(setting.split("=") for setting in SMALL)
    settings = {name: yaml.safe_load(value) for name, value in settings.items()}
    finished = i2i.bench(out=done, settings=settings)
    assert "domain classifier" not in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in done.rglob("*.png")} == before
    means = finished.scores.groupby(["model", "metric"])["value"].mean()
    assert finished.table.loc["stargan", "psnr"] == pytest.approx(means["stargan", "psnr"])
    assert sorted(finished.table.index) == sorted([*MODELS, "real"])
    assert finished.grid.size == Image.open(done / "grid.png").size


def test_another_budget_trains_again_and_keeps_what_does_not_depend_on_it(done):
    classifier = (done / "classifier" / "classifier.safetensors").stat().st_mtime_ns
    keys = {path: path.read_text() for path in (done / "trainings").rglob("key.json")}
    assert bench(done, "--set", "budget.images=96", "--models", "stargan") == 0
    changed = {path.parent.parent.parent.name for path, text in keys.items() if path.read_text() != text}
    assert changed == {"stargan"}
    assert (done / "classifier" / "classifier.safetensors").stat().st_mtime_ns == classifier
    assert {row["model"] for row in rows_of(done)} == {"stargan", "identity", "reinhard", "real"}


def test_a_failing_training_is_reported_and_the_others_go_on(tmp_path, cache, capfd):
    out = tmp_path / "bench"
    status = bench(
        out, "--models", "stargan,cyclegan", "--set", "stargan.learning_rate=1e30", "--directions", "summer2winter"
    )
    assert status == 1
    models = {row["model"] for row in rows_of(out)}
    assert "cyclegan" in models
    assert "stargan" not in models
    table = (out / "table.md").read_text()
    assert "## Failed" in table
    assert "was not finite" in table
    assert "scores of stargan, seed 0: not run, because translations of stargan, seed 0 failed" in table
    assert "was not finite" in capfd.readouterr().err


def test_unpaired_data_skips_pix2pix_with_the_reason_and_has_no_paired_scores(tmp_path, cache):
    data = tmp_path / "photos"
    embedded.make("seasons", data, (16, 16), 4, 3)
    (data / "i2i.json").write_text(json.dumps({"name": "photos"}))
    out = tmp_path / "bench"
    assert bench(out, "--models", "pix2pix,stargan", "--data", data) == 0
    assert (
        "Skipped: pix2pix, because it learns from aligned pairs and photos has none" in (out / "table.md").read_text()
    )
    assert {row["metric"] for row in rows_of(out)} == {"accuracy", *FEATURES, *KEPT}


VARIANTS = """
base: seasons
models: [many-critics, stargan]
variants:
  many-critics: {model: stargan, settings: {model: {n_critic: 4}}}
claims:
  - {metric: psnr, order: [many-critics, identity], says: critics beat a copy}
"""


def test_a_variant_stands_in_table_scores_and_folders_under_its_own_name(tmp_path, cache):
    suite, out = tmp_path / "critics.yaml", tmp_path / "bench"
    suite.write_text(VARIANTS)
    assert bench(out, "--suite", suite, "--set", "many-critics.width=3", "--directions", "summer2winter") == 0
    assert {row["model"] for row in rows_of(out)} == {"many-critics", "stargan", "identity", "reinhard", "real"}
    settings = {
        name: yaml.safe_load((out / "trainings" / name / "seed0" / "all" / "config.yaml").read_text())["model"]
        for name in ("many-critics", "stargan")
    }
    assert [(own["name"], own["n_critic"], own["width"]) for own in settings.values()] == [
        ("stargan", 4, 3),
        ("stargan", 1, 2),
    ]
    assert len(list((out / "translations" / "many-critics" / "seed0" / "summer2winter").iterdir())) == 3
    psnrs = {row["model"]: float(row["value"]) for row in rows_of(out) if row["metric"] == "psnr"}
    verdict = "shown" if round(psnrs["many-critics"], 2) > round(psnrs["identity"], 2) else "not shown"
    table = (out / "table.md").read_text()
    assert "\n| many-critics | 1 |" in table
    assert f"- critics beat a copy: {verdict}: many-critics {psnrs['many-critics']:.2f} " in table


def test_two_seeds_train_apart_and_stand_in_the_table_with_their_deviation(tmp_path, cache):
    out = tmp_path / "bench"
    one_way = ("--models", "stargan", "--directions", "summer2winter")
    assert bench(out, *one_way, "--seeds", "3,5", "--budget", "images=32,per=task") == 0
    rows = [row for row in rows_of(out) if (row["model"], row["metric"]) == ("stargan", "psnr")]
    assert [row["seed"] for row in rows] == ["3", "5"]
    values = [float(row["value"]) for row in rows]
    assert values[0] != values[1]
    text = f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}"
    table = (out / "table.md").read_text()
    assert text in next(line for line in table.splitlines() if line.startswith("| stargan |"))
    assert f"| summer → winter | {text} [" in table
    assert "± standard deviation over 2 seeds (3, 5;" in table
    assert "Budget: 32 images for each training." in table


def test_an_interrupted_training_of_a_bench_goes_on_where_it_was(tmp_path, cache, monkeypatch):
    """The job finds the checkpoint of its own earlier process and does not start again."""
    from i2i.training.setup import run_config
    from i2i.training.trainer import Trainer

    settings = {"data": {"image_size": 16, "scenes": 6, "test_scenes": 3, "domains": ["summer", "night"]}}
    data = run_config("reinhard", settings).settings()["data"]
    job = partial(
        Train,
        id=JobId("train", "reinhard", 0, "all"),
        run=tmp_path / "run",
        model="reinhard",
        settings={"data": data},
        domains=("summer", "night"),
    )
    calls = []
    original = Trainer.train
    monkeypatch.setattr(Trainer, "train", lambda self: (calls.append(self.position.step), original(self))[1])
    for key in ("one", "one", "two"):
        job(key=key).perform(lambda text: None, torch.device("cpu"))
    assert len(calls) == 2
