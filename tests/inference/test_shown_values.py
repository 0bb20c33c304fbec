"""Values beyond 8 bits as PIL images: a rendering for the eye, while arrays and files keep type and range."""

import numpy as np
import pytest
from PIL import Image

import i2i
from i2i.data.image_files.readers_and_writers import read_native, write_native
from i2i.errors import UserError
from i2i.inference.interpolation import Interpolation
from tests.support.exported import make_run
from tests.support.in_process import command
from tests.support.values import needing, random_values

GREY = {"file": "png", "dtype": "uint16", "channels": 1, "range": (0, 65535), "window": (1000, 50000)}
FLOATS = {"file": "npy", "dtype": "float32", "channels": 1, "range": (-30, 30)}
COLOURS = {"file": "png", "dtype": "uint16", "channels": 4, "range": (0, 65535), "bands": (3, 1, 0)}
SIDE = 16


@pytest.fixture(scope="module")
def copying(tmp_path_factory):
    """`identity` between two domains of 16 bits."""
    run = tmp_path_factory.mktemp("runs") / "copying"
    make_run(run, "identity", ("t1", "t2"), side=SIDE, formats={"t1": GREY, "t2": GREY})
    return i2i.load(run)


@pytest.fixture(scope="module")
def stargan(tmp_path_factory):
    """A run between 16 bits and floating point."""
    run = tmp_path_factory.mktemp("runs") / "stargan"
    make_run(run, "stargan", ("t1", "t2"), side=SIDE, formats={"t1": GREY, "t2": FLOATS})
    return run


@pytest.fixture
def file(tmp_path):
    write_native(tmp_path / "a.png", random_values("uint16", 1))
    return tmp_path / "a.png"


def shown(values, own):
    """The rendering by the definition of a window, grey."""
    low, high = own.get("window") or own["range"]
    return np.rint(np.clip((values[:, :, 0].astype(float) - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def test_a_model_led_by_labels_asks_for_the_domain_of_values_only_where_it_matters(stargan, file, tmp_path):
    assert i2i.load(stargan).translate_arrays(file, "t2").dtype == np.float32  # from t1, as nothing else leads there
    for third, alike in ((GREY, True), (FLOATS, False)):
        run = tmp_path / str(alike)
        make_run(run, "stargan", ("t1", "t2", "t3"), side=SIDE, formats={"t1": GREY, "t2": FLOATS, "t3": third})
        loaded = i2i.load(run)
        if alike:
            assert loaded.translate_arrays(file, "t2").shape == (SIDE, SIDE, 1)
        else:
            with pytest.raises(UserError, match="say which domain the images are of, by source='t1'"):
                loaded.translate_arrays(file, "t2")


def test_a_target_that_a_model_of_one_direction_does_not_have_is_told_and_no_source_asked_for(file, tmp_path):
    make_run(tmp_path / "run", "pix2pix", ("t1", "t2"), side=64, formats={"t1": GREY, "t2": FLOATS})
    with pytest.raises(UserError, match="does not translate to t1, only to t2"):
        i2i.load(tmp_path / "run").translate_arrays(file, "t1")


@pytest.mark.parametrize("full", [False, True])
def test_pil_images_show_values_within_the_window(copying, file, full):
    made = i2i.translate(copying, file, "t2", full_resolution=full)
    np.testing.assert_array_equal(np.asarray(made), shown(read_native(file), GREY))
    assert made.mode == "L"


def test_pil_images_show_the_bands_of_the_target(tmp_path):
    needing(".png", "uint16", 4)
    make_run(tmp_path / "run", "identity", ("a", "b"), side=SIDE, formats={"a": COLOURS, "b": COLOURS})
    values = random_values("uint16", 4)
    made = i2i.load(tmp_path / "run").translate(values, "b")
    np.testing.assert_array_equal(np.asarray(made), np.rint(values[:, :, [3, 1, 0]] / 65535 * 255))


def test_a_pil_image_of_16_bits_has_the_translation_of_its_file(copying, file):
    values = copying.translate_arrays(Image.open(file), "t2")
    np.testing.assert_array_equal(values, read_native(file))


def test_saved_arrays_are_the_files_of_the_command(copying, file, tmp_path):
    copying.save_array(copying.translate_arrays(file, "t2"), "t2", tmp_path / "saved.png")
    np.testing.assert_array_equal(read_native(tmp_path / "saved.png"), read_native(file))


def test_a_saved_array_never_replaces_the_file_that_was_translated(copying, file):
    before = file.read_bytes()
    with pytest.raises(UserError, match="is the file that was translated: choose another path"):
        copying.save_array(copying.translate_arrays(file, "t2"), "t2", file, like=file.parent / "." / file.name)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("values", "name", "complaint"),
    [
        (np.zeros((4, 4), np.uint16), "x.png", r"values are uint16 \[4, 4\]: give one array uint16 \[H, W, 1\]"),
        (np.zeros((4, 4, 1)), "x.png", r"values are float64 \[4, 4, 1\]"),
        (None, "x.png", "values are NoneType"),
        (np.zeros((4, 4, 1), np.uint16), "x.npy", r"ends with '\.npy' and files of the target with '\.png'"),
        (np.zeros((4, 4, 1), np.uint16), "none/x.png", "there is no folder"),
    ],
)
def test_what_no_file_of_the_target_can_hold_is_not_saved(copying, tmp_path, values, name, complaint):
    with pytest.raises(UserError, match=complaint):
        copying.save_array(values, "t2", tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_comparison_shows_inputs_in_the_rendering_of_their_domain(copying, file):
    found = i2i.compare({"one": copying}, [file, read_native(file)], "t2", "t1")
    assert found.translations["one"] == [Image.fromarray(shown(read_native(file), GREY))] * 2
    assert found.sheet.mode == "RGB"


def test_frames_between_domains_of_unlike_ranges_begin_and_end_with_the_translations(stargan, file):
    loaded = i2i.load(stargan)
    found = loaded.interpolate(read_native(file), "t2", "t1", source="t1", steps=3)
    assert found.frames[0] == loaded.translate(file, "t2", source="t1")
    assert found.image == Image.fromarray(shown(read_native(file), GREY))
    assert found.strip.size == (4 * SIDE + 3 * 2, SIDE)
    assert len(set(map(Image.Image.tobytes, found.frames))) == 3


def test_a_strip_of_a_grey_image_and_coloured_frames_is_coloured():
    grey, red = Image.new("L", (2, 2), 9), Image.new("RGB", (2, 2), "red")
    strip = Interpolation(grey, [red]).strip
    assert [strip.getpixel((0, 0)), strip.getpixel((4, 0))] == [(9, 9, 9), (255, 0, 0)]


def test_the_command_draws_a_strip_of_values_and_asks_for_the_source(stargan, file, tmp_path, capsys):
    line = ["interpolate", stargan, file, "--target", "t1", "--to", "t2", "--steps", "3", "--out", tmp_path / "out"]
    assert command(*line) == 2
    assert "say which domain the images are of, by --source t1 or --source t2" in capsys.readouterr().err
    assert command(*line, "--source", "t1", "--device", "cpu") == 0
    strip = i2i.load(stargan).interpolate(file, "t1", "t2", source="t1", steps=3).strip
    assert Image.open(tmp_path / "out" / "a.png").tobytes() == strip.tobytes()
