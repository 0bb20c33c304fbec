"""What is called as work goes on, and where a line can be written over again."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

Progress = Callable[[int, int], None]


def is_live(console: "Console") -> bool:
    """Whether progress can move in place: on a terminal, and in a notebook where ipywidgets are installed."""
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)
