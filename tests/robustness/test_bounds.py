"""Numbers that no training can have are refused with the setting and its bound, before anything is made of them."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from i2i import registry
from i2i.benchmarks.suite.schema import ClassifierConfig, ReportConfig, Suite
from i2i.config import LARGEST_SIDE, DataConfig, TrainConfig, parse_assignments, read_settings, validate
from i2i.errors import UserError
from i2i.presets.methods import Budget, CheckpointRule
from i2i.training.setup import check_trainable, run_config
from i2i.translator import Task

SECTIONS = {
    "data": DataConfig,
    "train": TrainConfig,
    "budget": Budget,
    "checkpoint": CheckpointRule,
    "classifier": ClassifierConfig,
    "report": ReportConfig,
    **{name: registry.get(name).Config for name in ("pix2pix", "cyclegan", "stargan")},
}


def fields_of(section: type[BaseModel], kind: type) -> list[str]:
    return [
        name
        for name, field in section.model_fields.items()
        if field.annotation is kind or kind in get_args(field.annotation)
    ]


INTEGERS = [(name, field) for name, section in SECTIONS.items() for field in fields_of(section, int)]
FLOATS = [(name, field) for name, section in SECTIONS.items() for field in fields_of(section, float)]


@pytest.mark.parametrize(("section", "name"), INTEGERS)
def test_every_whole_number_has_a_bound_that_its_error_names(section, name):
    with pytest.raises(UserError, match=rf"setting {section}\.{name}=10+ does not fit: .*(equal to|at most) [0-9]"):
        validate(SECTIONS[section], {name: 10**40}, section)


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
@pytest.mark.parametrize(("section", "name"), FLOATS)
def test_no_setting_is_infinite_or_no_number(section, name, value):
    with pytest.raises(UserError, match=rf"setting {section}\.{name}={value} does not fit"):
        validate(SECTIONS[section], {name: float(value)}, section)


@pytest.mark.parametrize(("name", "value"), [("image_size", 10**9), ("image_size", [64, 10**40]), ("scenes", 10**9)])
def test_sizes_and_scenes_are_bounded(name, value):
    with pytest.raises(UserError, match=rf"setting data\.{name}.* does not fit: .*(at most 4,096|equal to 1000000)"):
        validate(DataConfig, {name: value}, "data")


def test_seeds_of_a_bench_are_bounded():
    with pytest.raises(UserError, match=r"setting suite\.seeds\.1=10+ does not fit"):
        validate(Suite, {"seeds": [0, 10**30]}, "suite")


def bound_of(section: type[BaseModel], name: str) -> int:
    return next(rule.le for rule in section.model_fields[name].metadata if hasattr(rule, "le"))


def allowed(model: str, settings: dict) -> None:
    """Networks of these settings are built without memory, and do or do not fit; nothing else happens."""
    config = run_config(model, settings)
    task = Task.covering(registry.get(model).coverage, ("a", "b"), config.data.image_size)
    try:
        check_trainable(config, task)
    except UserError as error:
        assert "setting" in str(error) or "--set" in str(error)


LEAST_MEMORY = 2**31
"""Bytes that a process may take beyond what it has, on Linux."""


@contextmanager
def little_memory() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + LEAST_MEMORY, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def at_bounds(model: str) -> Iterator[object]:
    """Settings, each of which has one at its bound; that of hundreds of blocks takes long to build."""
    small, section = {"data": {"image_size": 64}}, registry.get(model).Config
    for name in fields_of(section, int):
        marks = [pytest.mark.slow] if name == "blocks" else []
        settings = {**small, "model": {name: bound_of(section, name)}}
        yield pytest.param(model, settings, id=f"{model}-{name}", marks=marks)
    for name in ("images", "batch_size", "seed", "log_every", "evaluations"):
        yield pytest.param(model, {**small, "train": {name: bound_of(TrainConfig, name)}}, id=f"{model}-{name}")
    yield pytest.param(model, {"data": {"image_size": LARGEST_SIDE}}, id=f"{model}-side")


@pytest.mark.integration
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="needs Linux")
@pytest.mark.parametrize(
    ("model", "settings"), [case for model in ("pix2pix", "cyclegan", "stargan") for case in at_bounds(model)]
)
def test_at_the_bounds_there_is_an_answer_without_memory(model, settings):
    with little_memory():
        allowed(model, settings)


LONG = {"decimal": "9" * 5000, "hexadecimal": "0x" + "f" * 5000, "base 60": ":59" * 3000 + ":1"}


@pytest.mark.parametrize("kind", LONG)
def test_an_integer_of_thousands_of_digits_is_no_value(tmp_path: Path, kind):
    text = LONG[kind].lstrip(":")
    for assignment in (f"train.images={text}", f"data.domains=[{text}]", f"train={{{text}: 1}}"):
        with pytest.raises(UserError) as refused:
            run_config("cyclegan", parse_assignments([assignment.replace("train=", "x.train=")]))
        assert "is not valid YAML" in str(refused.value)
        assert len(str(refused.value)) < 500
    (tmp_path / "x.yaml").write_text(f"{text}: 5\n")
    with pytest.raises(UserError, match=r"x\.yaml is not valid YAML"):
        read_settings(tmp_path / "x.yaml")
