"""Headings in the help of a command that has many options."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Annotated, Any, TypeVar, get_args

Command = TypeVar("Command", bound=Callable[..., None])


def in_panels(panels: Mapping[str, Sequence[str]]) -> Callable[[Command], Command]:
    """Decorator that puts a command's parameters, by name, under headings; the others stay under "Options".

    Option types that several commands share are copied, so each command arranges its own help. Headings come in the
    order in which the command has their first parameters.
    """

    def arrange(command: Command) -> Command:
        for heading, names in panels.items():
            for name in names:
                kind, option = get_args(command.__annotations__[name])
                shown: Any = copy(option)
                shown.rich_help_panel = heading
                command.__annotations__[name] = Annotated[kind, shown]
        return command

    return arrange
