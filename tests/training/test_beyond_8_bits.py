"""Training and translation of data beyond 8-bit RGB: values as files hold them go in, and come out."""

import json

import numpy as np
import pytest
import torch

import i2i
from i2i import registry
from i2i.data.image_files.readers_and_writers import read_native, write_native
from i2i.errors import UserError
from i2i.runs.load import load_translator, require_checkpoint
from tests.support.in_process import command
from tests.support.values import folder, random_values

SMALL = ("--size", "16", "--set", "train.updates=2", "--set", "train.sample_every=0", "--set", "train.precision=fp32")
ABLE = ("bridge", "cut", "cyclegan", "fastcut", "pix2pix", "pix2pixhd")
DEEP = {"t1": (".png", "uint16", 1), "t2": (".png", "uint16", 1)}
UNLIKE = {"sar": (".npy", "float32", 2), "optical": (".png", "uint16", 3)}


def trained(data, model, out, *options):
    settings = [f"model.{name}={json.dumps(value)}" for name, value in registry.get(model).test_settings.items()]
    sets = [part for setting in settings for part in ("--set", setting)]
    assert not command("train", "--model", model, "--data", data, "--out", out, *SMALL, *sets, *options)
    return out


@pytest.fixture(scope="module")
def mri(tmp_path_factory):
    limits = {"range": [0, 65535]}
    return folder(tmp_path_factory.mktemp("data") / "mri", DEEP, {"pixel_formats": {"t1": limits, "t2": limits}})


@pytest.fixture(scope="module")
def copying(mri, tmp_path_factory):
    """A run of `identity` on 16 bits."""
    return trained(mri, "identity", tmp_path_factory.mktemp("runs") / "copying")


@pytest.fixture(scope="module")
def sar(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("data") / "sar", UNLIKE, {"paired": True, "domains": ["sar", "optical"]})


@pytest.fixture(scope="module")
def colouring(sar, tmp_path_factory):
    """A run of pix2pix from 2 channels of floats to 3 of 16 bits."""
    return trained(sar, "pix2pix", tmp_path_factory.mktemp("runs") / "colouring")


@pytest.mark.parametrize("full", [(), ("--full-resolution",)])
def test_16_bits_through_identity_come_out_value_by_value(full, mri, copying, tmp_path):
    command("translate", str(copying), str(mri / "test/t1"), "--target", "t2", "--out", str(tmp_path), *full)
    written = sorted(tmp_path.iterdir())
    assert [path.name for path in written] == ["ax.png", "bx.png", "cx.png"]
    for path in written:
        found = read_native(path)
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, read_native(mri / "test/t1" / path.name))


@pytest.mark.integration
def test_a_checkpoint_holds_what_values_are(colouring):
    checkpoint = require_checkpoint(colouring)
    assert checkpoint.task.unlike == (("sar", 2), ("optical", 3))
    _, preprocess = load_translator(colouring)
    assert preprocess.of_domain("sar").own.channels == 2
    assert preprocess.of_domain("optical").own.dtype == "uint16"
    assert (colouring / "samples").exists()


def test_channels_that_do_not_fit_are_told(colouring):
    translator, _ = load_translator(colouring)
    with pytest.raises(UserError, match=r"images must have shape \[B, 2, H, W\], got \[1, 3, 16, 16\]"):
        translator.translate(torch.zeros(1, 3, 16, 16), "sar", "optical")


def test_translations_are_files_of_the_kind_of_their_target(sar, colouring, tmp_path):
    command("translate", str(colouring), str(sar / "test/sar"), "--target", "optical", "--out", str(tmp_path))
    found = read_native(tmp_path / "ax.png")
    assert (found.shape, found.dtype) == ((16, 16, 3), np.uint16)


def test_an_input_of_other_channels_is_named(sar, colouring, tmp_path, capsys):
    write_native(tmp_path / "one.npy", random_values("float32", 1))
    command("translate", str(colouring), str(tmp_path / "one.npy"), "--target", "optical", "--out", str(tmp_path))
    assert "one.npy has 1 channel and its domain has 2" in capsys.readouterr().err


