"""Twice as many images take at most twice the work: what is done per image must not look at all others again."""

import gc
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from i2i.config import DataConfig
from i2i.data.audit import quick_check
from i2i.data.audit.report import check, inspect_data
from i2i.data.image_files import file_index
from i2i.data.image_files.file_index import FileIndex
from i2i.data.layouts import CARD, DataSet, scan
from i2i.errors import UserError
from i2i.utils.memory import many_objects
from tests.data.test_audit import scene
from tests.support.calls import calls

FEW = 20
SPLITS = {"train": 3, "test": 1}
MOST = 2.1
"""How much more twice the images may take; what is done once makes it less than 2."""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> dict[int, DataSet]:
    """Two paired domains of so many images of eight pixels in every fourth part of a split, and of twice as many."""
    root = tmp_path_factory.mktemp("growth")
    drawn = [scene(seed, 8, 8) for seed in range(4 * FEW)]
    return {count: written(root / str(count), count, drawn) for count in (FEW, 2 * FEW)}


def written(root: Path, count: int, drawn: list[Image.Image]) -> DataSet:
    for split, parts in SPLITS.items():
        for domain in ("day", "night"):
            (root / split / domain).mkdir(parents=True)
            for number in range(parts * count // 4):
                drawn[number].save(root / split / domain / f"scene{number}.bmp")
    (root / CARD).write_text('{"paired": true}')
    return scan(root)


def opened(data: DataSet) -> Callable[[], object]:
    return lambda: scan(data.root)


def questions(data: DataSet) -> Callable[[], object]:
    inspected = inspect_data(data, DataConfig(path=data.root, image_size=(8, 8)))
    return lambda: check(inspected)


def warned(data: DataSet) -> Callable[[], object]:
    index, config = FileIndex(), DataConfig(path=data.root, image_size=(8, 8))
    return lambda: quick_check.warnings(data, config, index.blake2b)


def fingerprinted(data: DataSet) -> Callable[[], object]:
    index = FileIndex()
    return lambda: data.fingerprint(index.blake2b)


@pytest.mark.parametrize("work", [opened, questions, warned, fingerprinted])
def test_twice_as_many_images_take_at_most_twice_the_work(data, work):
    one, two = map(work, data.values())
    one(), two()  # what is done only once
    assert calls(two) <= MOST * calls(one)


def test_an_index_is_loaded_without_searches_for_cycles(monkeypatch, tmp_path):
    searched = []
    monkeypatch.setattr(file_index, "read_document", lambda *arguments: searched.append(gc.isenabled()) or {})
    FileIndex.load(tmp_path)
    assert searched == [False]
    assert gc.isenabled()


def test_cycles_are_searched_for_again_after_an_error():
    with pytest.raises(UserError), many_objects():
        assert not gc.isenabled()
        raise UserError("as one that a damaged file raises")
    assert gc.isenabled()


def test_files_whose_digests_are_known_are_not_read_to_find_equal_ones(data, monkeypatch):
    own = data[FEW]
    index = FileIndex()
    expected = quick_check.warnings(own, config := DataConfig(path=own.root, image_size=(8, 8)))
    assert "held-out images among the training images" in expected[0]
    index.check_readable(image for found in own.splits.values() for images in found.values() for image in images)
    monkeypatch.setattr("i2i.utils.fingerprint.blake2b", None)
    monkeypatch.setattr(quick_check, "blake2b", None)
    assert quick_check.warnings(own, config, index.blake2b) == expected
