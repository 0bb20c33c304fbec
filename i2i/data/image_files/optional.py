"""Libraries that not everybody needs: imported where a file asks for them, and named where they are missing."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from i2i.errors import UserError


def imported(name: str, path: Path, extra: str = "wide") -> ModuleType:
    """A library that reads or writes a file; UserError where it is missing."""
    try:
        return import_module(name)
    except ImportError:
        raise UserError(f"{path} needs the library {name}: pip install 'i2i[{extra}]'") from None
