"""A bench's budget and checkpoint rule, from the command line to the translations, the card and the caption."""

import csv
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from i2i.benchmarks.analysis.learning_curves import COURSE
from i2i.benchmarks.directions import Training, expand, quantity
from i2i.benchmarks.evaluation import direction_scores
from i2i.benchmarks.evaluation.checkpoint_selection import Evaluation, bench_evaluator
from i2i.benchmarks.evaluation.scorer import Scorer, Scoring
from i2i.benchmarks.job_id import CLASSIFIER
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.report.captions import budget_text, checkpoint_lines
from i2i.benchmarks.report.figures import learning_curves, style
from i2i.benchmarks.suite.overrides import budget_assignments, checkpoint_assignments, load_suite
from i2i.config import DataConfig
from i2i.data.image_files.images import read_image, to_arrays, to_images, to_pixels, write_image
from i2i.data.synthetic import embedded
from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.metrics.paired import psnr
from i2i.metrics.sets.names import parse_measures
from i2i.models.identity import Identity
from i2i.presets.methods import OWN_DATA, Budget, Methods
from i2i.runs.load import load_translator, require_checkpoint
from i2i.training.setup import run_config
from i2i.training.validation import read_rows
from i2i.translator import Coverage, ModelConfig, Task
from tests.bench.test_bench import SMALL
from tests.support import in_process
from tests.support.classifiers import untrained_classifier
from tests.support.facts import plan_facts

TINY = [*SMALL, "data.domains=summer,night", "data.val_scenes=2", "budget.images=null"]
ONE_WAY = "summer2night"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("I2I_CACHE", str(folder))
        yield folder


def bench(out, *arguments, settings=()):
    """Run `i2i bench`; returns its exit status."""
    given = [setting for setting in (*TINY, *settings) if not setting.startswith("budget.")]
    return in_process.bench(out, *(f"--set={setting}" for setting in given), *arguments, draws=True)


def planned(tmp_path, *assignments, models="stargan"):
    given = [setting for setting in TINY if not setting.startswith("budget.")]
    return prepare(load_suite("seasons", models, {}, [*given, *assignments]), tmp_path / "bench", ONE_WAY)


def key_of(plan, kind):
    return [job.key for job in plan.jobs if job.id.kind == kind]


def test_a_time_is_divided_exactly_and_updates_are_whole():
    ways = LabelSpace.of_domains("abc").directions
    by_time = expand("m", "pair", tuple("abc"), ways, 100.0, "dataset", 0, "seconds")
    assert [(training.amount, training.unit) for training in by_time] == [(pytest.approx(100 / 3), "seconds")] * 3
    assert {training.amount for training in expand("m", "pair", tuple("abc"), ways, 100, "dataset", 0, "updates")} == {
        33
    }
    assert {training.amount for training in expand("m", "pair", tuple("abc"), ways, 7.5, "task", 0, "seconds")} == {7.5}


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        ("images=400000", "Budget: 400,000 images per data set, divided over a model's training runs."),
        ("updates=12000,per=task", "Budget: 12,000 generator updates for each training."),
        ("seconds=90.5,per=task", "Budget: 90.5 seconds of training for each training; how much is learnt in a time "),
    ],
)
def test_the_caption_tells_the_unit_of_the_budget(tmp_path, budget, text):
    suite = load_suite("quick", None, {}, budget_assignments(budget))
    facts = plan_facts(budget=suite.budget.model_dump(exclude_none=True))
    assert budget_text(Plan(tmp_path, "x", (), (), (), {}, (), facts)).startswith(text)
    assert list(facts.budget.model_dump(exclude_unset=True)) == [budget.split("=")[0], "per"]


def test_a_suite_has_one_budget_and_the_command_line_replaces_its_unit():
    assert load_suite("quick", None, {}, budget_assignments("seconds=5")).budget == Budget(seconds=5)
    assert Budget().amount == ("images", 200_000)
    with pytest.raises(UserError, match="one budget for all models: use --budget seconds=N"):
        load_suite("quick", None, {}, ["train.seconds=5"])


