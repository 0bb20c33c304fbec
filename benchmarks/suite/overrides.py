"""Suites with what the command line changes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from i2i.benchmarks.suite.schema import Suite, named_again, suite_of
from i2i.config import BUDGETS, Settings, merge, parse_assignments
from i2i.errors import UserError, unknown
from i2i.presets.files import read, shipped
from i2i.presets.methods import SHARED, Budget
from i2i.presets.training import for_embedded
from i2i.utils.text import option


def load_suite(
    base: str | Settings, models: str | None, data: Settings, assignments: list[str], seeds: str | None = None
) -> Suite:
    """A suite by name or file, or as it was recorded, with the command line's choices put over it.

    Code that a recorded suite remembers is not run: the command line has to name it again.

    `models` and `seeds` are lists with commas; `+A,B` adds to the suite's models. Assignments are `data.*` and
    `train.*` for all, `NAME.setting` for the settings of a translator, which its variants share, or of a single
    variant, and `budget.*`, `checkpoint.*`, `translation.*`, `classifier.*`, `scoring.*` and `report.*`.

    Raises:
        UserError: for an unknown suite, model or setting.
    """
    settings = {**read(base), "name": Path(base).stem} if isinstance(base, str) else dict(base)
    remembered = {} if isinstance(base, str) else settings.pop("custom_models", {})
    if models is not None:
        listed = settings.get("models", Suite().models)
        settings["models"] = chosen_models(models, listed)
        settings["custom_models"] = _still_named(settings)
    if remembered:
        settings |= named_again(settings, remembered, models or "")
    if seeds is not None:
        settings["seeds"] = _seeds(seeds)
    suite = suite_of(settings)
    embedded = for_embedded(suite, data) if isinstance(base, str) else {}
    overrides = merge(embedded, parse_assignments(assignments), {"data": data})
    return suite_of(merge(settings, _sorted_out(overrides, suite)))


def notes_on_later_methods(suite: Suite) -> list[str]:
    """A line for each method that a recorded suite has no settings for, although the suite of its name has some today.

    Such a method was not there when the bench began, and would take part with its published networks beside small ones.
    """
    today = read(suite.name).get("model_settings", {}) if suite.name in shipped("bench") else {}
    taking_part = dict.fromkeys(suite.method(name).model for name in suite.models if name not in suite.external)
    return [
        f"this bench began before there were settings of {model} in {suite.name}, and it is trained as published: "
        f"give all methods the settings of today with {option('--suite', suite.name)}"
        for model in taking_part
        if model in today and model not in suite.model_settings
    ]


def notes_on_absent_methods(assignments: Sequence[str], suite: Suite) -> list[str]:
    """A line for each model or variant that `--set` names and the bench lacks; its settings are kept for later."""
    models = {suite.method(name).model for name in suite.models if name not in suite.external}
    absent = {*suite.model_settings, *suite.variants} - {*suite.models, *models}
    return [
        f"--set {section}... changes nothing yet: {section} is not among the methods of this bench, "
        f"{', '.join(suite.models)}; add it with --models +{section}"
        for section in parse_assignments(assignments)
        if section in absent
    ]


def chosen_models(text: str, listed: Sequence[str]) -> list[str]:
    """The models that `A,B` names, or those of `listed` and the ones that `+A,B` adds.

    Raises:
        UserError: if no model is named, or only some of several have a plus.
    """
    given, text = text, text.strip()
    names = [name.strip() for name in text.removeprefix("+").split(",") if name.strip()]
    if not names:
        raise UserError(f"--models {given!r} names no model: name some, or leave it out for the suite's")
    if not text.startswith("+"):
        _refuse_plus(text, names)
        return names
    return list(dict.fromkeys([*listed, *(name.removeprefix("+") for name in names)]))


def _still_named(settings: Settings) -> dict[str, str]:
    """Of the recorded custom models those that models or variants go by: files of others may be gone."""
    variants = settings.get("variants", {}).values()
    named = {*settings["models"], *(variant.get("model") for variant in variants)}
    return {name: source for name, source in settings.get("custom_models", {}).items() if name in named}


def _refuse_plus(text: str, names: Sequence[str]) -> None:
    if any(name.startswith("+") for name in names):
        raise UserError(f"--models {text}: a + in front of the list adds all of it to the suite's models")


def _seeds(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UserError(f"--seeds {text!r} must be whole numbers with commas, as in --seeds 0,1,2")
    return [int(part) for part in parts]


def budget_assignments(text: str) -> list[str]:
    """`images=400000,per=task` as assignments of `--set`.

    Raises:
        UserError: for another form, or a kind of budget that there is not.
    """
    parts = [part.partition("=") for part in text.split(",")]
    for name, equals, value in parts:
        if not (equals and value.strip()):
            raise UserError(f"--budget {text!r} must look like images=400000 or updates=20000,per=task")
        if name.strip() not in Budget.model_fields:
            raise unknown("kind of budget", name.strip(), Budget.model_fields)
    return [f"budget.{name.strip()}={value.strip()}" for name, _, value in parts]


def checkpoint_assignments(text: str) -> list[str]:
    """`ema`, or `best-on-val:psnr` with the metric, as assignments of `--set`."""
    rule, colon, metric = text.partition(":")
    return [f"checkpoint.rule={rule}", *([f"checkpoint.metric={metric}"] if colon else [])]


def steps_assignments(text: str) -> list[str]:
    """`bridge=20,unsb=5` as assignments of `--set`.

    Raises:
        UserError: for another form.
    """
    parts = [part.partition("=") for part in text.split(",")]
    for name, equals, value in parts:
        if not (equals and name.strip() and value.strip().isdecimal()):
            raise UserError(
                f"--sampling-steps {text!r} must name methods with their whole numbers of steps, as in "
                "--sampling-steps bridge=20,unsb=5"
            )
    return [f"translation.sampling_steps.{name.strip()}={int(value)}" for name, _, value in parts]


def _sorted_out(overrides: Settings, suite: Suite) -> Settings:
    """Overrides as a suite holds them."""
    placed: dict[str, Any] = {}
    translators = (*suite.models, *suite.model_settings, *(variant.model for variant in suite.variants.values()))
    known = (*suite.variants, *translators, "data", "train", *SHARED)
    for section, values in overrides.items():
        if section in ("data", "train"):
            # Also over what the suite says for single methods, or it would win over the command line.
            models = {model: {section: values} for model in suite.model_settings}
            variants = {variant: {"settings": {section: values}} for variant in suite.variants}
            placed = merge(placed, {"settings": {section: values}, "model_settings": models, "variants": variants})
        elif section in SHARED:
            placed = merge(placed, {section: values})
        elif section in suite.variants:
            placed = merge(placed, {"variants": {section: {"settings": {"model": values}}}})
        elif section in translators:
            placed = merge(placed, {"model_settings": {section: {"model": values}}})
        else:
            raise unknown("section of --set:", section, known)
    own = placed.get("settings", {}).get("train", {})
    for unit in BUDGETS:
        if unit in own:
            raise UserError(f"a bench has one budget for all models: use --budget {unit}=N")
    if "best_by" in own:
        raise UserError("a bench has a rule for which weights translate: use --checkpoint best-on-val:METRIC")
    if "evaluations" in own:
        raise UserError("a bench has one number of evaluations: use --set checkpoint.evaluations=N")
    if "seed" in own:
        raise UserError(
            "a bench trains with the seeds of its suite: use --seeds 1, or write seeds: [1] into a settings file"
        )
    return placed
