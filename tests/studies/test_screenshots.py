"""The documentation's pictures of pages show built-in data alone, and are small."""

import io

import numpy as np
import pytest
from PIL import Image

from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.errors import UserError

screenshots = pytest.importorskip("i2i.benchmarks.studies.pages.screenshots", reason="selenium is not installed")


class Plan:
    def __init__(self, data):
        self.suite = type("Suite", (), {"settings": {"data": data}})


@pytest.mark.parametrize(
    ("data", "built_in"),
    [
        ({}, True),
        ({"embedded": "styles", "image_size": 64}, True),
        ({"sets": {"a": "embedded:seasons", "b": "embedded:styles"}}, True),
        ({"path": "photos"}, False),
        ({"sets": {"a": "embedded:seasons", "b": "photos"}}, False),
        ({"path": "hf:me/photos"}, False),
    ],
)
def test_pictures_are_taken_of_built_in_data_alone(tmp_path, monkeypatch, data, built_in):
    monkeypatch.setattr(ResultsFolder, "plan", Plan(data))
    if built_in:
        screenshots.require_built_in(tmp_path)
    else:
        with pytest.raises(UserError, match="of other data than a built-in dataset"):
            screenshots.require_built_in(tmp_path)


def test_a_picture_is_written_with_few_colors(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    screenshots.write_small(stream.getvalue(), tmp_path / "shot.png")
    with Image.open(tmp_path / "shot.png") as image:
        assert image.mode == "P"
        assert image.size == (200, 200)
    assert (tmp_path / "shot.png").stat().st_size < len(stream.getvalue()) / 2
