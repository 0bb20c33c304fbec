"""Data sets that Hugging Face's library saved are read by classes or by columns; without it the remedy is told."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.data.layouts import Choices
from i2i.data.open import open_place
from i2i.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def declared(root: Path, kinds: dict[str, str], files: list[str]) -> Path:
    """The JSON of a saved data set, without rows."""
    root.mkdir(parents=True)
    features = {
        name: {"_type": kind, **({"names": ["x", "y"]} if kind == "ClassLabel" else {})} for name, kind in kinds.items()
    }
    (root / "dataset_info.json").write_text(json.dumps({"features": features}))
    (root / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in files]}))
    return root


def test_without_the_library_its_installation_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    root = declared(tmp_path / "faces", {"image": "Image", "label": "ClassLabel"}, [])
    with pytest.raises(UserError, match=r"reading it takes their library, pip install 'i2i\[hf\]'"):
        open_place(root)


def test_classes_beside_two_columns_of_images_show_both_readings(tmp_path):
    root = declared(tmp_path / "faces", {"before": "Image", "after": "Image", "label": "ClassLabel"}, [])
    both = "with class labels .*, or .* a column per domain .*layout=datasets-labels or .*layout=datasets-columns"
    with pytest.raises(UserError, match=both):
        open_place(root)


@pytest.mark.parametrize("text", ["{", "[1]", "\xff", "[" * 100_000])
def test_broken_json_is_named(tmp_path, text):
    root = declared(tmp_path / "faces", {"image": "Image", "label": "ClassLabel"}, [])
    (root / "dataset_info.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"dataset_info\.json (is not JSON|must hold an object)"):
        open_place(root)


@pytest.mark.integration
def test_files_outside_of_the_folder_are_refused(tmp_path):
    pytest.importorskip("datasets")
    root = declared(tmp_path / "faces", {"image": "Image", "label": "ClassLabel"}, ["../other.arrow"])
    with pytest.raises(UserError, match=r"state\.json names files outside of"):
        open_place(root)


def image(value: int) -> Image.Image:
    return Image.fromarray(np.full((8, 8, 3), value, np.uint8))


@pytest.mark.integration
def test_class_labels_become_domains(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["dusk", "dawn"]))
    rows = {"image": [image(40 * n) for n in range(6)], "label": [n % 2 for n in range(6)]}
    split = datasets.Dataset.from_dict(rows, features)
    datasets.DatasetDict(train=split, validation=split.select(range(2))).save_to_disk(str(tmp_path / "sky"))
    data = open_place(tmp_path / "sky")
    assert (data.name, data.domains, data.paired) == ("sky", ("dawn", "dusk"), False)
    values = [np.asarray(Image.open(one.path))[0, 0, 0] for one in data.images("train", "dawn")]
    assert values == [40, 120, 200]
    assert len(data.images("val", "dusk")) == 1
    assert open_place(tmp_path / "sky").fingerprint() == data.fingerprint()


def test_columns_of_images_become_pairs(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(sketch=datasets.Image(), photo=datasets.Image())
    rows = {"sketch": [image(n) for n in range(3)], "photo": [image(100 + n) for n in range(3)]}
    datasets.Dataset.from_dict(rows, features).save_to_disk(str(tmp_path / "shoes"))
    data = open_place(tmp_path / "shoes")
    assert (data.domains, data.paired) == (("photo", "sketch"), True)
    values = [
        [int(np.asarray(Image.open(one.path))[0, 0, 0]) for one in data.images("train", domain)]
        for domain in data.domains
    ]
    assert values == [[100, 101, 102], [0, 1, 2]]
    assert not open_place(tmp_path / "shoes", Choices(paired=False)).paired


@pytest.mark.parametrize("hole", ["image", "label"])
def test_a_row_without_image_or_label_is_named_and_nothing_is_kept(tmp_path, own_cache, hole):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["dusk", "dawn"]))
    rows = {
        "image": [image(1), None if hole == "image" else image(2)],
        "label": [0, None if hole == "label" else 1],
    }
    datasets.Dataset.from_dict(rows, features).save_to_disk(str(tmp_path / "sky"))
    with pytest.raises(UserError, match="row 1"):
        open_place(tmp_path / "sky")
    assert not [path for path in own_cache.rglob("*") if path.is_file()]


def test_an_image_that_is_only_a_path_is_refused(tmp_path):
    """A saved row may name any file of this machine: only images that are stored are read."""
    datasets = pytest.importorskip("datasets")
    stored = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    features = datasets.Features(image=stored, label=datasets.ClassLabel(names=["dusk", "dawn"]))
    rows = {"image": [{"bytes": None, "path": "/etc/passwd"}], "label": [0]}
    datasets.Dataset.from_dict(rows, features).save_to_disk(str(tmp_path / "sky"))
    info = json.loads((tmp_path / "sky/dataset_info.json").read_text())
    info["features"]["image"] = {"_type": "Image"}
    (tmp_path / "sky/dataset_info.json").write_text(json.dumps(info))
    with pytest.raises(UserError, match="row 0: no image is stored in it"):
        open_place(tmp_path / "sky")


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_truncated_arrow_file_is_named(tmp_path, share):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(sketch=datasets.Image(), photo=datasets.Image())
    rows = {"sketch": [image(n) for n in range(3)], "photo": [image(100 + n) for n in range(3)]}
    datasets.Dataset.from_dict(rows, features).save_to_disk(str(tmp_path / "shoes"))
    (path,) = (tmp_path / "shoes").glob("*.arrow")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(UserError, match=r"shoes cannot be read as a data set .*: save it again"):
        open_place(tmp_path / "shoes")
