"""`i2i models`: which translators there are."""

import sys
from typing import Annotated

import typer

from i2i.errors import UserError

_COVERAGE_WORDS = {"direction": "direction", "pair": "pair", "all": "set of domains"}


def models(pattern: Annotated[str, typer.Argument(help="Shell pattern such as 'star*'.")] = "*") -> None:
    """List the translators."""
    from i2i import registry

    found = registry.names(pattern)
    if not found:
        raise UserError(f"no model matches {pattern!r}; there are {', '.join(registry.names())}")
    for name in found:
        cls = registry.get(name)
        summary = (sys.modules[cls.__module__].__doc__ or cls.__doc__ or "").strip().splitlines()[0]
        print(f"{name:<10} one model per {_COVERAGE_WORDS[cls.coverage.value]:<14} {summary}")
