"""Scores of the validation split during a training, and the best weights by them: never of the test split."""

import csv
import json
import shutil
import sys
from contextlib import suppress

import pytest
import torch

from i2i import cli, registry
from i2i.config import parse_assignments
from i2i.data.open import open_data
from i2i.data.synthetic import embedded
from i2i.errors import UserError
from i2i.runs.load import load_translator, require_checkpoint
from i2i.testing import CPU, STEPS, Subject
from i2i.training.callbacks.base import Callback
from i2i.training.evaluators import evaluator_of
from i2i.training.resume import open_for_resume
from i2i.training.run import TrainingRun, train_run
from i2i.training.setup import run_config, task_of
from i2i.training.trainer import Trainer
from i2i.training.validation import Evaluator, Validation, read_rows

TINY = ["model.width=2", "model.discriminator_width=2", "model.blocks=1", "model.layers=1", "data.image_size=16"]
SHORT = ["train.updates=4", "train.evaluations=2", "train.batch_size=2", "train.sample_every=0"]


class BreakOff(Callback):
    def on_step(self, position):
        if position.step == 4:
            raise KeyboardInterrupt


class Listed:
    """Gives the listed values in turn, draws random numbers, and remembers the weights it was shown."""

    def __init__(self, *values):
        self.values, self.shown = list(values), []

    def __call__(self, translator):
        torch.rand(7)
        self.shown.append({name: value.clone() for name, value in translator.state_dict().items()})
        return {"psnr": self.values.pop(0), "other": 1.0}


def of_weights(translator):
    """A score that depends on the weights and on nothing else; it draws random numbers, too."""
    torch.rand(7)
    return {"psnr": float(next(translator.parameters()).detach().double().sum())}


def trainer(run, scores=None, callbacks=(), metric="psnr", name="cyclegan", **train):
    subject = Subject(registry.get(name))
    evaluator = Evaluator(metric, scores) if scores else None
    return Trainer(
        run, subject.config(**train), subject.task, subject.training_images(), CPU, callbacks, evaluator=evaluator
    )


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.integration
@pytest.mark.parametrize(("values", "best"), [([1, 5, 3, 5], 1), ([1, float("nan"), 2, 1], 2), ([9, 1, 1, 1], 0)])
def test_the_best_weights_are_kept_beside_the_last(tmp_path, values, best):
    scores = Listed(*values)
    trainer(tmp_path, scores, evaluations=3).train()
    checkpoint = require_checkpoint(tmp_path)
    assert [int(row["step"]) for row in read_rows(tmp_path) if row["metric"] == "psnr"] == [0, 2, 4, STEPS]
    assert checkpoint.meta["best"] == {
        "step": 2 * best,
        "images": 2 * best * 4,
        "metric": "psnr",
        "value": values[best],
    }
    assert equal(load_translator(tmp_path, weights="best")[0].state_dict(), scores.shown[best])
    assert equal(load_translator(tmp_path)[0].state_dict(), scores.shown[-1])


def test_of_a_distance_the_lowest_is_best(tmp_path):
    run = Validation(tmp_path, Evaluator("FD-x", lambda translator: {"FD-x": values.pop()}), 0, None)
    values, translator = [4.0, 3.0, 5.0], Subject(registry.get("cyclegan")).build()
    for _ in range(3):
        run.evaluate(translator, trainer(tmp_path).position)
    assert run.best.value == 3.0


@pytest.mark.integration
def test_evaluating_changes_no_bit_of_the_training_also_over_a_resume(tmp_path):
    options = {"checkpoint_every": 3, "evaluations": STEPS}
    trainer(tmp_path / "plain").train()
    trainer(tmp_path / "whole", of_weights, **options).train()
    with suppress(KeyboardInterrupt):
        trainer(tmp_path / "parts", of_weights, (BreakOff(),), **options).train()
    assert [row["step"] for row in read_rows(tmp_path / "parts")] == list("01234")
    trainer(tmp_path / "parts", of_weights, **options).train()
    last = [load_translator(tmp_path / name)[0].state_dict() for name in ("plain", "whole", "parts")]
    assert equal(last[0], last[1])
    assert equal(last[0], last[2])
    best = [load_translator(tmp_path / name, weights="best")[0].state_dict() for name in ("whole", "parts")]
    assert equal(*best)
    whole, parts = (read_rows(tmp_path / name) for name in ("whole", "parts"))
    assert len(whole) == STEPS + 1
    assert [(row["step"], row["value"]) for row in whole] == [(row["step"], row["value"]) for row in parts]


