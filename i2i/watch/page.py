"""The page, as a server gives it and as one file for itself."""

import io
from functools import partial
from pathlib import Path

from PIL import Image

from i2i.pages.html_page import CHARTS, STYLE, TABLES, data_address, html_page
from i2i.watch.run_log import subsampled
from i2i.watch.samples import sample, sample_steps
from i2i.watch.state import Watched, state

FOLDER = Path(__file__).parent
MOST_SAMPLES = 24
"""Sample grids of a run in a file."""

QUALITY = 90
"""Of WebP."""


def served_page(watched: Watched) -> str:
    """The page of a server, which asks it for news and for sample grids."""
    return _page(watched, served=True)


def page_file(watched: Watched) -> str:
    """The page with all that it shows, sample grids among it: `MOST_SAMPLES` of a run, evenly over the training."""
    return _page(watched, served=False)


def sample_address(run: int, step: int) -> str:
    """Where the server has the sample grid of a run and a step."""
    return f"samples/{run}/{step}.png"


def _page(watched: Watched, served: bool) -> str:
    live_state = (
        state(watched, sample_address)
        if served
        else state(watched, partial(_embedded, list(watched.runs.values())), _some_steps)
    )
    return html_page(
        FOLDER / "template.html",
        [STYLE, FOLDER / "watch.css"],
        [TABLES, CHARTS, FOLDER / "watch.js"],
        {"state": live_state | {"served": served}},
        served=served,
    )


def _some_steps(run: Path) -> list[int]:
    return subsampled(sample_steps(run), MOST_SAMPLES)


def _embedded(runs: list[Path], run: int, step: int) -> str:
    """The grid as an address that holds it; an empty one for what is no image any more."""
    stream = io.BytesIO()
    try:
        with Image.open(io.BytesIO(sample(runs[run], step) or b"")) as image:
            image.convert("RGB").save(stream, "webp", quality=QUALITY, method=2)
    except (OSError, ValueError, Image.DecompressionBombError):
        return "data:,"
    return data_address(stream.getvalue(), "webp")
