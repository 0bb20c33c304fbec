"""The measures of sets that can be asked for, by name; what they are is in `measures.py`, which imports more."""

from typing import Literal, get_args

from i2i.errors import unknown

SetMeasure = Literal["prdc", "mind", "cmmd", "fwd"]
SET_MEASURES: tuple[SetMeasure, ...] = get_args(SetMeasure)
IN_FEATURES: tuple[SetMeasure, ...] = ("prdc", "mind", "cmmd")
"""Those that compare features; the others look at pixels."""


def parse_measures(text: str) -> tuple[SetMeasure, ...]:
    """Read `prdc,...`; UserError for what is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in SET_MEASURES:
            raise unknown("metric", name, SET_MEASURES)
    return tuple(measure for measure in SET_MEASURES if measure in names)