@pytest.mark.parametrize(
    ("checkpoint", "rule"),
    [
        ("ema", ("ema", None, "ema", 0)),
        ("best-on-val", ("best-on-val", None, "best", 10)),
        ("best-on-val:ssim", ("best-on-val", "ssim", "best", 10)),
    ],
)
def test_the_command_line_names_a_checkpoint_rule(checkpoint, rule):
    found = load_suite("quick", None, {}, checkpoint_assignments(checkpoint)).checkpoint
    assert (found.rule, found.metric, found.weights, found.evaluation_count) == rule


@pytest.mark.parametrize(
    ("assignments", "complaint"),
    [
        (checkpoint_assignments("best"), r"suite\.checkpoint\.rule='best' .*'best-on-val'"),
        (["train.best_by=psnr"], "use --checkpoint best-on-val:METRIC"),
        (["train.evaluations=3"], r"use --set checkpoint\.evaluations=N"),
    ],
)
def test_a_rule_that_there_is_not_is_named(assignments, complaint):
    with pytest.raises(UserError, match=complaint):
        load_suite("quick", None, {}, assignments)


@pytest.mark.integration
def test_a_rule_that_the_training_runs_cannot_follow_is_refused_before_they_start(tmp_path, cache):
    with pytest.raises(UserError, match=r"stargan: the checkpoint rule ema needs .*--set train\.ema=0\.999"):
        planned(tmp_path, "checkpoint.rule=ema", "train.ema=0")
    with pytest.raises(UserError, match="has no validation images of summer, night"):
        planned(tmp_path, "checkpoint.rule=best-on-val", "data.val_scenes=0")


@pytest.mark.integration
def test_the_rule_is_in_the_keys_of_what_depends_on_it(tmp_path, cache):
    """Averaging is a setting of the training, whichever weights translate."""
    last, ema, best, other = (
        planned(tmp_path, "train.ema=0.9", *more)
        for more in (
            ("checkpoint.rule=last",),
            ("checkpoint.rule=ema",),
            ("checkpoint.rule=best-on-val",),
            ("checkpoint.rule=best-on-val", "checkpoint.metric=ssim"),
        )
    )
    assert key_of(last, "train") == key_of(ema, "train")
    assert key_of(last, "translate")[0] != key_of(ema, "translate")[0]
    assert key_of(last, "translate")[1:] == key_of(ema, "translate")[1:]  # methods that learn nothing
    assert len({key_of(plan, "train")[0] for plan in (last, best, other)}) == 3
    assert [plan.facts.checkpoint for plan in (last, ema, best, other)] == [
        "last",
        "ema",
        "best-on-val by psnr, 10 evaluations",
        "best-on-val by ssim, 10 evaluations",
    ]
    assert {job.needs for job in last.jobs if job.id.kind == "train"} == {()}
    needs = {str(job.id): job.needs for job in best.jobs if job.id.kind == "train"}
    assert needs == {"stargan/seed0/all": (CLASSIFIER,)} | dict.fromkeys([*needs][1:], ())


OTHERS = {
    "path": "/elsewhere",
    "sets": {"a": "/elsewhere", "b": "/there"},
    "embedded": "styles",
    "layout": "halves",
    "paired": False,
    "scenes": 7,
    "test_scenes": 7,
    "val_scenes": 7,
    "columns": ["image", "label"],
    "image_size": 32,
    "channels": 1,
    "pixel_formats": {"summer": {"file": "png", "dtype": "uint16", "channels": 1, "range": [0, 9]}},
    "fit": "pad",
    "background": "black",
    "domains": ["summer", "winter"],
    "attributes": ["Young"],
    "exclusive": [["a", "b"]],
    "cache_gib": 1,
    "train_split": "test",
    "test_split": "val",
    "val_split": "test",
}
"""`data` settings that would give one method other data, splits or preprocessing than the others."""


def test_every_data_setting_is_known_to_be_of_all_methods_or_to_be_ones_own():
    assert DataConfig.model_fields.keys() == OTHERS.keys() | {*OWN_DATA}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("model", [True, False], ids=["model", "variant"])
def test_no_method_of_a_bench_sees_other_data_than_the_others(tmp_path, model, name):
    own = {"data": {name: OTHERS[name]}}
    entry = (
        {"model_settings": {"stargan": own}} if model else {"variants": {"far": {"model": "stargan", "settings": own}}}
    )
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps({"base": "quick", "models": ["stargan", "cyclegan"], **entry}))
    with pytest.raises(UserError, match=rf"\.data\.{name}: all methods of a bench have the same data.* flip and zoom"):
        load_suite(str(path), None, {}, [])


