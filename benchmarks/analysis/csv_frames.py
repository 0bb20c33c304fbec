"""Tables with names in them as CSV files: what looks like a formula is none."""

import pandas as pd

from i2i.utils.text import csv_cell


def as_csv(frame: pd.DataFrame) -> str:
    """The text of a CSV file."""
    return frame.map(lambda cell: csv_cell(cell) if isinstance(cell, str) else cell).to_csv(index=False)
