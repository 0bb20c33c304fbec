"""Names that a package offers without importing the modules that have them: each is imported at its first use.

So importing another module of the package costs nothing more, and `i2i --help` waits for nothing.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module


def offered(package: str, **modules: Sequence[str]) -> Callable[[str], object]:
    """What the package has for its `__getattr__`.

    Args:
        package: its `__name__`.
        modules: by module in the package, the names that it has.
    """
    places = {name: module for module, names in modules.items() for name in names}

    def attribute(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(import_module(f"{package}.{places[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return attribute
