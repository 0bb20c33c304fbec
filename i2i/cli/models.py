"""`i2i models`: which translators there are, and whether one keeps the contract."""

import sys
from typing import Annotated

import typer

from i2i.errors import UserError
from i2i.utils import console

app = typer.Typer()

_COVERAGE_WORDS = {"direction": "direction", "pair": "pair", "all": "set of domains"}


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    like: Annotated[str, typer.Option(metavar="PATTERN", help="Shell pattern such as 'star*'.")] = "*",
) -> None:
    """List the translators; `models check FILE.py:CLASS` tests one of your own."""
    if context.invoked_subcommand is None:
        console.say("\n".join(_listing(like)))
        _note_unusable()


@app.command("check")
def check_model(
    model: Annotated[str, typer.Argument(metavar="NAME|FILE.py:CLASS", help="Which translator.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a setting, e.g. width=8.")
    ] = None,
) -> None:
    """Test a translator against the contract: it is trained for a few steps, broken off, resumed and more.

    Status 1 if it breaks the contract somewhere. Example: i2i models check mine.py:MyModel
    """
    from i2i import registry
    from i2i.api.settings import registered
    from i2i.config import parse_assignments
    from i2i.errors import ContractBroken
    from i2i.testing import CHECKS, Subject, failure

    name = registered(model) or model
    subject = Subject(registry.get(name), parse_assignments(settings or []))
    subject.config()  # so that settings which do not hold are told once
    failures = 0
    for check in CHECKS:
        reason = failure(check, subject)
        failures += reason is not None
        console.say(f"{'ok    ' if reason is None else 'BROKEN'} {check.__name__.replace('_', ' ')}")
        if reason is not None:
            console.say(f"       {reason}")
    if failures:
        raise ContractBroken(f"{name} breaks {failures} of {len(CHECKS)} parts of the contract")
    console.say(f"{name} keeps the contract")


def _listing(pattern: str) -> list[str]:
    from i2i import registry

    found = registry.names(pattern)
    if not found:
        raise UserError(f"no model matches {pattern!r}; there are {', '.join(registry.names())}")
    return [_line(name) for name in found]


def _note_unusable() -> None:
    from i2i import registry

    for line in registry.unusable():
        console.note(line)


def _line(name: str) -> str:
    from i2i import registry
    from i2i.translator.translator import HOW_GIVEN

    cls = registry.get(name)
    description = (sys.modules[cls.__module__].__doc__ or cls.__doc__ or "").strip() or "says nothing about itself"
    asked = [taken for taken in HOW_GIVEN if taken in cls.takes]
    takes = f" (takes {', '.join(asked)})" if asked else ""
    return f"{name:<10} one model per {_COVERAGE_WORDS[cls.coverage.value]:<14} {description.splitlines()[0]}{takes}"
