"""Suites: the settings of a bench, from `configs/bench/*.yaml` or a file of one's own."""

from collections.abc import Container, Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from i2i import registry
from i2i.benchmarks.suite.claims import Claim
from i2i.benchmarks.suite.columns import check_columns
from i2i.benchmarks.suite.external import External
from i2i.config import LARGEST_SEED, MOST_COUNTED, DataConfig, Section, Settings, merge, section_of, validate
from i2i.custom_models import is_source, load
from i2i.errors import UserError
from i2i.metrics.sets.names import SetMeasure, besides_distances
from i2i.presets.methods import MOST, Method, Methods, check_form, methods_of
from i2i.utils.text import option


class ClassifierConfig(Section):
    """The domain classifier that scores translations."""

    backbone: str = Field("resnet10t", description="a timm model, trained from scratch")
    images: int = Field(6_144, ge=1, le=MOST_COUNTED, description="training images shown")
    blur: float = Field(
        1 / 32, ge=0, le=1, description="std of the strongest blur of a training image, as a share of its shorter side"
    )
    pretrained: bool = Field(
        False, description="start from ImageNet weights: those of EfficientNet-Lite0 that the extra imagenet brings"
    )

    def settings(self) -> Settings:
        """All that decides what is learnt; without what is off, so that keys of before hold."""
        return self.model_dump(exclude={name for name in ("pretrained", "blur") if not getattr(self, name)})


class ReportConfig(Section):
    """The gallery of report.html, and table.tex."""

    images: int = Field(60, ge=1, le=MOST_COUNTED, description="test images of each direction, at most")
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="of their choice and order")
    columns: Annotated[tuple[str, ...], AfterValidator(check_columns)] = Field(
        (), description="of table.tex in this order: metrics as in results.csv, and costs; none: all"
    )
    names: dict[str, str] = Field(default_factory=dict, description="by method, what table.tex calls it")
    intervals: bool = Field(False, description="show intervals over test images behind the values of the main table")


MOST_SAMPLES = 1_000
Steps = Annotated[int, Field(ge=1, le=MOST_COUNTED)]


class TranslationConfig(Section):
    """What methods are asked for beside domains, where they take it."""

    samples: int = Field(
        1, ge=1, le=MOST_SAMPLES, description="translations of each test image, by methods that take noise"
    )
    sampling_steps: dict[str, Steps] = Field(
        default_factory=dict,
        max_length=MOST,
        description="by translator or variant that takes them; others take as many as they think right",
    )

    def samples_of(self, takes: Container[str]) -> int:
        """How many translations of an image a method gives that takes these things."""
        return self.samples if "noise" in takes else 1

    def steps_of(self, method: Method) -> int | None:
        """The steps of a method, those of a variant over its translator's; None: its own number."""
        return self.sampling_steps.get(method.name, self.sampling_steps.get(method.model))


class ScoringConfig(Section):
    """Measures that are left out unless asked for, because of what they cost."""

    gan_train: bool = Field(False, description="train two classifiers on the translations of each model and seed")
    metrics: Annotated[tuple[SetMeasure, ...], BeforeValidator(besides_distances)] = Field(
        (),
        description="measures of sets besides the distances: prdc (precision, recall, density, coverage), mind, "
        "cmmd, fwd",
    )
    label_map: str | None = Field(
        None, description="the domain that is a label map; none: no domain; by default one of few exact colors"
    )
    palette: dict[str, tuple[int, int, int]] = Field(
        default_factory=dict,
        max_length=MOST,
        description="red, green and blue of its classes by name, of which void is not scored; by default learnt",
    )

    def asked(self) -> Settings:
        """What decides the measures; what was not asked for is left out, so that keys of before hold.

        What the settings say of label maps is not in it: how those are scored depends on what is found as well.
        """
        return self.model_dump(exclude={"label_map", "palette", *(() if self.metrics else ("metrics",))})


class Suite(Methods):
    """Everything a bench needs to know besides the data folder."""

    classifier: ClassifierConfig = ClassifierConfig()
    report: ReportConfig = ReportConfig()
    scoring: ScoringConfig = ScoringConfig()
    translation: TranslationConfig = TranslationConfig()
    claims: tuple[Claim, ...] = Field((), max_length=MOST, description="orderings that the report confirms or denies")
    external: dict[str, External] = Field(
        default_factory=dict,
        max_length=MOST,
        description="folders of external translations, by the names they compete under",
    )

    def data_config(self, found: Settings | None = None) -> DataConfig:
        """The data settings that all methods share, with those `found` in the data; UserError if they do not fit."""
        return validate(DataConfig, section_of(self.settings, "data") | (found or {}), "data")

    def with_external(self, added: Mapping[str, External]) -> "Suite":
        """The suite with more methods from elsewhere; UserError if a name is taken."""
        settings = {name: external.model_dump(mode="json") for name, external in added.items()}
        return suite_of(merge(self.model_dump(mode="json"), {"external": settings}))


def named_again(settings: Settings, remembered: Mapping[str, str], text: str) -> Settings:
    """Models and `custom_models` of a recorded suite, with the classes that `--models` names.

    One that `+FILE.py:CLASS` names only because variants go by it does not compete itself.

    Raises:
        UserError: if a class that is remembered takes part and is not named.
    """
    found = {entry: load(entry) for entry in settings["models"] if is_source(entry)}
    given = {own.name: own.source for own in found.values()}
    variants = {variant.get("model") for variant in settings.get("variants", {}).values()}
    for name in remembered.keys() & {*settings["models"], *variants} - given.keys():
        file = remembered[name].rpartition(":")[0].rpartition("/")[2]
        raise UserError(
            f"{name} is a custom model, from {file}, and code runs only where the command line names it: "
            f"add {option('--models', f'+{file}:{name}')}, with the folder of your copy"
        )
    replaced = variants & remembered.keys() - {*settings["models"]} if text.startswith("+") else set()
    models = [entry for entry in settings["models"] if not (entry in found and found[entry].name in replaced)]
    return {"models": models, "custom_models": given}


def suite_of(settings: Settings) -> Suite:
    """The suite that settings describe.

    Raises:
        UserError: if they do not fit, or a name in them is unknown or taken.
    """
    suite = methods_of(settings, Suite)
    for name in suite.external:
        _check_external(name, suite)
    for name in (name for claim in suite.claims for name in claim.order):
        if name not in suite.external:
            suite.method(name)
    for name in suite.translation.sampling_steps:
        _check_steps(name, suite)
    return suite


def _check_steps(name: str, suite: Suite) -> None:
    if _takes_steps(suite.method(name).model):
        return
    able = [other for other in (*suite.variants, *registry.names()) if _takes_steps(suite.method(other).model)]
    raise UserError(
        f"{name} takes no sampling steps, and no number of them can be chosen for it; "
        f"these do: {', '.join(able) or 'none of the methods here'}"
    )


def _takes_steps(model: str) -> bool:
    return "sampling_steps" in registry.get(model).takes


def _check_external(name: str, suite: Suite) -> None:
    if name in suite.variants or name in registry.names():
        raise UserError(f"--external {name}=...: there is a model or variant of that name; choose another")
    check_form("method", name)