def test_a_training_goes_on_without_measuring_again(sar, colouring, tmp_path):
    before = require_checkpoint(colouring).settings["data"]["pixel_formats"]
    command("train", "--resume", str(colouring), "--set", "train.updates=3")
    assert require_checkpoint(colouring).settings["data"]["pixel_formats"] == before


def test_models_say_whether_they_take_unlike_channels():
    assert tuple(name for name in registry.names() if registry.get(name).unlike_channels) == ABLE


def test_a_model_that_needs_like_channels_names_those_that_do_not(sar, tmp_path, capsys):
    with pytest.raises(AssertionError):
        trained(sar, "stargan", tmp_path / "run")
    lines = capsys.readouterr().err.strip().split("\n")
    assert "needs images of one number of channels, and these have sar 2, optical 3" in lines[-2]
    assert f"Take one of {', '.join(ABLE)}" in lines[-1]


def test_what_is_for_8_bits_refuses_other_data(mri, copying, tmp_path, capsys):
    line = ["video", copying, mri / "test/t1", "--target", "t2", "--out", tmp_path / "out"]
    assert command(*line) == 2
    assert "takes data beyond 8-bit RGB (t1, t2), and frames of a video are of 8 bits" in capsys.readouterr().err


@pytest.mark.parametrize("full", [False, True])
def test_values_of_a_program_through_identity_come_back_value_by_value(full, mri, copying):
    path, loaded = mri / "test/t1/ax.png", i2i.load(copying)
    values = read_native(path)
    for given in (path, values, values[:, :, 0]):
        found = loaded.translate_arrays(given, "t2", full_resolution=full)
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, values)
    assert len(loaded.translate_arrays([path, values], "t2")) == 2


def test_arrays_and_files_are_translated_alike(sar, colouring, tmp_path):
    command("translate", str(colouring), str(sar / "test/sar"), "--target", "optical", "--out", str(tmp_path))
    found = i2i.load(colouring).translate_arrays(np.load(sar / "test/sar/ax.npy"), "optical")
    np.testing.assert_array_equal(found, read_native(tmp_path / "ax.png"))


@pytest.mark.parametrize("given", [np.zeros(4), np.zeros((4, 4), complex), "x.npy", None, np.zeros((0, 4))])
def test_what_holds_no_values_is_refused(colouring, given):
    with pytest.raises(UserError, match=r"give a path, or an array \[H, W\]|there is no image x.npy"):
        i2i.load(colouring).translate_arrays([given], "optical")


GEOMETRY = {33550: (10.0, 10.0, 0.0), 33922: (0.0, 0.0, 0.0, 4e5, 5e6, 0.0), 34735: (1, 1, 0, 1, 1024, 0, 1, 1)}
"""ModelPixelScale, ModelTiepoint and the keys of a projected system."""


@pytest.mark.parametrize(("side", "carried"), [(16, True), (24, False)])
def test_a_translation_of_a_geotiff_file_lies_where_that_lies_if_it_is_as_large(side, carried, tmp_path):
    tifffile = pytest.importorskip("tifffile")
    data = folder(
        tmp_path / "earth", {"sar": (".tif", "uint16", 1), "optical": (".tif", "uint16", 1)}, {"pixel_formats": {}}
    )
    run = trained(data, "identity", tmp_path / "run")
    kinds = {33550: "d", 33922: "d", 34735: "H"}
    tags = [(code, kinds[code], len(values), values, True) for code, values in GEOMETRY.items()]
    tifffile.imwrite(tmp_path / "here.tif", random_values("uint16", 1, (side, side))[:, :, 0], extratags=tags)
    assert not command("translate", run, tmp_path / "here.tif", "--target", "optical", "--out", tmp_path / "out")
    with tifffile.TiffFile(tmp_path / "out" / "here.tif") as file:
        found = {code: file.pages[0].tags[code].value for code in GEOMETRY if code in file.pages[0].tags}
    assert found == (GEOMETRY if carried else {})
