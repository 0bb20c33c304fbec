"""What is called as work goes on."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
