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


def duration(seconds: float) -> str:
    """Seconds as people say them: 42 s, 3 min 20 s, 5 h 12 min.

    >>> [duration(seconds) for seconds in (41.6, 200, 18_725)]
    ['42 s', '3 min 20 s', '5 h 12 min']
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
