"""Translators from a Python file or module of one's own, named as in `mine.py:MyModel` or `package.module:MyModel`.

Such a text is code to be run. It is taken from command lines and suites, never from a checkpoint, so that opening the
run folder of a stranger runs nothing of theirs.
"""

import hashlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from i2i import registry
from i2i.errors import UserError
from i2i.translator import Translator
from i2i.translator.complete import GUIDE, check_complete


@dataclass(frozen=True)
class CustomModel:
    """A registered class of one's own.

    Attributes:
        name: under which it is registered: that of `@register`, or of the class.
        source: where it comes from, with an absolute path.
        sha256: of the file that defines it; what that file imports does not enter.
    """

    name: str
    source: str
    sha256: str

    @property
    def label(self) -> str:
        """The source without its folder."""
        return self.source.rpartition("/")[2]


@dataclass(frozen=True)
class _Loaded:
    module: ModuleType
    sha256: str


_LOADED: dict[str, _Loaded] = {}


def is_source(text: str) -> bool:
    """Whether a text names a custom model and not a registered model."""
    return ":" in text or text.endswith(".py")


def load(text: str) -> CustomModel:
    """Import and register the class that `FILE.py:CLASS` or `MODULE:CLASS` names.

    A file that has changed since it was last loaded is imported again. While it is imported, modules beside a file and,
    for a module, the working directory can be imported too.

    Raises:
        UserError: if there is no such file or class, the file does not import, or the class is no Translator.
    """
    place, colon, name = text.rpartition(":")
    if not (colon and place and name.isidentifier()):
        raise UserError(f"{text} names no class: write FILE.py:CLASS, as in mine.py:MyModel")
    if place.endswith(".py"):
        place = str(Path(place).resolve())
        loaded = _load_file(Path(place), text)
    else:
        loaded = _load_module(place, text)
    cls = getattr(loaded.module, name, None)
    if cls is None:
        raise UserError(f"{place} has no class {name}; it has {', '.join(_translators(loaded.module)) or 'none'}")
    _check(cls, text)
    return CustomModel(_registered(cls, text), f"{place}:{name}", loaded.sha256)


def require(source: str, sha256: str) -> CustomModel:
    """The class of a source, as it was when its hash was taken; UserError if the file has changed."""
    own = load(source)
    if own.sha256 != sha256:
        raise UserError(f"{source.rpartition(':')[0]} changed while it was in use: start again")
    return own


def _load_file(path: Path, text: str) -> _Loaded:
    if not path.is_file():
        raise UserError(f"there is no file {path}, which {text} names")
    code = path.read_bytes()
    found, known = hashlib.sha256(code).hexdigest(), _LOADED.get(str(path))
    if known and known.sha256 == found:
        return known
    module = ModuleType(f"own_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}")
    module.__file__ = str(path)
    registry.names()  # so that a name which the zoo has is known to be taken
    _forget(module.__name__)
    sys.modules[module.__name__] = module
    with _importing(str(path), path.parent):
        exec(compile(code, path, "exec"), module.__dict__)
    _LOADED[str(path)] = _Loaded(module, found)
    return _LOADED[str(path)]


def _load_module(name: str, text: str) -> _Loaded:
    if name not in _LOADED:
        registry.names()
        with _importing(name, Path.cwd()):
            module = importlib.import_module(name)
        file = inspect.getsourcefile(module)
        if file is None:
            raise UserError(f"{text}: {name} is no module with a Python file")
        _LOADED[name] = _Loaded(module, hashlib.sha256(Path(file).read_bytes()).hexdigest())
    return _LOADED[name]


def _forget(module: str) -> None:
    """Unregister what an earlier version of a file, or one that failed to import, has registered."""
    for name in registry.names():
        if registry.get(name).__module__ == module:
            registry.unregister(name)


@contextmanager
def _importing(place: str, folder: Path) -> Iterator[None]:
    """Lets modules of a folder be imported; an error becomes one line with file and line."""
    sys.path.append(str(folder))
    try:
        yield
    except (Exception, SystemExit) as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"{place} cannot be imported: {what}{line_of(error, place)}") from None
    finally:
        sys.path.remove(str(folder))


def line_of(error: BaseException, place: str) -> str:
    """File and line of an error: the last line of the file itself, or else of what it imports."""
    if isinstance(error, SyntaxError):
        return ""  # its text says so
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename not in (__file__, importlib.__file__) and not frame.filename.startswith("<")
    ]
    own = [frame for frame in frames if frame.filename == place] or frames
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


def _translators(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Translator) and value.__module__ == module.__name__
    ]


def _check(cls: object, text: str) -> None:
    if not (isinstance(cls, type) and issubclass(cls, Translator)):
        raise UserError(
            f"{text} is no Translator: derive it from i2i.translator.Translator, with coverage, batch, phases and "
            f"generate; {GUIDE} builds one"
        )
    check_complete(cls, text)


def _registered(cls: type[Translator], text: str) -> str:
    """The name of a class in the registry, where it enters under its own name if it has none yet."""
    if not registry.is_registered(cls):
        try:
            registry.register(cls.__name__)(cls)
        except ValueError as error:
            raise UserError(f"{text}: {error}; give the class another name") from None
    return registry.name_of(cls)
