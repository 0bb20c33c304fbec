"""What the values of a domain are is said by the card or found in the training split, and is all that decides."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from i2i.config import DataConfig, PixelFormat, merge, validate
from i2i.data.audit.report import check, inspect_data
from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.image_files.readers_and_writers import write_native
from i2i.data.image_files.value_range import rendered, restored, stored_type
from i2i.data.layouts.data_set import join
from i2i.data.open import open_data
from i2i.data.pixel_formats import formats_of, with_formats
from i2i.data.training_images import TrainingImages
from i2i.errors import UserError
from i2i.labels import LabelSet, LabelSpace
from tests.support.values import folder, needing, random_values

PNG, NPY = (".png", "uint16", 1), (".npy", "float32", 2)


def own(**facts: object) -> PixelFormat:
    return PixelFormat(**{"file": "npy", "dtype": "float32", "channels": 1, "range": (0, 1), **facts})


def opened(root, **settings):
    """The data of a folder, and the settings with their formats."""
    config = validate(DataConfig, {"path": root, "image_size": 16, **settings}, "data")
    data = open_data(config)
    told = merge(config.model_dump(mode="json"), with_formats(config, data))
    return data, validate(DataConfig, told, "data")


@pytest.mark.parametrize("limits", [(0, 65535), (0, 4095), (12, 3891), (-5000.5, 70000)])
def test_every_value_of_16_bits_comes_back(limits):
    pixels = own(file="png", dtype="uint16", range=limits)
    preprocess = Preprocess((1, 1), formats={"t1": pixels}).of_domain("t1")
    low, high = max(0, int(np.ceil(limits[0]))), min(65535, int(limits[1]))
    values = np.arange(low, high + 1, dtype=np.uint16).reshape(1, 1, -1, 1)
    images = preprocess.to_images(values)
    assert images.shape == (1, 1, 1, values.size)
    assert float(images.abs().max()) <= 1
    np.testing.assert_array_equal(preprocess.to_arrays(images), values)


@pytest.mark.parametrize("dtype", ["int16", "uint8", "int8"])
def test_every_value_of_a_smaller_type_comes_back(dtype):
    limits = np.iinfo(dtype)
    preprocess = Preprocess((1, 1), own=own(dtype=dtype, range=(limits.min, limits.max)))
    values = np.arange(limits.min, limits.max + 1).astype(dtype).reshape(1, 1, -1, 1)
    np.testing.assert_array_equal(preprocess.to_arrays(preprocess.to_images(values)), values)


def test_floats_come_back_up_to_the_rounding_of_their_range():
    preprocess = Preprocess((64, 64), own=own(range=(-40, 40)))
    values = random_values("float32", 1, (64, 64))[None]
    found = preprocess.to_arrays(preprocess.to_images(values))
    assert np.abs(found - values).max() <= 40 * 2**-23


def test_what_is_beyond_the_range_is_cut_off():
    preprocess = Preprocess((1, 3), own=own(range=(-1, 3)))
    images = preprocess.to_images(np.float32([[[[-9], [1], [99]]]]))
    assert images.flatten().tolist() == [-1, 0, 1]
    assert restored(images * 5, preprocess.own).flatten().tolist() == [-1, 1, 3]


def test_people_see_the_window_and_the_bands_that_are_declared():
    values = np.float32([[[0, 100, 200, 300]]])
    assert rendered(values, own(channels=4, range=(0, 300), bands=(3, 2, 0))).tolist() == [[[255, 170, 0]]]
    assert rendered(values, own(channels=4, range=(0, 300), bands=(1,), window=(50, 250))).tolist() == [[[64]]]
    assert rendered(values[..., :1], own(range=(-1, 1))).tolist() == [[[128]]]


def test_ranges_are_those_of_the_training_split_unless_the_card_says_them(tmp_path):
    card = {"pixel_formats": {"t2": {"range": [0, 5000], "window": [0, 900]}}}
    root = folder(tmp_path / "mri", {"t1": PNG, "t2": PNG}, card)
    write_native(root / "test/t1/ax.png", np.full((16, 16, 1), 65535, np.uint16))
    training = np.concatenate([np.asarray(Image.open(path)) for path in (root / "train/t1").iterdir()])
    _, config = opened(root)
    t1, t2 = (config.pixel_formats[name] for name in ("t1", "t2"))
    assert t1 == own(file="png", dtype="uint16", range=(int(training.min()), int(training.max())))
    assert t2 == own(file="png", dtype="uint16", range=(0, 5000), window=(0, 900))


def test_domains_have_channels_and_types_of_their_own(tmp_path):
    data, config = opened(folder(tmp_path / "sar", {"sar": NPY, "optical": (".png", "uint8", 3)}))
    assert [config.channels_of(name) for name in ("sar", "optical")] == [2, 3]
    assert config.pixel_formats["optical"].range == (0, 255)
    images = TrainingImages.load(data, "train", Preprocess.of(config), zoom=1.25)
    drawn = [images.images(name, np.arange(2), images.views(name, 0, 2)) for name in ("sar", "optical")]
    assert [tuple(one.shape) for one in drawn] == [(2, 2, 16, 16), (2, 3, 16, 16)]
    whole = next(TrainingImages.load(data, "train", Preprocess.of(config)).centered("sar"))
    first = np.load(next(iter(data.images("train", "sar"))).path)
    low, high = config.pixel_formats["sar"].range
    np.testing.assert_allclose(whole[0].permute(1, 2, 0).numpy(), (first - low) / (high - low) * 2 - 1, atol=1e-6)


def test_a_batch_of_several_domains_takes_each_by_its_own_range(tmp_path):
    data, config = opened(folder(tmp_path / "mri", {"t1": PNG, "t2": (".npy", "float32", 1)}))
    images = TrainingImages.load(data, "train", Preprocess.of(config), flip=False)
    places = np.array([4, 0, 2, 5])
    mixed = images.take(("t1", "t2"), places, images.views("all", 0, 4))
    apart = {name: next(images.centered(name)) for name in ("t1", "t2")}
    for image, place in zip(mixed, places, strict=True):
        assert image.equal(apart["t1" if place < 3 else "t2"][place % 3])


@pytest.mark.parametrize(("dtype", "stored"), [("uint16", "uint16"), ("int16", "float32"), ("float64", "float32")])
def test_the_cache_keeps_values_as_they_are(dtype, stored, tmp_path):
    data, config = opened(folder(tmp_path / "a", {"a": (".npy", dtype, 2), "b": (".npy", dtype, 2)}))
    images = TrainingImages.load(data, "train", Preprocess.of(config), cache=PixelCache(tmp_path / "cache", 1))
    (entry, *_) = (tmp_path / "cache").glob("*/pixels.npy")
    assert np.load(entry).dtype == stored_type(config.pixel_formats["a"]) == stored
    plain = TrainingImages.load(data, "train", Preprocess.of(config))
    assert next(images.centered("a")).equal(next(plain.centered("a")))


def test_channels_of_a_file_can_be_chosen(tmp_path):
    card = {"pixel_formats": {"a": {"take": [12, 0, 3], "bands": [2, 1, 0]}}}
    data, config = opened(folder(tmp_path / "a", {"a": (".npy", "int16", 13), "b": (".npy", "int16", 1)}, card))
    assert config.channels_of("a") == 3
    image = data.images("train", "a")[0]
    np.testing.assert_array_equal(
        Preprocess.of(config).of_domain("a").pixels_of(image.path), np.load(image.path)[:, :, [12, 0, 3]]
    )


BAD_CARDS = {
    "an empty window": ({"a": {"range": [5, 5]}}, r'5 to 5 is empty .*as "range": \[0, 4095\]$'),
    "a window upside down": ({"a": {"window": [9, 2]}}, r'9 to 2 is empty .*as "window": \[0, 4095\]$'),
    "an unknown entry": ({"a": {"rnage": [0, 1]}}, "rnage.*entries of each are range, fill, take, bands and window"),
    "a fill that is no number": ({"a": {"fill": "none"}}, 'write a number, as "fill": 0$'),
    "an unknown domain": ({"c": {}}, "unknown domain"),
    "a channel that is not there": ({"a": {"take": [7]}}, r"has 1 channels and i2i.json says take \[7\]"),
    "bands that are not there": ({"a": {"bands": [0, 1, 2]}}, "are not one or three of 1 channels"),
    "two bands": ({"a": {"bands": [0, 0]}}, "are not one or three"),
}


@pytest.mark.parametrize("name", BAD_CARDS)
def test_a_card_that_cannot_be_meant_is_refused(name, tmp_path):
    said, complaint = BAD_CARDS[name]
    root = folder(tmp_path / "a", {"a": PNG, "b": PNG}, {"pixel_formats": said}, count=1)
    with pytest.raises(UserError, match=f"(?s){complaint}"):
        opened(root)


def spoilt(root, name, values):
    write_native(root / "train/a" / name, values)
    return root


def test_values_that_are_not_finite_are_refused_unless_something_stands_for_them(tmp_path):
    values = random_values("float32", 2)
    values[3, 4] = np.nan
    root = spoilt(folder(tmp_path / "a", {"a": NPY, "b": NPY}), "bx.npy", values)
    with pytest.raises(UserError, match=r"bx\.npy holds 2 of 512 values that are not finite"):
        opened(root)
    (root / "i2i.json").write_text(json.dumps({"pixel_formats": {"a": {"fill": 0.5}}}))
    _, config = opened(root)
    pixels = Preprocess.of(config).of_domain("a").pixels_of(root / "train/a/bx.npy")
    assert pixels[3, 4].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("unlike", [("int16", 2), ("float32", 3)])
def test_files_of_one_domain_are_alike(unlike, tmp_path):
    root = spoilt(folder(tmp_path / "a", {"a": NPY, "b": NPY}), "bx.npy", random_values(*unlike))
    with pytest.raises(UserError, match=rf"bx\.npy holds {unlike[1]} x {unlike[0]} and .*ax\.npy 2 x float32"):
        opened(root)


def test_values_that_are_all_one_make_no_range(tmp_path):
    root = folder(tmp_path / "a", {"a": NPY, "b": NPY}, count=1)
    spoilt(root, "ax.npy", np.full((16, 16, 2), 7, np.float32))
    with pytest.raises(UserError, match=r'all values of a are 7, which makes no range:\nsay it .*"range": \[7, 8\]'):
        opened(root)


def test_a_data_check_tells_what_is_wrong_with_values(tmp_path):
    values = random_values("float32", 2)
    values[0, 0], values[:, :, 1] = np.inf, 3
    root = folder(tmp_path / "a", {"a": NPY, "b": NPY}, {"pixel_formats": {"b": {"range": [0, 1]}}}, count=1)
    spoilt(root, "ax.npy", values)
    write_native(root / "test/a/ax.npy", values)
    write_native(root / "train/a/unlike.npy", random_values("int16", 2))
    write_native(root / "train/b/unlike.npy", random_values("float32", 2))
    config = validate(DataConfig, {"path": root, "image_size": 16}, "data")
    found = {(one.kind, one.fault): one.text for one in check(inspect_data(open_data(config), config)).findings}
    assert "a: 2 values not finite (NaN or infinite) in 2 files" in found["not finite", True]
    assert "1 of 2 x int16" in found["unlike values", True]
    assert "b: 3 files with values beyond the range 0 to 1" in found["beyond range", False]
    (root / "train/a/unlike.npy").unlink()
    told = [one.text for one in check(inspect_data(open_data(config), config)).findings]
    assert any(text.startswith("a: channel 1 is 3 everywhere") for text in told)


def test_arrays_beside_images_are_no_images(tmp_path):
    """Such as features of each image, which folders of before may hold."""
    root = folder(tmp_path / "a", {"a": (".png", "uint8", 3), "b": (".png", "uint8", 3)})
    np.save(root / "train/a/ax.npy", np.zeros(7))
    data = open_data(validate(DataConfig, {"path": root}, "data"))
    assert not data.native
    assert len(data.images("train", "a")) == 3
    assert "train/a/ax.npy" in data.left_out[0].names


def test_16_bits_are_cut_to_8_where_no_card_says_otherwise(tmp_path):
    root = folder(tmp_path / "a", {"a": PNG, "b": PNG})
    data, config = opened(root)
    assert config.pixel_formats is None
    assert "pixel_formats" not in config.model_dump()
    assert not data.images("train", "a")[0].native


@pytest.mark.parametrize("fit", ["crop", "resize", "pad"])
def test_images_of_other_sizes_are_fitted_channel_by_channel(fit, tmp_path):
    values = np.repeat(np.linspace(0, 60000, 40)[None, :, None], 20, 0).astype(np.uint16)
    preprocess = Preprocess((10, 10), fit=fit, own=own(file="npy", dtype="uint16", channels=2, range=(100, 60000)))
    write_native(tmp_path / "a.npy", np.concatenate((values, values[:, ::-1]), 2))
    fitted = preprocess.pixels_of(tmp_path / "a.npy")
    assert fitted.shape == (10, 10, 2)
    assert fitted.dtype == np.uint16
    if fit == "pad":
        assert set(fitted[[0, -1]].flatten()) == {100}
        fitted = fitted[3:7]
    np.testing.assert_array_equal(fitted[..., 0], fitted[:, ::-1, 1])
    assert (np.diff(fitted[5 if fit != "pad" else 1, :, 0].astype(int)) > 2000).all()


def test_a_folder_of_tiff_files_is_read_with_all_its_bands(tmp_path):
    needing(".tif")
    kinds = {"a": (".tif", "uint16", 13), "b": (".tif", "float32", 1)}
    data, config = opened(folder(tmp_path / "s2", kinds, {"pixel_formats": {}}))
    assert data.native
    assert {name: (one.file, one.channels) for name, one in config.pixel_formats.items()} == {
        "a": ("tiff", 13),
        "b": ("tiff", 1),
    }


def test_data_sets_learnt_together_are_all_taken_as_held_with_formats_of_their_own(tmp_path):
    limits = {"pixel_formats": {"a": {"range": [-9, 9]}}}
    deep = folder(tmp_path / "deep", {"a": NPY, "b": NPY}, limits, count=1)
    plain = folder(tmp_path / "plain", {"a": PNG, "b": PNG}, count=1)
    data = join({"one": open_data(DataConfig(path=deep)), "two": open_data(DataConfig(path=plain))})
    found = formats_of(DataConfig(path=deep), data)
    assert list(found) == ["one/a", "one/b", "two/a", "two/b"]
    assert found["one/a"].range == (-9, 9)
    assert (found["two/a"].dtype, found["two/a"].file) == ("uint16", "png")
    assert all(image.native for own in data.splits["train"].values() for image in own)


def test_an_attribute_list_beside_data_beyond_8_bits_is_refused(tmp_path):
    deep = open_data(DataConfig(path=folder(tmp_path / "deep", {"a": NPY, "b": NPY}, count=1)))
    faces = replace(deep, labels=LabelSpace((LabelSet(("Male", "Smiling")),)))
    with pytest.raises(UserError, match="one and two hold data beyond 8-bit RGB and a list of attributes"):
        join({"one": deep, "two": faces})
