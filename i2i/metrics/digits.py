"""Values as text: never more digits than are known of them."""

import math

DIGITS = 5
"""Significant digits of a value, at most: no score of a bench is known better."""


def places(precision: int, *values: float) -> int:
    """The decimals of values that are printed together: `precision`, fewer where they would have over `DIGITS` digits.

    Below 0 digits before the point are rounded too.
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return min(precision, DIGITS - 1 - math.floor(math.log10(largest))) if largest else precision


def fixed(value: float, decimals: int) -> str:
    """A value with so many decimals, 0 without a sign; with fewer than 0 as a multiple of a power of ten.

    >>> fixed(26.1234, 2), fixed(4276688.03, -2), fixed(-0.004, 2)
    ('26.12', '4.2767e6', '0.00')
    """
    if decimals >= 0 or not math.isfinite(value):
        return f"{value:z.{max(0, decimals)}f}"
    power = DIGITS - 1 - decimals
    return f"{value / 10**power:z.{power + decimals}f}e{power}"