def test_a_method_may_vary_its_training_images_and_repeat_what_all_have(tmp_path):
    own = {"data": {"flip": False, "zoom": 1.5, "image_size": "64x64"}}
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps({"base": "quick", "models": ["stargan"], "model_settings": {"stargan": own}}))
    suite = load_suite(str(path), None, {}, ["data.image_size=32", "data.train_split=learn"])
    config = run_config("stargan", suite.method("stargan").settings).data
    assert (config.flip, config.zoom, config.image_size, config.train_split) == (False, 1.5, (32, 32), "learn")


@pytest.mark.parametrize("splits", [["data.train_split=test"], ["data.test_split=training"]])
def test_a_bench_is_not_scored_on_what_it_learns_from(splits):
    with pytest.raises(UserError, match=r"data\.train_split and data\.test_split are both (test|train)"):
        load_suite("quick", None, {}, splits)


VARIANTS = """
base: seasons
models: [averaged, stargan]
settings: {train: {ema: 0.5}}
checkpoint: {rule: last}
variants:
  averaged: {model: stargan, checkpoint: {rule: ema}}
"""


def test_a_variant_can_have_a_rule_of_its_own(tmp_path, cache):
    (tmp_path / "rules.yaml").write_text(VARIANTS)
    given = [setting for setting in TINY if not setting.startswith("budget.")]
    plan = prepare(load_suite(str(tmp_path / "rules.yaml"), None, {}, given), tmp_path / "bench", ONE_WAY)
    weights = {job.name: job.weights for job in plan.jobs if job.id.kind == "translate"}
    assert [weights[f"translations of {name}, seed 0"] for name in ("averaged", "stargan")] == ["ema", "last"]
    assert checkpoint_lines(plan) == [
        "Checkpoint rule: last, the weights of the last step.",
        "averaged: checkpoint rule ema.",
    ]


def row(folder, evaluation, images, value, model="one", seed=0, metric="psnr"):
    return {
        "model": model,
        "seed": seed,
        "training": folder,
        "evaluation": evaluation,
        "step": evaluation,
        "images": images,
        "seconds": images / 10,
        "metric": metric,
        "value": value,
    }


def test_a_curve_adds_up_what_training_runs_spend_and_averages_what_they_reach():
    """Two training runs with two seeds; the last evaluation is not there for all and is left out."""
    rows = [
        row("a-b", 0, 10, 1.0),
        row("a-c", 0, 30, 3.0),
        row("a-b", 0, 10, 5.0, seed=1),
        row("a-c", 0, 30, 7.0, seed=1),
    ]
    rows += [row("a-b", 1, 20, 9.0)]
    found = learning_curves.lines(pd.DataFrame(rows), "images")
    assert found.to_dict("records") == [{"model": "one", "metric": "psnr", "evaluation": 0, "cost": 40.0, "value": 4.0}]
    assert learning_curves.lines(pd.DataFrame(rows), "seconds")["cost"].tolist() == [4.0]


def test_a_figure_has_a_panel_per_metric_and_a_line_per_method():
    rows = [
        row("all", number, 10 * number, 1.0 + number, model, metric=metric)
        for model in ("one", "a_b $x$")
        for metric in ("psnr", "FD-x")
        for number in range(3)
    ]
    figure = learning_curves.figure(pd.DataFrame(rows), "updates")
    assert [axes.get_ylabel() for axes in figure.axes] == ["PSNR, dB\n(higher is better)", "FD-x\n(lower is better)"]
    assert all(len(axes.lines) == 2 for axes in figure.axes)
    assert figure.get_supxlabel() == "real images shown (all training runs of a seed)"
    assert learning_curves.figure(pd.DataFrame([], columns=COURSE), "images") is None