@pytest.mark.integration
def test_a_training_without_evaluations_keeps_none_and_says_how_to(tmp_path):
    trainer(tmp_path).train()
    assert not read_rows(tmp_path)
    assert "best" not in require_checkpoint(tmp_path).meta
    assert not list(tmp_path.rglob("best.safetensors"))
    with pytest.raises(UserError, match=r"has no best weights: .*--set train\.best_by=psnr"):
        load_translator(tmp_path, weights="best")


def test_a_metric_that_is_not_scored_is_named_before_the_first_step(tmp_path):
    with pytest.raises(UserError, match="unknown metric 'psrn'; did you mean 'psnr'"):
        trainer(tmp_path, Listed(1), metric="psrn").train()
    assert not list(tmp_path.glob("checkpoints/*"))


def drawn(place, val=3):
    """A data folder of seasons with nothing in it to test on."""
    embedded.make("seasons", place, (16, 16), 4, 2, val=val)
    shutil.rmtree(place / "test")
    return place


def run_on(place, *settings):
    config = run_config(
        "cyclegan",
        parse_assignments([f"data.path={place}", "data.domains=summer,night", *TINY, *SHORT, *settings]),
    )
    data = open_data(config.data)
    return config, data, task_of(config, data)


@pytest.mark.integration
def test_the_best_checkpoint_is_chosen_without_looking_at_the_test_split(tmp_path):
    """There is no test split, and the scores are those of the validation images."""
    config, data, task = run_on(drawn(tmp_path / "data"), "train.best_by=psnr")
    train_run(TrainingRun(tmp_path / "run", config, task, data, CPU))
    rows = read_rows(tmp_path / "run")
    assert [(row["step"], row["metric"]) for row in rows] == [
        (step, metric) for step in ("0", "2", "4") for metric in ("psnr", "ssim", "l1")
    ]
    values = [float(row["value"]) for row in rows if row["metric"] == "psnr"]
    best = require_checkpoint(tmp_path / "run").best
    assert best.value == max(values)
    again = evaluator_of(config, task, data, CPU).scores(load_translator(tmp_path / "run", weights="best")[0])
    assert again["psnr"] == pytest.approx(max(values), abs=1e-9)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            ["train.best_by=psnr", "data.val_split=none"],
            "has no validation images of summer, night: add a folder none/",
        ),
        (["train.best_by=psnr", "data.val_split=test"], r"never on test: data\.val_split=test is both"),
    ],
)
def test_a_validation_split_that_cannot_serve_is_refused_with_the_remedy(tmp_path, settings, complaint):
    place = tmp_path / "data"
    embedded.make("seasons", place, (16, 16), 4, 2, val=2)
    with pytest.raises(UserError, match=complaint):
        run_on(place, *settings)


@pytest.mark.integration
def test_a_metric_that_needs_more_than_there_is_is_refused_with_the_remedy(tmp_path):
    place = drawn(tmp_path / "data")
    (place / "i2i.json").write_text(json.dumps({"name": "photos"}))
    config, data, task = run_on(place, "train.best_by=psnr")
    with pytest.raises(
        UserError, match=r"train\.best_by=psnr needs ground truth and photos has none: name an extractor"
    ):
        evaluator_of(config, task, data, CPU)
    config, data, task = run_on(place, "train.best_by=lpips")
    with pytest.raises(
        UserError, match=r"train\.best_by=lpips is none of psnr, ssim and no extractor: unknown extractor"
    ):
        evaluator_of(config, task, data, CPU)


@pytest.mark.integration
def test_translate_takes_the_best_weights(tmp_path, monkeypatch, capsys):
    place = drawn(tmp_path / "data")
    config, data, task = run_on(place, "train.best_by=ssim")
    train_run(TrainingRun(tmp_path / "run", config, task, data, CPU))
    out, inputs = str(tmp_path / "out"), str(place / "val" / "summer")
    options = ["--target", "night", "--source", "summer", "--out", out, "--weights", "best", "--device", "cpu"]
    sys.argv = ["i2i", "translate", str(tmp_path / "run"), inputs, *options]
    with suppress(SystemExit):
        cli.main()
    assert "best weights" in capsys.readouterr().out
    with pytest.raises(UserError, match="is finished"):
        open_for_resume(tmp_path / "run")
    assert list(csv.DictReader((tmp_path / "run" / "validation.csv").open()))
