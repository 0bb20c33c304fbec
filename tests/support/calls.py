"""How much Python a function runs, counted in calls: the same on a machine that is busy."""

import sys
from collections.abc import Callable


def calls(function: Callable[[], object]) -> int:
    """Calls of Python functions in this thread, resumed generators and calls of C functions included."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count
