"""Functions do what commands do: they have the same options, and from those on it is the same code."""

import inspect
from pathlib import Path

import pytest
import typer

import i2i
from i2i.api.arguments import assignments, data_texts
from i2i.cli import app
from i2i.errors import UserError
from tests.support.in_process import command

COMMANDS = typer.main.get_command(app).commands
ONLY_OF_COMMANDS = {
    "train": {"tensorboard", "dry_run"},
    "bench": {"dry_run"},
    "score": {"json"},
}


class Asked(Exception):
    """What a command or a function has asked for."""


@pytest.mark.parametrize("name", ONLY_OF_COMMANDS)
def test_a_function_has_the_options_of_its_command_as_arguments(name):
    options = {parameter.name for parameter in COMMANDS[name].params} - {"help"}
    arguments = set(inspect.signature(getattr(i2i, name)).parameters)
    assert options - ONLY_OF_COMMANDS[name] == arguments


def of_command(line):
    with pytest.raises(Asked) as asked:
        command(*line)
    return asked.value.args


def of_function(call):
    with pytest.raises(Asked) as asked:
        call()
    return asked.value.args


def raising(*given):
    raise Asked(*given[:1])


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ([], lambda: i2i.train()),
        (["--model", "stargan", "--data", "."], lambda: i2i.train("stargan", Path())),
        (["--data", "a=.", "--data", "b=.."], lambda: i2i.train(data={"a": ".", "b": Path("..")})),
        (
            ["--set", "train.images=9", "--set", "data.domains=[a, b]", "--size", "16x32", "--device", "cpu"],
            lambda: i2i.train(
                settings={"train": {"images": 9}, "data.domains": ("a", "b")}, size=(16, 32), device="cpu"
            ),
        ),
        (
            ["--attributes", "A,B", "--out", "x", "--init", "y", "--skip-bad", "--cache-gib", "2", "--config", "c"],
            lambda: i2i.train(attributes=["A", "B"], out="x", init=Path("y"), skip_bad=True, cache_gib=2.0, config="c"),
        ),
        (
            ["--resume", "x", "--accept-data", "--on-nan", "stop"],
            lambda: i2i.train(resume="x", accept_data=True, on_nan="stop"),
        ),
    ],
)
def test_a_training_is_asked_for_alike(line, call, monkeypatch):
    for module in ("i2i.api.train_session", "i2i.api.training"):
        monkeypatch.setattr(f"{module}.training_of", raising)
    assert of_command(["train", *line]) == of_function(call)


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ([], lambda: i2i.bench()),
        (["--models", "stargan,cut", "--data", "."], lambda: i2i.bench(["stargan", "cut"], ".")),
        (
            ["--seeds", "0,1", "--budget", "images=9,per=task"],
            lambda: i2i.bench(seeds=[0, 1], budget={"images": 9, "per": "task"}),
        ),
        (["--seeds", "3", "--size", "16"], lambda: i2i.bench(seeds=3, size=16)),
        (
            ["--external", "A=x", "--external", "B=y", "--intersection", "--sampling-steps", "unsb=2"],
            lambda: i2i.bench(external={"A": "x", "B": Path("y")}, intersection=True, sampling_steps={"unsb": 2}),
        ),
        (
            ["--only", "train,score", "--force", "a,b", "--no-trial", "--directions", "a2b,b2a", "--workers", "2"],
            lambda: i2i.bench(
                only=["train", "score"], force=["a", "b"], no_trial=True, directions=["a2b", "b2a"], workers=2
            ),
        ),
        (
            ["--collect", "--out", "x", "--suite", "s", "--checkpoint", "last", "--samples", "3", "--table", "target"],
            lambda: i2i.bench(collect=True, out="x", suite="s", checkpoint="last", samples=3, table="target"),
        ),
        (
            ["--inception", "i", "--extractor", "e", "--lpips", "l", "--label-maps", "m", "--device", "cpu"],
            lambda: i2i.bench(inception="i", extractor="e", lpips="l", label_maps="m", device="cpu"),
        ),
    ],
)
def test_a_bench_is_asked_for_alike(line, call, monkeypatch):
    for module in ("i2i.api.bench_session", "i2i.api.benching"):
        monkeypatch.setattr(f"{module}.ready_bench", raising)
    assert of_command(["bench", *line]) == of_function(call)


def test_settings_are_those_that_set_would_give():
    given = {
        "train": {"images": 9, "ema": 1e-5},
        "data.domains": ["a, b", "c"],
        "model.x": None,
        "a.b": Path("d"),
    }
    assert assignments(given) == [
        "train.images=9",
        "train.ema=1.0e-05",
        "data.domains=['a, b', c]",
        "model.x=null",
        "a.b=d",
    ]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: assignments(["train.images=9"]), "settings is .*: give a dictionary"),
        (lambda: assignments({"train.images": object()}), "train.images.* holds object: give numbers"),
        (
            lambda: assignments({"train": {"images": 4}, "train.images": 5}),
            "^settings give train.images as 4 and as 5: leave one out",
        ),
        (
            lambda: i2i.train("stargan", size=64, settings={"data.image_size": 32}),
            "^size=64 and settings={'data.image_size': 32} are two sizes: leave one out",
        ),
        (lambda: data_texts(3), "data is 3: give the path"),
        (lambda: data_texts({}), "data is {}: name folders in it, or leave it out"),
        (lambda: i2i.bench([]), "models='' names no model: name some, or leave it out"),
        (lambda: i2i.train("stargan", out=5), "out is 5: give the path"),
        (lambda: i2i.train("stargun"), "did you mean 'stargan'"),
        (lambda: i2i.train("stargan", accept_data=True), r"accept_data=True says .* with resume='RUN'"),
        (lambda: i2i.train(resume="x", config="c"), "leave out config"),
        (lambda: i2i.train("stargan", settings={"train.image": 1}), "did you mean 'images'"),
        (lambda: i2i.bench(collect=True, only="score"), "^collect=True is only='report': leave one out"),
        (
            lambda: i2i.bench(collect=True, force="cyclegan"),
            "^force makes work again, and none is done with collect=True",
        ),
        (
            lambda: i2i.bench(only="report", force=["cut"]),
            "^force makes work again, and none is done with only='report'",
        ),
        (
            lambda: i2i.bench(collect=True, out="nowhere"),
            "^nowhere holds no bench, and none is begun with collect=True",
        ),
        (lambda: i2i.bench(gpus_per_job=1), "gpus_per_job is for Ray: add executor='ray'"),
        (
            lambda: i2i.score("x", "y", paired=True, truth="z"),
            "paired=True takes the ground truth from real, truth from",
        ),
        (lambda: i2i.score(None, "y"), "fake is None"),
    ],
)
def test_mistakes_are_told_in_the_words_of_the_call(call, told):
    with pytest.raises(UserError, match=told) as refused:
        call()
    assert "--" not in str(refused.value)
