"""What fitting costs images is told, and is what they really lose."""

import numpy as np
import pytest
from PIL import Image

from i2i.config import DataConfig, validate
from i2i.data.audit.fitting import fitting_line, lost_share, sizes_of
from i2i.data.image_files.images import Preprocess, read_size
from i2i.data.layouts import ImageFile
from i2i.errors import UserError

WHITE = (255, 255, 255)


def wide() -> Image.Image:
    """40 high and 60 wide, red in its left and right sixth, green between."""
    pixels = np.full((40, 60, 3), (0, 255, 0), np.uint8)
    pixels[:, :10] = pixels[:, -10:] = (255, 0, 0)
    return Image.fromarray(pixels)


def test_a_crop_loses_the_share_that_is_told():
    assert lost_share((40, 60), (20, 20)) == (pytest.approx(1 / 3), "width")
    assert (Preprocess((20, 20), fit="crop")(wide())[:, 1:-1] == (0, 255, 0)).all()


def test_resizing_squeezes_by_the_share_that_is_told():
    pixels = Preprocess((40, 40), fit="resize")(wide())
    assert pixels.shape == (40, 40, 3)
    red = (pixels[20, :, 0] > 127).sum()
    assert red == pytest.approx(20 * (1 - lost_share((40, 60), (40, 40))[0]), abs=1)


def test_padding_keeps_all_and_makes_the_share_that_is_told_border():
    pixels = Preprocess((60, 60), fit="pad")(wide())
    border = (pixels == WHITE).all(axis=(1, 2))
    assert border.mean() == pytest.approx(lost_share((40, 60), (60, 60))[0])
    np.testing.assert_array_equal(pixels[~border], np.asarray(wide()))
    assert border[:10].all()
    assert border[-10:].all()


def test_the_border_has_the_background_color():
    assert (Preprocess((60, 60), fit="pad", background="black")(wide())[0] == 0).all()
    assert (Preprocess((60, 60), 1, "pad", "rgb(9, 9, 9)")(wide())[0] == 9).all()


def test_what_is_transparent_shows_the_background():
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    assert (Preprocess((8, 8), background="blue")(clear) == (0, 0, 255)).all()


@pytest.mark.parametrize("fit", ["crop", "resize", "pad"])
def test_images_of_the_right_proportions_are_the_same_whatever_the_fit(fit):
    np.testing.assert_array_equal(Preprocess((20, 30), fit=fit)(wide()), Preprocess((20, 30))(wide()))


@pytest.mark.parametrize("fit", ["crop", "resize", "pad"])
@pytest.mark.parametrize("size", [(10, 40), (40, 10), (31, 7)])
def test_every_fit_gives_the_image_size_times_zoom(fit, size):
    assert Preprocess(size, fit=fit)(wide(), zoom=2).shape == (size[0] * 2, size[1] * 2, 3)


@pytest.mark.parametrize(
    ("fit", "told"),
    [
        ("crop", "lose 25% of a side on average, one 640 wide and 480 high loses 25% of its width"),
        ("resize", "are squeezed by 25% on average, one 640 wide and 480 high by 25% of its width"),
        ("pad", "become 25% border on average, one 640 wide and 480 high 25%, for it fills only the width"),
    ],
)
def test_one_line_tells_what_is_lost(fit, told):
    line = fitting_line([(480, 640), (100, 100)], Preprocess((128, 128), fit=fit))
    assert line == f"fit {fit} to 128x128 px: 1 of 2 images {told}"


@pytest.mark.parametrize(
    ("fit", "told"),
    [
        ("crop", "loses 25% of its width"),
        ("resize", "is squeezed by 25% of its width"),
        ("pad", "becomes 25% border, for it fills only the width"),
    ],
)
def test_of_one_image_the_line_speaks_as_of_one(fit, told):
    preprocess = Preprocess((128, 128), fit=fit)
    line = fitting_line([(480, 640)], preprocess)
    assert line == f"fit {fit} to 128x128 px: the image, 640 wide and 480 high, {told}"
    line = fitting_line([(100, 100)], preprocess)
    assert line == f"fit {fit} to 128x128 px: nothing is lost, the image has these proportions"


def test_a_tall_image_loses_of_its_height():
    line = fitting_line([(100, 50)], Preprocess((64, 128)))
    assert "the image, 50 wide and 100 high, loses 75% of its height" in line


def test_nothing_is_lost_where_proportions_fit_up_to_rounding():
    line = fitting_line([(128, 256), (427, 853)], Preprocess((64, 128)))
    assert line == "fit crop to 64x128 px: nothing is lost, of 2 images all have these proportions"


@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif", "x.webp"])
@pytest.mark.parametrize(("orientation", "expected"), [(1, (40, 60)), (6, (60, 40)), (3, (40, 60))])
def test_sizes_are_those_of_upright_images(tmp_path, name, orientation, expected):
    exif = Image.Exif()
    exif[0x0112] = orientation
    wide().save(tmp_path / name, exif=exif)
    assert read_size(tmp_path / name) == expected


def test_sizes_of_halves_and_of_files_without_exif(tmp_path):
    wide().save(tmp_path / "x.png")
    assert sizes_of([ImageFile(tmp_path / "x.png"), ImageFile(tmp_path / "x.png", "left")]) == [(40, 60), (40, 30)]


def test_a_file_without_a_size_is_named(tmp_path):
    (tmp_path / "x.png").write_text("Dear reader")
    with pytest.raises(UserError, match=r"x\.png cannot be read as an image"):
        read_size(tmp_path / "x.png")


def test_the_protocol_tells_fit_and_background():
    told = {fit: Preprocess((8, 8), 3, fit, "black").description() for fit in ("crop", "resize", "pad")}
    assert len({str(description) for description in told.values()}) == 3
    assert told["crop"]["crop"] == "center"
    assert told["pad"]["pad"] == "with black, image in the centre"
    assert all("on black where transparent" in description["decode"] for description in told.values())


@pytest.mark.parametrize("name", ["none", "#12", "#11223344", "transparent"])
def test_a_background_that_is_no_opaque_color_is_refused(name):
    with pytest.raises(UserError, match=r"data\.background=.* name an opaque colour"):
        validate(DataConfig, {"background": name}, "data")
