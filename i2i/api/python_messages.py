"""Errors in the words of Python where a function was called and no command: `--skip-bad` is `skip_bad=True` there.

The functions have the arguments that the commands have as options, and `settings` for what `--set` says, so one rule
serves all messages. Whole commands in a message stay, because they can be run.
"""

import re
import shlex
from collections.abc import Callable, Collection
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar

from i2i.config import YAML_ERRORS, read_yaml
from i2i.errors import ExportError, TrainingError, UserError

RENAMED = {"set": "settings"}
"""Options whose arguments have other names."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_VALUE = r"'[^']*'|\.\.\.|[^\s;)`]+?(?=[;,:.)`]*(?:\s|`|$))"
_FOUND = re.compile(
    r"(?P<command>\b(?:torchrun|i2i) [a-z-](?:(?! or | and |[`;,]).)*)"
    rf"|--set (?P<setting>'[\w.]+=[^']*'|[\w.]+=(?:{_VALUE}))"
    rf"|--(?P<option>[a-z]+(?:-[a-z]+)*)(?:[ =](?P<value>{_VALUE}))?"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PLAIN_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_ENDS = re.compile(r"\s*(?:$|[;,:.)`]| or | and )")
_PROSE = frozenset("and as for in is or out the to with".split())  # noqa: SIM905


def in_python(text: str, flags: Collection[str] = ()) -> str:
    """A message about options as one about arguments; `flags` are those that are true or false.

    >>> print(in_python("add --skip-bad, or take --device cpu", ["skip_bad"]))
    add skip_bad=True, or take device='cpu'
    >>> print(in_python("use --set train.batch_size=4; go on with i2i train --resume runs/a"))
    use settings={'train.batch_size': 4}; go on with i2i train --resume runs/a
    """
    return _FOUND.sub(lambda found: _argument(found, flags), text)


def pythonic(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorator of functions whose errors are to speak of their arguments."""
    flags = [name for name, one in signature(function).parameters.items() if one.default is False]

    @wraps(function)
    def call(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        try:
            return function(*arguments, **named)
        except (UserError, TrainingError, ExportError) as error:
            error.args = (in_python(str(error), flags),)
            raise

    return call


def _argument(found: re.Match[str], flags: Collection[str]) -> str:
    if found["command"]:
        return found["command"]
    if found["setting"]:
        return _setting(shlex.split(found["setting"])[0])
    name, value = RENAMED.get(found["option"]) or found["option"].replace("-", "_"), found["value"]
    if name in flags:
        return f"{name}=True" + (f" {value}" if value else "")
    if value is None or _is_prose(value, found):
        return name + (f" {value}" if value else "")
    word = shlex.split(value)[0]
    return f"{name}={word if _NUMBER.fullmatch(word) else repr(word)}"


def _setting(assignment: str) -> str:
    """`train.images=9` as the argument of a function."""
    name, _, text = assignment.partition("=")
    return f"settings={{{name!r}: {text if text == '...' else repr(_value(text))}}}"


def _value(text: str) -> object:
    try:
        return read_yaml(text)
    except YAML_ERRORS:
        return text


def _is_prose(value: str, found: re.Match[str]) -> bool:
    """Whether a word after an option goes on with the sentence."""
    if value in _PROSE:
        return True
    return bool(_PLAIN_WORD.fullmatch(value)) and not _ENDS.match(found.string, found.end())
