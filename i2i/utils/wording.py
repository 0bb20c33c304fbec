"""Counts and lists of names in sentences."""

from collections.abc import Sequence

SHOWN = 5


def number(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def some(names: Sequence[str], separator: str = ", ", shown: int = SHOWN) -> str:
    """The first names, and how many more there are."""
    more = len(names) - shown
    return separator.join(names[:shown]) + (f" and {more:,} more" if more > 0 else "")
