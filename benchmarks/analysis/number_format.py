"""Numbers and errors as the tables print them."""

from i2i.utils.text import joined_lines

DASH = "–"


def whole(value: float | None) -> str:
    """A number without decimals, thousands set apart; a dash for None."""
    return f"{round(value):,}" if value is not None else DASH


def speed(value: float | None) -> str:
    """Images per second, or seconds per image, with three digits or more; a dash for None."""
    if value is None:
        return DASH
    return whole(value) if value >= 100 else f"{value:.3g}"


def scaled(value: float | None) -> str:
    """A count with a letter for its thousands, as in 1.23 G; a dash for None."""
    if value is None:
        return DASH
    for letter, unit in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= unit:
            return f"{value / unit:,.2f} {letter}"
    return whole(value)


def error_line(error: str) -> str:
    """An error in a line: its own lines after each other, of a traceback the last."""
    return error.strip().splitlines()[-1] if error.lstrip().startswith("Traceback") else joined_lines(error)
