"""Translators by name."""

import importlib
import pkgutil
from collections.abc import Callable
from fnmatch import fnmatchcase

from i2i.errors import UserError, unknown
from i2i.translator import Translator

__all__ = ["get", "is_registered", "name_of", "names", "register", "unregister"]

_REGISTRY: dict[str, type[Translator]] = {}


def register(name: str) -> Callable[[type[Translator]], type[Translator]]:
    """Class decorator that gives a translator its name.

    Raises:
        ValueError: when another class has that name.
    """

    def add(cls: type[Translator]) -> type[Translator]:
        taken = _REGISTRY.get(name)
        if taken is not None and taken is not cls:
            raise ValueError(f"two translators are named {name!r}: {taken.__module__} and {cls.__module__}")
        _REGISTRY[name] = cls
        return cls

    return add


def unregister(name: str) -> None:
    """Forget a name, for tests that register classes of their own."""
    del _REGISTRY[name]


def get(name: str) -> type[Translator]:
    """The translator of that name; UserError with near names otherwise."""
    _discover()
    if name not in _REGISTRY:
        raise UserError(f"{unknown('model', name, _REGISTRY)}. A class of your own: --model FILE.py:CLASS")
    return _REGISTRY[name]


def names(pattern: str = "*") -> list[str]:
    """Names of all translators that match a shell pattern such as 'star*', sorted."""
    _discover()
    return sorted(name for name in _REGISTRY if fnmatchcase(name, pattern))


def is_registered(cls: type[Translator]) -> bool:
    """Whether `cls` has a name."""
    return cls in _REGISTRY.values()


def name_of(cls: type[Translator]) -> str:
    """The name under which `cls` is registered."""
    return next(name for name, known in _REGISTRY.items() if known is cls)


def _discover() -> None:
    """Import every public module of `i2i.models`, which registers what it holds."""
    package = importlib.import_module("i2i.models")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"i2i.models.{module.name}")
