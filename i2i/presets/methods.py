"""Methods with the settings of their training runs, from `configs/bench/*.yaml` or a file of one's own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from i2i import registry
from i2i.config import (
    LARGEST_SEED,
    MOST_COUNTED,
    MOST_SECONDS,
    DataConfig,
    Section,
    Settings,
    budget_of,
    merge,
    one_budget,
    section_of,
    validate,
)
from i2i.custom_models import CustomModel, is_source, load
from i2i.errors import UserError, unknown


class Budget(Section):
    """How long a model is trained, in one of four units.

    `per: dataset` divides it over the training runs a model needs to serve every direction (equal compute);
    `per: task` gives it to each training (equal convergence).
    """

    images: int | None = Field(None, ge=1, le=MOST_COUNTED, description="real images shown, a pair counting as two")
    updates: int | None = Field(None, ge=1, le=MOST_COUNTED, description="updates of the generators")
    seconds: float | None = Field(None, gt=0, le=MOST_SECONDS, description="time in training steps")
    epochs: float | None = Field(
        None, gt=0, le=MOST_COUNTED, description="times the images of the training split, of what it is given to"
    )
    per: Literal["dataset", "task"] = "dataset"

    _one_budget = model_validator(mode="before")(one_budget)

    @property
    def amount(self) -> tuple[str, float]:
        """The unit, one of `BUDGETS`, and how much of it."""
        return budget_of(self)


MOST = 1_000
"""Seeds, variants and the like of a bench, which nobody exceeds but by mistake: each costs planning."""
OWN_DATA = ("flip", "zoom")
"""Of the `data` settings what a method may have of its own: how the images that it learns from are varied."""
EVALUATIONS = 10
Weights = Literal["last", "ema", "best"]
WEIGHTS: dict[str, Weights] = {"last": "last", "ema": "ema", "best-on-val": "best"}


class CheckpointRule(Section):
    """Which weights of a training translate, and how often it is scored on the validation split.

    `last`: of the last step; `ema`: the moving average that `train.ema` keeps; `best-on-val`: those that were best on
    the validation split. The test split has no say in it.
    """

    rule: Literal["last", "ema", "best-on-val"] = Field(
        "last", description="where it is not set, ema for methods that translate with their average"
    )
    metric: str | None = Field(
        None, description="of best-on-val; None: PSNR where there is ground truth, else the distance of the bench"
    )
    evaluations: int = Field(
        0, ge=0, le=MOST_COUNTED, description="of every training, for its curve; 0: none, of best-on-val 10"
    )

    @property
    def weights(self) -> Weights:
        """Their name in run folders."""
        return WEIGHTS[self.rule]

    @property
    def evaluation_count(self) -> int:
        """How often a training is evaluated."""
        return self.evaluations or (EVALUATIONS if self.rule == "best-on-val" else 0)

    def of_method(self, model: str, train: Settings) -> "CheckpointRule":
        """The rule for a translator with settings of `train`, whose own one holds where none is set."""
        method = registry.get(model)
        averaged = {**method.train_defaults(), **train}.get("ema")
        if "rule" in self.model_fields_set or method.translates_with == "last" or not averaged:
            return self
        return self.model_copy(update={"rule": "ema"})


class Variant(Section):
    """A translator with settings of its own, to be compared under a name of its own."""

    model: str
    settings: Settings = Field(default_factory=dict, description="`model`, `data` and `train` settings")
    checkpoint: CheckpointRule | None = Field(None, description="None: the suite's")


@dataclass(frozen=True)
class Method:
    """Who takes part in a bench: a translator with settings, under a name.

    Attributes:
        name: what the table, the folders and the grid call it.
        model: name of the translator.
        settings: of its training runs; sections `model`, `data` and `train`.
        checkpoint: which of their weights translate.
    """

    name: str
    model: str
    settings: Settings
    checkpoint: CheckpointRule

    def for_training(self, amount: float, seed: int, unit: str = "images") -> Settings:
        """Settings of one training with a budget of `amount` in `unit`, one of `BUDGETS`."""
        return merge(self.settings, {"train": {unit: amount, "seed": seed}})


class Methods(Section):
    """The methods that a suite compares, and the settings of their training runs.

    What is said of scores and reports concerns the bench alone, whose `Suite` knows more of it.
    """

    name: str = Field("", description="that it was asked for by; filled when it is read")
    about: str = Field("", description="what a reader of its table must know of its settings, in a sentence's part")
    models: tuple[str, ...] = Field(
        ("pix2pix", "cyclegan", "stargan"), min_length=1, description="who takes part: translators and variants"
    )
    variants: dict[str, Variant] = Field(
        default_factory=dict, max_length=MOST, description="by the names they compete under"
    )
    custom_models: dict[str, str] = Field(
        default_factory=dict, description="FILE.py:CLASS by name; filled from `models` and `variants`"
    )
    budget: Budget = Budget()
    checkpoint: CheckpointRule = CheckpointRule()
    seeds: tuple[Annotated[int, Field(ge=0, le=LARGEST_SEED)], ...] = Field((0,), min_length=1, max_length=MOST)
    settings: Settings = Field(default_factory=dict, description="`data` and `train` settings of all training runs")
    model_settings: dict[str, Settings] = Field(default_factory=dict, description="by translator, over `settings`")
    embedded: Settings = Field(
        default_factory=dict, description="`data` and `train` settings over all others, on the set drawn by default"
    )
    classifier: object = None
    report: object = None
    scoring: object = None
    translation: object = None
    claims: Sequence[object] = ()
    external: Mapping[str, object] = Field(default_factory=dict)

    @field_validator("seeds")
    @classmethod
    def _different(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value):
            raise ValueError("name every seed once")
        return value

    def own(self, model: str) -> CustomModel | None:
        """The class of one's own of that name, registered; None for a model of the zoo."""
        return load(self.custom_models[model]) if model in self.custom_models else None

    def method(self, name: str) -> Method:
        """The variant or translator of that name, a variant's settings over its translator's; UserError if unknown."""
        if name not in self.variants and name not in registry.names():
            raise unknown("model", name, (*self.variants, *registry.names()))
        variant = self.variants.get(name, Variant(model=name))
        settings = merge(self.settings, self.model_settings.get(variant.model, {}), variant.settings)
        rule = variant.checkpoint or self.checkpoint
        return Method(name, variant.model, settings, rule.of_method(variant.model, section_of(settings, "train")))


