"""The measures of sets that can be asked for, by name; what they are is in `measures.py`, which imports more."""

from typing import Literal, get_args

from i2i.errors import unknown

SetMeasure = Literal["prdc", "mind", "cmmd", "fwd"]
SET_MEASURES: tuple[SetMeasure, ...] = get_args(SetMeasure)
IN_FEATURES: tuple[SetMeasure, ...] = ("prdc", "mind", "cmmd")
"""Those that compare features; the others look at pixels."""
DISTANCES = ("fid", "kid")
"""Always taken, in the best features there are: asking for them asks for nothing more."""


def besides_distances(asked: object) -> object:
    """What is asked for beyond `DISTANCES`; what is no sequence of names stays as it is."""
    return [name for name in asked if name not in DISTANCES] if isinstance(asked, (list, tuple)) else asked


def parse_measures(text: str) -> tuple[SetMeasure, ...]:
    """Read `prdc,...`, without `DISTANCES`; UserError for what is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in (*SET_MEASURES, *DISTANCES):
            raise unknown("metric", name, SET_MEASURES)
    return tuple(measure for measure in SET_MEASURES if measure in names)