@pytest.mark.integration
def test_curves_of_many_metrics_fit_on_a_page_and_their_names_stay_beside_their_panel():
    metrics = ["psnr", "ssim", "l1", "accuracy", "FD-x", "KID-x", "content-timm-resnet18-1a2b3c4d", "cycle", "kid"]
    rows = [row("all", n, 10 * n, 1.0 + n, metric=metric) for metric in metrics for n in range(3)]
    figure = learning_curves.figure(pd.DataFrame(rows), "images")
    assert len(figure.axes) == len(metrics)
    assert max(figure.get_size_inches()) < 12
    figure.draw_without_rendering()
    for axes in figure.axes:
        name, panel = axes.yaxis.label.get_window_extent(), axes.get_window_extent()
        assert name.height < 1.05 * panel.height
        assert name.x0 >= 0
    numbered = [axes for axes in figure.axes if axes.xaxis.get_tick_params()["labelbottom"]]
    assert len(numbered) == 2  # the last of both columns


def test_curves_of_an_earlier_bench_do_not_stay(tmp_path):
    (tmp_path / "curves.png").write_text("old")
    training = Training("one", 0, ("a", "b"), (("a", "b"),), 5, tmp_path / "run")
    assert (
        learning_curves.write(Plan(tmp_path, "x", ("a", "b"), (("a", "b"),), (training,), {}, (), plan_facts())) == []
    )
    assert not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize(("amount", "text"), [(400_000, "400,000"), (7.0, "7"), (133.333, "133.3"), (0.25, "0.2")])
def test_an_amount_is_printed_without_needless_digits(amount, text):
    assert quantity(amount) == text


@pytest.mark.slow
def test_the_evaluator_of_a_bench_resamples_nothing_and_scores_every_metric(tmp_path, monkeypatch):
    embedded.make("seasons", tmp_path / "data", (16, 16), 2, 3, val=4)
    classifier = untrained_classifier(tmp_path / "classifier.safetensors", ("summer", "night"), 16)
    for name in ("frechet_intervals", "mean_interval", "share_interval"):
        monkeypatch.setattr(direction_scores, name, lambda *_, name=name, **__: pytest.fail(f"{name} was called"))
    data = {"path": str(tmp_path / "data"), "image_size": [16, 16], "domains": ["summer", "night"]}
    scoring = Scoring(DataConfig.model_validate(data), classifier)
    evaluator = bench_evaluator(Evaluation(scoring, "psnr", (("summer", "night"),)), torch.device("cpu"))
    task = Task.covering(Coverage.ALL, ("summer", "night"), (16, 16))
    scores = evaluator.scores(Identity(ModelConfig(), task))
    assert {"accuracy", "FD-domain-classifier", "KID-domain-classifier", "psnr", "ssim", "l1"} <= scores.keys()


@pytest.mark.integration
@pytest.mark.parametrize("channels", [1, 3])
def test_translations_score_the_same_to_the_last_digit_from_memory_and_from_files(tmp_path, channels):
    embedded.make("seasons", tmp_path / "data", (16, 16), 2, 4)
    classifier = untrained_classifier(tmp_path / "classifier.safetensors", ("summer", "night"), 16)
    data = DataConfig(path=tmp_path / "data", image_size=16, channels=channels, domains=("summer", "night"))
    scorer = Scorer(Scoring(data, classifier), torch.device("cpu"), intervals=False)
    translated = np.random.default_rng(0).integers(0, 256, (4, 16, 16, channels), dtype=np.uint8)
    (tmp_path / "summer2night").mkdir()
    for image, made in zip(scorer.data.images("test", "summer"), translated, strict=True):
        write_image(tmp_path / f"summer2night/{image.stem}.png", made)
    assert scorer.pixels("summer", "night", translated) == scorer.translations(tmp_path, "summer", ["night"])


