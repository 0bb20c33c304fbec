"""Suites: the settings of a bench, from `configs/bench/*.yaml` or a file of one's own."""

from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from i2i import registry
from i2i.config import Section, Settings, merge, parse_assignments, read_settings, validate
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


class Suite(Section):
    """Everything a bench needs to know besides the data folder."""

    models: tuple[str, ...] = Field(("pix2pix", "cyclegan", "stargan"), min_length=1)
    budget: Budget = Budget()
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    settings: Settings = Field(default_factory=dict, description="`data` and `train` settings of all trainings")
    model_settings: dict[str, Settings] = Field(default_factory=dict, description="by model, over `settings`")
    classifier: ClassifierConfig = ClassifierConfig()

    def for_model(self, model: str, images: int, seed: int) -> Settings:
        """Settings of one training of `model`."""
        chosen = {"train": {"images": images, "seed": seed}}
        return merge(self.settings, self.model_settings.get(model, {}), chosen)


def load_suite(name: str, models: str | None, data: str | None, assignments: list[str]) -> Suite:
    """A suite by name or file, with the command line's choices put over it.

    Assignments are `data.*` and `train.*` for all models, `MODEL.name` for one model's settings, and
    `budget.*` and `classifier.*`.

    Raises:
        UserError: for an unknown suite, model or setting.
    """
    settings = _read(name)
    if models:
        settings["models"] = [model.strip() for model in models.split(",") if model.strip()]
    overrides = parse_assignments(assignments)
    if data:
        overrides = merge(overrides, {"data": {"path": str(Path(data).absolute())}})
    suite = validate(Suite, settings, "suite")
    for model in (*suite.models, *suite.model_settings):
        registry.get(model)
    return validate(Suite, merge(settings, _sorted_out(overrides, suite)), "suite")


def base_settings(name: str, model: str | None) -> Settings:
    """Settings of a single training: those of a suite for `model`, or of a settings file.

    Raises:
        UserError: if there is no such suite or file.
    """
    settings = _read(name)
    if "models" not in settings:
        return settings
    if model is None:
        raise UserError(f"{name} is a suite of several models: choose one with --model")
    suite = validate(Suite, settings, "suite")
    return suite.for_model(model, suite.budget.images, suite.seeds[0])


def _sorted_out(overrides: Settings, suite: Suite) -> Settings:
    """Overrides as a suite holds them."""
    placed: dict[str, Any] = {}
    known = (*suite.models, *suite.model_settings, "data", "train", "budget", "classifier")
    for section, values in overrides.items():
        if section in ("data", "train"):
            # Also over what the suite says for single models, or it would win over the command line.
            everywhere = {model: {section: values} for model in suite.model_settings}
            placed = merge(placed, {"settings": {section: values}, "model_settings": everywhere})
        elif section in ("budget", "classifier"):
            placed = merge(placed, {section: values})
        elif section in known:
            placed = merge(placed, {"model_settings": {section: {"model": values}}})
        else:
            raise unknown("section of --set:", section, known)
    own = placed.get("settings", {}).get("train", {})
    if "images" in own:
        raise UserError("a bench has one budget for all models: use --set budget.images=N")
    if "seed" in own:
        raise UserError("a bench trains with the seeds of its suite: write seeds: [1] into a settings file")
    return placed


def default_suite(data: str | None, assignments: list[str]) -> str:
    """The suite for people who name none: three domains of the seasons, or all of their data or other embedded set.

    Raises:
        UserError: for an assignment of another form than `section.name=value`.
    """
    embedded = parse_assignments(assignments).get("data", {}).get("embedded", "seasons")
    return "quick" if data or embedded != "seasons" else "seasons"


def _read(name: str) -> Settings:
    """Settings of a suite or file; one that names another as its `base` is put over that one."""
    settings = read_settings(_find(name))
    base = settings.pop("base", None)
    return merge(_read(str(base)), settings) if base else settings


def _find(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    shipped = {
        Path(str(entry)).stem: Path(str(entry))
        for folder in ("bench", "models")
        if (place := resources.files("i2i.configs") / folder).is_dir()
        for entry in place.iterdir()
        if entry.name.endswith(".yaml")
    }
    if name not in shipped:
        raise unknown("suite or settings", name, shipped)
    return shipped[name]
