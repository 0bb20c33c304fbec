"""`i2i data prepare` beyond 8-bit RGB: kinds, types and what values mean stay; a training sees the same."""

import json
from pathlib import Path

import numpy as np
import pytest

from i2i.config import DataConfig
from i2i.data.image_files.readers_and_writers import read_native, write_native
from i2i.data.open import open_data
from i2i.data.pixel_formats import formats_of
from tests.support.in_process import command
from tests.support.values import folder, needing, random_values

KINDS = {
    "sar": (".npy", "float64", 3),
    "optical": (".tif", "int16", 2),
    "mri": (".png", "uint16", 1),
    "photo": (".png", "uint8", 3),
}
CARD = {"pixel_formats": {"sar": {"take": [2, 0], "fill": 0, "bands": [1]}, "mri": {"window": [5, 900]}}}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    needing(".tif")
    root = folder(tmp_path_factory.mktemp("data") / "earth", KINDS, CARD)
    broken = random_values("float64", 3, seed=0)
    broken[0, 0, 0] = np.nan
    write_native(root / "train/sar/ax.npy", broken)
    return root


def prepared(data, out, *options):
    assert command("data", "prepare", data, "--out", out, *options) == 0
    return out


def test_files_of_the_size_are_written_again_value_by_value(data, tmp_path):
    out = prepared(data, tmp_path / "out", "--size", "16")
    for domain, (suffix, dtype, _) in KINDS.items():
        name = Path("test", domain, f"bx{suffix}")
        wanted, found = read_native(data / name), read_native(out / name)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, wanted[:, :, [2, 0]] if domain == "sar" else wanted)
    assert np.load(out / "train/sar/ax.npy")[0, 0].tolist() == [np.load(data / "train/sar/ax.npy")[0, 0, 2], 0]


def test_a_training_on_the_new_folder_sees_what_one_on_the_old_would(data, tmp_path):
    out = prepared(data, tmp_path / "out", "--size", "8")
    before, after = (DataConfig(path=path, image_size=(8, 8)) for path in (data, out))
    old, new = (formats_of(config, open_data(config)) for config in (before, after))
    assert new == {domain: own.model_copy(update={"take": None}) for domain, own in old.items()}
    assert read_native(out / "train/optical/cx.tif").shape == (8, 8, 2)
    assert json.loads((out / "i2i.json").read_text())["pixel_formats"]["mri"]["window"] == [5, 900]


def test_files_without_splits_are_divided_and_keep_their_kind(tmp_path):
    for domain in ("t1", "t2"):
        (tmp_path / "mri" / domain).mkdir(parents=True)
        for number in range(6):
            name = tmp_path / "mri" / domain / f"{domain}{'abcdef'[number]}.npy"
            write_native(name, random_values("float32", 1, seed=number))
    out = prepared(tmp_path / "mri", tmp_path / "out", "--size", "16", "--split", "0.5,0,0.5")
    assert {path.suffix for path in (out / "train" / "t1").iterdir()} == {".npy"}
    assert len(list((out / "test" / "t2").iterdir())) == 3


def test_jpeg_files_of_such_values_are_refused_in_two_lines(data, tmp_path, capsys):
    assert command("data", "prepare", data, "--size", "8", "--format", "jpeg", "--out", tmp_path / "out") == 2
    assert "jpeg files hold 8 bits:\nleave --format out" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