def check_data(suite: Methods) -> None:
    """Refuse `data` settings that would let methods see other data, splits or preprocessing than one another.

    Raises:
        UserError: for those, for settings that do not fit, and for learning from the split that is scored.
    """
    beneath = section_of(suite.settings, "data")
    shared = validate(DataConfig, beneath, "data")
    if shared.train_split == shared.test_split:
        raise UserError(
            f"data.train_split and data.test_split are both {shared.test_split}: choose one to learn from and another "
            "to be scored on"
        )
    models = {f"model_settings.{name}.": settings for name, settings in suite.model_settings.items()}
    variants = {f"variants.{name}.settings.": variant.settings for name, variant in suite.variants.items()}
    for place, settings in (models | variants).items():
        own = validate(DataConfig, merge(beneath, section_of(settings, "data", place)), f"{place}data")
        _check_own_data(own, shared, place)


def _check_own_data(own: DataConfig, shared: DataConfig, place: str) -> None:
    for name in DataConfig.model_fields.keys() - {*OWN_DATA}:
        if getattr(own, name) != getattr(shared, name):
            raise UserError(
                f"{place}data.{name}: all methods of a bench have the same data, splits and preprocessing, and only "
                f"{' and '.join(OWN_DATA)} may be a method's own; settings.data.{name} is for all of them"
            )


AnySuite = TypeVar("AnySuite", bound=Methods)

SHARED = ("budget", "checkpoint", "translation", "classifier", "scoring", "report")
RESERVED = ("data", "train", *SHARED, "real", "input", "target")


def methods_of(settings: Settings, kind: type[AnySuite]) -> AnySuite:
    """The suite that settings describe, as far as its training runs go.

    Raises:
        UserError: if they do not fit, or a name in them is unknown or taken.
    """
    suite = _with_custom_models(validate(kind, settings, "suite"))
    for name, variant in suite.variants.items():
        _check_name(name)
        if variant.model not in registry.names():
            raise unknown(f"model of variant {name}:", variant.model, registry.names())
    for name in suite.model_settings:
        registry.get(name)
    for name in suite.models:
        if name not in suite.external:
            suite.method(name)
    check_data(suite)
    return suite


def _with_custom_models(suite: AnySuite) -> AnySuite:
    """The suite with custom models under their names; they are registered."""
    found = {entry: load(entry) for entry in code_of(suite)}

    def name_of(entry: str) -> str:
        return found[entry].name if entry in found else entry

    for own in found.values():
        check_form("model", own.name)
    variants = {name: v.model_copy(update={"model": name_of(v.model)}) for name, v in suite.variants.items()}
    return suite.model_copy(
        update={
            "models": tuple(dict.fromkeys(map(name_of, suite.models))),
            "variants": variants,
            "custom_models": {own.name: own.source for own in found.values()},
        }
    )


def code_of(suite: Methods) -> list[str]:
    """What a suite names that is code to be run: FILE.py:CLASS or MODULE:CLASS."""
    entries = [*suite.custom_models.values(), *suite.models, *(variant.model for variant in suite.variants.values())]
    return [entry for entry in entries if is_source(entry)]


def _check_name(variant: str) -> None:
    if variant in registry.names():
        raise UserError(f"the variant {variant!r} has the name of a model: choose another")
    check_form("variant", variant)


def check_form(kind: str, name: str) -> None:
    """UserError unless a variant, model or method can go by that name."""
    if name in RESERVED or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]*", name):
        raise UserError(
            f"a {kind} cannot be called {name!r}: use letters, digits, - and _, "
            f"and none of the words {', '.join(RESERVED)}"
        )
