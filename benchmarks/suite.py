"""Suites: the settings of a bench, from `configs/bench/*.yaml` or a file of one's own."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from i2i import registry
from i2i.benchmarks.claims import Claim
from i2i.benchmarks.shipped import is_suite, read
from i2i.config import DataConfig, Section, Settings, merge, parse_assignments, validate
from i2i.errors import UserError, unknown


class Budget(Section):
    """How many real pictures a model is shown in training.

    `per: dataset` divides `images` over the trainings a model needs to serve every direction (equal compute);
    `per: task` gives them to each training (equal convergence).
    """

    images: int = Field(200_000, ge=1)
    per: Literal["dataset", "task"] = "dataset"


class ClassifierConfig(Section):
    """The domain classifier that scores translations."""

    backbone: str = Field("resnet10t", description="a timm model, trained from scratch")
    images: int = Field(6_144, ge=1, description="training pictures shown")


class ReportConfig(Section):
    """The gallery of report.html."""

    pictures: int = Field(60, ge=1, description="test pictures of each direction, at most")
    seed: int = Field(0, ge=0, description="of their choice and order")


class ScoringConfig(Section):
    """Measures that are left out unless asked for, because of what they cost."""

    gan_train: bool = Field(False, description="train two classifiers on the translations of each model and seed")


class Variant(Section):
    """A translator with settings of its own, to be compared under a name of its own."""

    model: str
    settings: Settings = Field(default_factory=dict, description="`model`, `data` and `train` settings")


@dataclass(frozen=True)
class Contestant:
    """Who takes part in a bench: a translator with settings, under a name.

    Attributes:
        name: what the table, the folders and the grid call it.
        model: name of the translator.
        settings: of its trainings; sections `model`, `data` and `train`.
    """

    name: str
    model: str
    settings: Settings

    def for_training(self, images: int, seed: int) -> Settings:
        """Settings of one training."""
        return merge(self.settings, {"train": {"images": images, "seed": seed}})


class Suite(Section):
    """Everything a bench needs to know besides the data folder."""

    models: tuple[str, ...] = Field(
        ("pix2pix", "cyclegan", "stargan"), min_length=1, description="who takes part: translators and variants"
    )
    variants: dict[str, Variant] = Field(default_factory=dict, description="by the names they compete under")
    budget: Budget = Budget()
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field((0,), min_length=1)
    settings: Settings = Field(default_factory=dict, description="`data` and `train` settings of all trainings")
    model_settings: dict[str, Settings] = Field(default_factory=dict, description="by translator, over `settings`")
    embedded: Settings = Field(
        default_factory=dict, description="`data` and `train` settings over all others, on the set drawn by default"
    )
    classifier: ClassifierConfig = ClassifierConfig()
    report: ReportConfig = ReportConfig()
    scoring: ScoringConfig = ScoringConfig()
    claims: tuple[Claim, ...] = Field((), description="orderings that the report confirms or denies")

    @field_validator("seeds")
    @classmethod
    def _different(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value):
            raise ValueError("name every seed once")
        return value

    def contestant(self, name: str) -> Contestant:
        """The variant or translator of that name, a variant's settings over its translator's; UserError if unknown."""
        if name not in self.variants and name not in registry.names():
            raise unknown("model", name, (*self.variants, *registry.names()))
        variant = self.variants.get(name, Variant(model=name))
        settings = merge(self.settings, self.model_settings.get(variant.model, {}), variant.settings)
        return Contestant(name, variant.model, settings)


def load_suite(
    name: str, models: str | None, data: Settings, assignments: list[str], seeds: str | None = None
) -> Suite:
    """A suite by name or file, with the command line's choices put over it.

    `models` and `seeds` are lists with commas. Assignments are `data.*` and `train.*` for all, `NAME.setting` for the
    settings of a translator, which its variants share, or of a single variant, and `budget.*`, `classifier.*`,
    `scoring.*` and `report.*`.

    Raises:
        UserError: for an unknown suite, model or setting.
    """
    settings = read(name)
    if models:
        settings["models"] = [model.strip() for model in models.split(",") if model.strip()]
    if seeds is not None:
        settings["seeds"] = _seeds(seeds)
    suite = suite_of(settings)
    overrides = merge(suite.embedded if on_default_data(data) else {}, parse_assignments(assignments), {"data": data})
    return suite_of(merge(settings, _sorted_out(overrides, suite)))


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
            raise UserError(f"--budget {text!r} must look like images=400000 or images=400000,per=task")
        if name.strip() not in Budget.model_fields:
            raise unknown("kind of budget", name.strip(), Budget.model_fields)
    return [f"budget.{name.strip()}={value.strip()}" for name, _, value in parts]


def on_default_data(data: Settings) -> bool:
    """Whether `data` settings of the command line leave it at the set that is drawn by default."""
    default = DataConfig.model_fields["embedded"].default
    return not (data.get("path") or data.get("sets")) and data.get("embedded", default) == default


def base_settings(name: str, model: str | None, data: Settings) -> tuple[str | None, Settings]:
    """Translator and settings of a single training on `data`: of a suite's contestant `model`, or of a settings file.

    The translator is None if neither the file nor `model` says which.

    Raises:
        UserError: if there is no such suite or file, or it is about another model.
    """
    settings = read(name)
    if not is_suite(settings):
        return _named(name, settings, model), settings
    if model is None:
        raise UserError(f"{name} is a suite of several models: choose one with --model")
    suite = suite_of(settings)
    contestant = suite.contestant(model)
    chosen = contestant.for_training(suite.budget.images, suite.seeds[0])
    return contestant.model, merge(chosen, suite.embedded if on_default_data(data) else {})


def _named(file: str, settings: Settings, model: str | None) -> str | None:
    """The translator that a settings file or the command line names."""
    section = settings.get("model")
    stated = section.get("name") if isinstance(section, dict) else None
    if stated is None or model in (None, stated):
        return model or stated
    raise UserError(f"{file} holds settings of {stated}, not of {model}: leave out --model or choose other settings")


SHARED = ("budget", "classifier", "scoring", "report")
RESERVED = ("data", "train", *SHARED, "real", "input", "target")


def suite_of(settings: Settings) -> Suite:
    """The suite that settings describe.

    Raises:
        UserError: if they do not fit, or a name in them is unknown or taken.
    """
    suite = validate(Suite, settings, "suite")
    for name, variant in suite.variants.items():
        _check_name(name)
        if variant.model not in registry.names():
            raise unknown(f"model of variant {name}:", variant.model, registry.names())
    for name in suite.model_settings:
        registry.get(name)
    for name in (*suite.models, *(name for claim in suite.claims for name in claim.order)):
        suite.contestant(name)
    return suite


def _check_name(variant: str) -> None:
    if variant in registry.names():
        raise UserError(f"the variant {variant!r} has the name of a model: choose another")
    if variant in RESERVED or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]*", variant):
        raise UserError(
            f"a variant cannot be called {variant!r}: use letters, digits, - and _, "
            f"and none of the words {', '.join(RESERVED)}"
        )


def _sorted_out(overrides: Settings, suite: Suite) -> Settings:
    """Overrides as a suite holds them."""
    placed: dict[str, Any] = {}
    translators = (*suite.models, *suite.model_settings, *(variant.model for variant in suite.variants.values()))
    known = (*suite.variants, *translators, "data", "train", *SHARED)
    for section, values in overrides.items():
        if section in ("data", "train"):
            # Also over what the suite says for single contestants, or it would win over the command line.
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
    if "images" in own:
        raise UserError("a bench has one budget for all models: use --budget images=N")
    if "seed" in own:
        raise UserError(
            "a bench trains with the seeds of its suite: use --seeds 1, or write seeds: [1] into a settings file"
        )
    return placed


def default_suite(data: Settings) -> str:
    """The suite for people who name none: three domains of the seasons, or whatever other `data` settings name."""
    return "seasons" if on_default_data(data) else "quick"
