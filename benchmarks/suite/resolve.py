"""Settings with every default filled in, for `i2i configs show`."""

from i2i import registry
from i2i.benchmarks.suite.schema import Suite, suite_of
from i2i.config import BUDGETS, Settings, merge, validate
from i2i.errors import UserError
from i2i.presets.files import is_suite, read
from i2i.presets.methods import Method, code_of
from i2i.presets.training import base_settings
from i2i.training.setup import run_config


def resolved(name: str) -> Settings:
    """All settings of a shipped file or of one's own; as a file of their own they mean the same.

    No code is run: what only the code of a custom model knows, its defaults, is left as it is written.

    Raises:
        UserError: if there is no such file, or its settings do not fit.
    """
    settings = read(name)
    if is_suite(settings):
        suite = validate(Suite, settings, "suite")
        return _beside_code(suite) if code_of(suite) else _resolved_suite(suite_of(settings))
    model, settings = base_settings(name, None, {})
    if model is None:
        raise UserError(f"{name} names no model: write model: {{name: ...}} into it; `i2i models` lists them")
    return run_config(model, settings).settings()


def _beside_code(suite: Suite) -> Settings:
    """The suite with everything written out but the methods that are code, or variants of such."""
    code = {*code_of(suite), *suite.custom_models}
    written = suite.model_dump(mode="json", include={"models", "variants", "custom_models", "model_settings", "claims"})
    variants = {name: variant for name, variant in suite.variants.items() if variant.model not in code}
    models = [name for name in suite.models if name in variants or name not in (*code, *suite.variants)]
    zoo = {
        "models": models or ["identity"],
        "variants": {name: written["variants"][name] for name in variants},
        "custom_models": {},
        "model_settings": {name: own for name, own in written["model_settings"].items() if name in registry.names()},
        "claims": [],
    }
    return merge(_resolved_suite(suite_of({**suite.model_dump(mode="json"), **zoo})), written)


def _resolved_suite(suite: Suite) -> Settings:
    """The suite with the settings of every method written out."""
    models: Settings = {}
    variants: Settings = {}
    for name in dict.fromkeys((*suite.models, *suite.model_settings, *suite.variants)):
        method = suite.method(name)
        own = _resolved_method(method)
        if name in suite.variants:
            variants[name] = {"model": method.model, "settings": own}
        else:
            models[name] = own
    everyone = _resolved_method(suite.method("identity"))
    del everyone["model"]
    # What the suite leaves open is each method's own, also that of one which is added later.
    everyone["train"] = {name: everyone["train"][name] for name in suite.settings.get("train", {})}
    return merge(suite.model_dump(mode="json"), {"settings": everyone, "model_settings": models, "variants": variants})


def _resolved_method(method: Method) -> Settings:
    """Settings of a method's training runs, without what the suite's budget and seeds say."""
    settings = run_config(method.model, method.for_training(1, 0)).settings()
    for section, decided in (("model", "name"), *(("train", name) for name in (*BUDGETS, "seed"))):
        del settings[section][decided]
    return settings
