"""Tables with names in them as CSV files: what looks like a formula is none, and comes back as it was."""

from pathlib import Path
from typing import Any

import pandas as pd

from i2i.benchmarks.scores import PICTURE_COLUMNS
from i2i.texts import csv_cell, from_csv_cell

NAMES = [name for name in PICTURE_COLUMNS if name != "value"]


def as_csv(frame: pd.DataFrame) -> str:
    """The text of a CSV file."""
    return frame.map(lambda cell: csv_cell(cell) if isinstance(cell, str) else cell).to_csv(index=False)


def read_pictures(path: Path) -> pd.DataFrame:
    """A table of single pictures that a score job left; a picture called 007 or NA keeps its name."""
    texts: Any = {**dict.fromkeys(NAMES, str), "value": float}
    read = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={"value": ["", "nan"]})
    return read.assign(**{name: read[name].map(from_csv_cell) for name in NAMES})