@pytest.mark.slow
def test_a_bench_translates_with_the_weights_that_were_best_on_validation(tmp_path, cache):
    out = tmp_path / "bench"
    arguments = ("--models", "stargan", "--directions", ONE_WAY, "--budget", "updates=4,per=task")
    # A rate so high that training makes things worse, so that the best is not the last.
    rule = (
        "--checkpoint",
        "best-on-val:psnr",
        "--set",
        "checkpoint.evaluations=4",
        "--set",
        "stargan.learning_rate=0.5",
        "--set",
        "stargan.n_critic=3",
    )
    assert bench(out, *arguments, *rule) == 0
    run = out / "trainings" / "stargan" / "seed0" / "all"
    checkpoint, rows = require_checkpoint(run), read_rows(run)
    assert checkpoint.position.step == 12  # three turns of the critic for one of the generator
    psnrs = {int(row["step"]): float(row["value"]) for row in rows if row["metric"] == "psnr"}
    assert list(psnrs) == [0, 3, 6, 9, 12]
    assert checkpoint.meta["best"]["step"] == max(psnrs, key=psnrs.get) != 12
    assert {row["metric"] for row in rows} >= {"accuracy", "FD-domain-classifier", "psnr", "ssim"}

    translator, preprocess = load_translator(run, weights="best")
    by_name = {
        domain: to_images(np.stack([preprocess(read_image(path)) for path in sorted(place.iterdir())]))
        for domain in ("summer", "night")
        if (place := next(cache.rglob(f"val/{domain}")))
    }
    fakes, truth = (
        to_pixels(images) for images in (translator.translate(by_name["summer"], "summer", "night"), by_name["night"])
    )
    assert checkpoint.meta["best"]["value"] == pytest.approx(float(psnr(fakes, truth).mean()))

    source = next(cache.rglob("test/summer/00006.png"))
    pixels = to_arrays(translator.translate(to_images(preprocess(read_image(source))[None]), "summer", "night"))
    made = read_image(out / "translations" / "stargan" / "seed0" / ONE_WAY / "00006.png")
    assert (pixels[0] == np.asarray(made)).all()

    card = json.loads((out / "protocol.json").read_text())
    assert card["protocol"]["checkpoint"] == "best-on-val by psnr, 4 evaluations"
    assert card["protocol"]["budget"] == {"updates": 4, "per": "task"}
    assert card["protocol"]["validation"]["domains"]["night"]["files"] == 2
    with (out / "protocol-files.csv").open() as file:
        assert sum(row["split"] == "val" for row in csv.DictReader(file)) == 4
    for name in ("table.md", "table.tex"):
        assert (
            "Checkpoint rule: best-on-val by psnr, 4 evaluations of the validation split." in (out / name).read_text()
        )
    with (out / "curves.csv").open() as file:
        assert [float(row["value"]) for row in csv.DictReader(file) if row["metric"] == "psnr"] == list(psnrs.values())
    with Image.open(out / "curves.png") as image:
        assert min(image.size) * style.DPI / image.info["dpi"][0] > 500  # tests draw fewer dots an inch
    before = checkpoint.folder.stat().st_mtime_ns
    assert bench(out, *arguments, *rule) == 0
    assert require_checkpoint(run).folder.stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.usefixtures("preloaded_processes")
def test_a_bench_by_time_gives_every_method_its_seconds(tmp_path, cache):
    out = tmp_path / "bench"
    assert bench(out, "--models", "stargan,cyclegan", "--directions", ONE_WAY, "--budget", "seconds=0.5") == 0
    for name in ("stargan", "cyclegan"):
        (path,) = (out / "trainings" / name).rglob("checkpoint.json")
        meta = json.loads(path.read_text())
        assert 0.5 <= meta["seconds"] < 5
        assert meta["step"] == meta["steps"] > 0
    assert not (out / "curves.csv").exists()
    table = (out / "table.md").read_text()
    assert "Budget: 0.5 seconds of training per data set" in table
    assert "depends on the machine" in table
    assert not math.isnan(
        float(json.loads((out / "results.json").read_text())["models"]["stargan"]["costs"]["seconds"])
    )


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({}, "ema"),
        ({"checkpoint": {"evaluations": 4}}, "ema"),
        ({"checkpoint": {"rule": "last"}}, "last"),
        ({"checkpoint": {"rule": "best-on-val"}}, "best-on-val"),
        ({"model_settings": {"stargan-v2": {"train": {"ema": 0}}}}, "last"),
    ],
)
def test_a_method_translates_with_its_averaged_weights_unless_the_suite_says_otherwise(settings, rule):
    suite = Methods.model_validate(settings)
    assert suite.method("stargan-v2").checkpoint.rule == rule
    assert suite.method("stargan").checkpoint == suite.checkpoint


@pytest.mark.parametrize(("asked", "found"), [("fid,kid,prdc,mind", ("prdc", "mind")), ("kid", ()), ("fwd", ("fwd",))])
def test_distances_that_are_always_taken_may_be_asked_for_with_other_measures_of_sets(asked, found):
    assert load_suite("quick", None, {}, [f"scoring.metrics={asked}"]).scoring.metrics == found
    assert parse_measures(asked) == found
