"""Names as long as file systems allow, of which longer ones would be made."""

import shutil

import pytest
from PIL import Image

from i2i.config import DataConfig
from i2i.data.image_files.images import Preprocess
from i2i.data.open import open_data
from i2i.data.preparation.resize import prepare
from i2i.errors import UserError
from i2i.inference.translate_files import collect
from tests.data.test_audit import put
from tests.robustness.test_bad_input import contents, run

FITS, TOO_LONG = "x" * 251 + ".jpg", "x" * 255


def folder(root, name):
    for split in ("train", "test"):
        for domain in ("a", "b"):
            place = root / split / domain
            put(place / "0.png", Image.new("RGB", (32, 32)))
            shutil.move(place / "0.png", place / name)
    return root


@pytest.mark.parametrize(("name", "fits"), [(FITS, True), (TOO_LONG, False), ("y" * 252 + ".gi", False)])
def test_names_without_room_for_a_suffix_are_refused_before_anything_is_written(tmp_path, name, fits):
    data = open_data(DataConfig(path=str(folder(tmp_path / "d", name))))
    (tmp_path / "out").mkdir()
    if fits:
        prepare(data, tmp_path / "out", Preprocess((16, 16)))
        assert [name.name for _, name in collect([tmp_path / "d/test/a"])] == ["x" * 251 + ".png"]
        return
    with pytest.raises(UserError, match="at most 255: rename it"):
        prepare(data, tmp_path / "out", Preprocess((16, 16)))
    with pytest.raises(UserError, match="at most 255: rename it"):
        collect([tmp_path / "d/test/a"])
    assert not contents(tmp_path / "out")


def test_two_images_whose_names_need_their_suffixes_are_refused_where_those_do_not_fit(tmp_path):
    for suffix in (".jpg", ".png"):
        put(tmp_path / "0.png", Image.new("RGB", (32, 32)))
        shutil.move(tmp_path / "0.png", tmp_path / ("x" * 251 + suffix))
    with pytest.raises(UserError, match="at most 255: rename it"):
        collect([tmp_path])


def test_a_bench_refuses_them_before_it_runs(tmp_path, capfd):
    data = folder(tmp_path / "d", TOO_LONG)
    assert run("bench", "--data", data, "--models", "identity", "--size", 32, "--out", tmp_path / "b") == 2
    assert "at most 255: rename it" in capfd.readouterr().err
    assert not (tmp_path / "b").exists()
