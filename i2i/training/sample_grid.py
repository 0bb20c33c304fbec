"""Contact sheets: rows of equally large images with a label beside each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from i2i.utils.text import one_line

GAP = 2
MINIMUM_SIDE = 96
SAMPLES = "samples"
"""Folder of the grids in a run folder."""


def grid_path(run: Path, step: int) -> Path:
    """Where the grid of a step lies."""
    return run / SAMPLES / f"{step:08d}.png"


def tile(rows: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
    """Rows of uint8 [N, H, W, C], each with a label at its left, as one uint8 image [H', W', 3].

    Small images are enlarged without smoothing, so that pixels stay visible.
    """
    height, width = rows[0].shape[1:3]
    factor = max(1, -(-MINIMUM_SIDE // max(height, width)))
    font, labels = ImageFont.load_default(14), list(map(one_line, labels))
    margin = 8 + max(round(font.getlength(label)) for label in labels)
    columns = max(len(row) for row in rows)
    sheet = Image.new(
        "RGB",
        (margin + columns * (width * factor + GAP), len(rows) * (height * factor + GAP)),
        "white",
    )
    pen = ImageDraw.Draw(sheet)
    for y, (row, label) in enumerate(zip(rows, labels, strict=True)):
        top = y * (height * factor + GAP)
        pen.text((4, top + height * factor // 2 - 8), label, fill="black", font=font)
        for x, pixels in enumerate(row):
            image = Image.fromarray(np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels)
            enlarged = image.resize((width * factor, height * factor), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (margin + x * (width * factor + GAP), top))
    return np.asarray(sheet)
