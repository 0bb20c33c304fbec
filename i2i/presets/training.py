"""Settings of a single training run, of a suite or of a settings file."""

from i2i.config import DataConfig, Settings, merge
from i2i.errors import UserError
from i2i.presets.files import is_suite, read
from i2i.presets.methods import Methods, methods_of


def base_settings(name: str, model: str | None, data: Settings) -> tuple[str | None, Settings]:
    """Translator and settings of a single training on `data`: of a suite's method `model`, or of a settings file.

    The translator is None if neither the file nor `model` says which.

    Raises:
        UserError: if there is no such suite or file, or it is about another model.
    """
    settings = read(name)
    if not is_suite(settings):
        return _named(name, settings, model), settings
    if model is None:
        raise UserError(f"{name} is a suite of several models: choose one with --model")
    suite = methods_of(settings, Methods)
    method = suite.method(model)
    unit, amount = suite.budget.amount
    chosen = method.for_training(amount, suite.seeds[0], unit)
    return method.model, merge(chosen, for_embedded(suite, data))


def _named(file: str, settings: Settings, model: str | None) -> str | None:
    """The translator that a settings file or the command line names."""
    section = settings.get("model")
    stated = section.get("name") if isinstance(section, dict) else None
    if stated is None or model in (None, stated):
        return model or stated
    raise UserError(f"{file} holds settings of {stated}, not of {model}: leave out --model or choose other settings")


def default_suite(data: Settings) -> str:
    """The suite for people who name none: three domains of the seasons, or whatever other `data` settings name."""
    return "seasons" if on_default_data(data) else "quick"


def for_embedded(suite: Methods, data: Settings) -> Settings:
    """The suite's settings for the set drawn by default, if neither its own data nor those of the command differ."""
    return suite.embedded if on_default_data(merge(suite.settings.get("data", {}), data)) else {}


def on_default_data(data: Settings) -> bool:
    """Whether `data` settings leave it at the set that is drawn by default."""
    default = DataConfig.model_fields["embedded"].default
    return not (data.get("path") or data.get("sets")) and data.get("embedded", default) == default
