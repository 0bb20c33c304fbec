"""Translators by name: those of the zoo, and those of installed packages that declare the entry point group `GROUP`."""

import importlib
import pkgutil
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from i2i.errors import UserError, unknown
from i2i.translator import Translator
from i2i.translator.complete import check_complete

GROUP = "i2i.translators"

__all__ = ["get", "is_registered", "name_of", "names", "register", "unregister"]

_REGISTRY: dict[str, type[Translator]] = {}
_PACKAGES: dict[str, str] = {}
_UNUSABLE: dict[str, str] = {}


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
    """The translator of that name; UserError with near names, or why the one of a package cannot be used, otherwise."""
    _discover()
    if name not in _REGISTRY and name in _UNUSABLE:
        raise UserError(_UNUSABLE[name])
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


def package_of(name: str) -> str | None:
    """The installed package and version that the translator of that name comes from; None for all others."""
    return _PACKAGES.get(name)


def unusable() -> list[str]:
    """Why translators of installed packages cannot be used, in a line each."""
    _discover()
    return list(_UNUSABLE.values())


def _discover() -> None:
    """Import every public module of `i2i.models`, which registers what it holds, and what packages declare."""
    _import_models()
    _discover_packages()


@cache
def _import_models() -> None:
    package = importlib.import_module("i2i.models")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"i2i.models.{module.name}")


@cache
def _discover_packages() -> None:
    for point in entry_points(group=GROUP):
        package = f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"
        try:
            _PACKAGES[_registered(point)] = package
        except Exception as error:  # whatever the package's own code raises: it must not keep others from working
            text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            what = " ".join(text.split())
            _UNUSABLE[point.name] = f"the translator {point.name} of {package} cannot be used: {what}"


def _registered(point: EntryPoint) -> str:
    """The name of an entry point's class: that of `@register`, or else of the entry point."""
    cls = point.load()
    if not (isinstance(cls, type) and issubclass(cls, Translator)):
        raise TypeError(f"{point.value} is no class derived from i2i.translator.Translator")
    check_complete(cls, point.value)
    if not is_registered(cls):
        register(point.name)(cls)
    return name_of(cls)
