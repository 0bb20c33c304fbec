"""Files become pixels and pixels become images, and back, without losing anything on the way."""

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from i2i.data.image_files.images import Preprocess, read_image, to_arrays, to_images, to_pixels, write_image
from i2i.errors import UserError

RED, GREEN, BLUE, GRAY = (200, 30, 40), (20, 180, 60), (10, 40, 220), (128, 128, 128)
ORIENTATION = 0x0112
JPEG_OPTIONS = {"x.jpg": {"quality": 95, "subsampling": 0}}


def quadrants(height: int = 32, width: int = 48) -> np.ndarray:
    """uint8 [H, W, 3]: red and green above blue and grey, so that every turn and mirroring shows."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2], pixels[: height // 2, width // 2 :] = RED, GREEN
    pixels[height // 2 :, : width // 2], pixels[height // 2 :, width // 2 :] = BLUE, GRAY
    return pixels


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def test_pixels_survive_the_round_trip_through_images():
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    images = to_images(pixels)
    assert (float(images.min()), float(images.max())) == (-1.0, 1.0)
    assert torch.equal(to_pixels(images), pixels)


def test_arrays_survive_the_round_trip_through_images():
    arrays = noise(5, 7)[None]
    assert to_images(arrays).shape == (1, 3, 5, 7)
    np.testing.assert_array_equal(to_arrays(to_images(arrays)), arrays)


def test_images_are_rounded_to_the_nearest_pixel():
    levels = torch.arange(255).float()
    below, above = ((levels + share) / 127.5 - 1 for share in (0.49, 0.51))
    assert torch.equal(to_pixels(below), levels.to(torch.uint8))
    assert torch.equal(to_pixels(above), (levels + 1).to(torch.uint8))


def test_images_beyond_the_range_are_clipped_and_do_not_wrap_around():
    assert to_pixels(torch.tensor([-1.02, -7.0, 1.02, 7.0])).tolist() == [0, 0, 255, 255]


UPRIGHT = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored.transpose(1, 0, 2), 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.jpg"])
def test_images_are_turned_upright(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(quadrants()).save(tmp_path / name, exif=exif, **JPEG_OPTIONS.get(name, {}))
    expected = UPRIGHT[orientation](quadrants())
    found = Preprocess(expected.shape[:2])(read_image(tmp_path / name))
    assert np.abs(found.astype(int) - expected).max() <= (4 if name == "x.jpg" else 0)


def test_grayscale_becomes_three_equal_channels(tmp_path):
    gray = noise(8, 8, 1)
    Image.fromarray(gray[:, :, 0]).save(tmp_path / "x.png")
    np.testing.assert_array_equal(Preprocess((8, 8))(read_image(tmp_path / "x.png")), np.repeat(gray, 3, 2))


def test_one_channel_is_the_luminance_of_colors(tmp_path):
    Image.fromarray(quadrants()).save(tmp_path / "x.png")
    pixels = Preprocess((32, 48), channels=1)(read_image(tmp_path / "x.png"))
    assert pixels.shape == (32, 48, 1)
    luminance = quadrants().astype(float) @ (0.299, 0.587, 0.114)
    np.testing.assert_allclose(pixels[:, :, 0], luminance, atol=1)


def test_sixteen_bit_grayscale_keeps_its_contrast(tmp_path):
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(levels * 257).save(tmp_path / "x.png")
    np.testing.assert_array_equal(Preprocess((16, 16), 1)(read_image(tmp_path / "x.png"))[:, :, 0], levels)


def test_palette_images_show_their_colors(tmp_path):
    Image.fromarray(quadrants()).quantize(4).save(tmp_path / "x.png")
    assert Image.open(tmp_path / "x.png").mode == "P"
    np.testing.assert_array_equal(Preprocess((32, 48))(read_image(tmp_path / "x.png")), quadrants())


def test_transparency_is_seen_on_white(tmp_path):
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 0], pixels[0, :, 3] = 200, (0, 128, 255)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    hidden, half, opaque = Preprocess((1, 3))(read_image(tmp_path / "x.png"))[0]
    assert hidden.tolist() == [255, 255, 255]
    np.testing.assert_allclose(half, (227, 127, 127), atol=1)
    assert opaque.tolist() == [200, 0, 0]


def test_a_transparent_palette_color_is_seen_on_white(tmp_path):
    image = Image.fromarray(quadrants()).quantize(4)
    image.save(tmp_path / "x.png", transparency=image.getpixel((0, 0)))
    expected = quadrants()
    expected[:16, :24] = 255
    np.testing.assert_array_equal(Preprocess((32, 48))(read_image(tmp_path / "x.png")), expected)


def test_cmyk_is_shown_in_rgb(tmp_path):
    inks = np.zeros((8, 32, 4), np.uint8)
    inks[:, 8:16, 3], inks[:, 16:24, 0], inks[:, 24:, 1:3] = 255, 255, 255
    Image.fromarray(inks, "CMYK").save(tmp_path / "x.jpg", quality=95)
    found = Preprocess((8, 32))(read_image(tmp_path / "x.jpg"))[4, 4::8]
    white, black, cyan, red = found.tolist()
    assert min(white) > 245
    assert max(black) < 10
    assert cyan[0] < 40 < 200 < cyan[2]
    assert red[2] < 40 < 200 < red[0]


@pytest.mark.parametrize("turned", [False, True])
def test_the_crop_is_around_the_center(turned):
    pixels = np.full((8, 16, 3), RED, np.uint8)
    pixels[:, 4:12] = GREEN
    image = Image.fromarray(pixels.transpose(1, 0, 2) if turned else pixels)
    assert (Preprocess((8, 8))(image) == GREEN).all()


def test_images_that_are_not_square_are_not_distorted():
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[20:40, 40:60] = 255
    white = Preprocess((30, 30))(Image.fromarray(pixels))[:, :, 0] > 127
    assert white.any(axis=0).sum() == white.any(axis=1).sum() == 10


def test_image_size_is_height_then_width():
    pixels = Preprocess((10, 30))(Image.fromarray(quadrants(60, 60)))
    assert pixels.shape == (10, 30, 3)
    assert pixels[0, 0].tolist() == list(RED)
    assert pixels[-1, -1].tolist() == list(GRAY)


def test_images_of_the_right_size_are_left_alone():
    np.testing.assert_array_equal(Preprocess((9, 13))(Image.fromarray(noise(9, 13))), noise(9, 13))


def test_zoom_enlarges_both_sides():
    assert Preprocess((64, 128))(Image.fromarray(quadrants()), zoom=1.25).shape == (80, 160, 3)


def test_halves_are_left_and_right_without_the_middle_column_of_odd_widths(tmp_path):
    Image.fromarray(noise(4, 9)).save(tmp_path / "x.png")
    for half, columns in (("left", slice(0, 4)), ("right", slice(5, 9))):
        np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "x.png", half)), noise(4, 9)[:, columns])


def test_halves_are_those_of_the_upright_image(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(quadrants()).save(tmp_path / "x.png", exif=exif)
    left = Preprocess((48, 16))(read_image(tmp_path / "x.png", "left"))
    np.testing.assert_array_equal(left, np.rot90(quadrants(), -1)[:, :16])


def test_an_image_too_narrow_for_halves_is_named(tmp_path):
    Image.fromarray(noise(4, 1)).save(tmp_path / "x.png")
    with pytest.raises(UserError, match=r"x\.png .*too narrow"):
        read_image(tmp_path / "x.png", "left")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "bmp"])
def test_a_truncated_image_is_named(tmp_path, suffix):
    path = tmp_path / f"broken.{suffix}"
    Image.fromarray(noise(40, 40)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=rf"broken\.{suffix} cannot be read as an image.*:\nrepair or remove"):
        read_image(path)


def test_an_empty_file_is_named_and_called_empty(tmp_path):
    (tmp_path / "zero.png").touch()
    with pytest.raises(UserError, match=r"zero\.png .*it is empty"):
        read_image(tmp_path / "zero.png")


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "letter.png").write_text("Dear reader")
    with pytest.raises(UserError, match=r"letter\.png cannot be read as an image \(it is of no known format\)"):
        read_image(tmp_path / "letter.png")


def test_a_broken_orientation_is_ignored(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(quadrants()).save(tmp_path / "x.jpg", exif=exif)
    broken = (tmp_path / "x.jpg").read_bytes().replace(b"Exif\0\0MM", b"Exif\0\0XX")
    (tmp_path / "x.jpg").write_bytes(broken.replace(b"Exif\0\0II", b"Exif\0\0XX"))
    assert Preprocess((8, 8))(read_image(tmp_path / "x.jpg")).shape == (8, 8, 3)


def test_values_of_unknown_range_are_refused(tmp_path):
    Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)).save(tmp_path / "x.tif")
    with pytest.raises(UserError, match=r"x\.tif .*neither 8-bit nor 16-bit"):
        read_image(tmp_path / "x.tif")


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no image .*gone\.png"):
        read_image(tmp_path / "gone.png")


@pytest.mark.parametrize("channels", [1, 3])
def test_written_images_are_lossless_and_alone(tmp_path, channels):
    write_image(tmp_path / "x.png", noise(11, 6, channels))
    np.testing.assert_array_equal(Preprocess((11, 6), channels)(read_image(tmp_path / "x.png")), noise(11, 6, channels))
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_a_failed_write_leaves_the_old_image_and_nothing_else(tmp_path, monkeypatch):
    write_image(tmp_path / "x.png", noise(4, 4))

    def fail(self, path, **options):
        path.write_bytes(b"half an image")
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        write_image(tmp_path / "x.png", quadrants())
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "x.png")), noise(4, 4))


def shown(path, channels=3):
    """What a model sees of a file of 8x16 pixels."""
    return Preprocess((8, 16), channels)(read_image(path))


def test_gray_with_transparency_is_seen_on_white(tmp_path):
    pixels = np.zeros((8, 16, 2), np.uint8)
    pixels[:, 8:, 1] = 255
    Image.fromarray(pixels, "LA").save(tmp_path / "x.png")
    for channels in (1, 3):
        assert (shown(tmp_path / "x.png", channels)[:, :8] == 255).all()
        assert (shown(tmp_path / "x.png", channels)[:, 8:] == 0).all()


def test_black_and_white_images_are_gray(tmp_path):
    bits = noise(8, 16, 1)[:, :, 0] > 127
    Image.fromarray(bits).save(tmp_path / "x.png")
    assert Image.open(tmp_path / "x.png").mode == "1"
    np.testing.assert_array_equal(shown(tmp_path / "x.png", 1)[:, :, 0], bits * np.uint8(255))


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bit_tiff_files_keep_their_contrast_in_both_byte_orders(tmp_path, order):
    levels = np.arange(128, dtype=np.uint16).reshape(8, 16)
    kind = "I;16" if order == "<u2" else "I;16B"
    Image.frombytes(kind, (16, 8), (levels * 257).astype(order).tobytes()).save(tmp_path / "x.tif")
    np.testing.assert_array_equal(shown(tmp_path / "x.tif", 1)[:, :, 0], levels)


def png(path, width, height, kind, rows):
    """Write a PNG file of 16 bits per channel; `kind` 2 is RGB, 6 RGB with alpha. PIL only reads such."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b""))


def test_sixteen_bit_colors_keep_their_contrast(tmp_path):
    levels = noise(8, 16)
    png(tmp_path / "x.png", 16, 8, 2, levels.astype(np.uint16) * 257)
    np.testing.assert_array_equal(shown(tmp_path / "x.png"), levels)


def test_sixteen_bit_transparency_is_seen_on_white(tmp_path):
    values = np.zeros((8, 16, 4), np.uint16)
    values[:, 8:, 3] = 65535
    png(tmp_path / "x.png", 16, 8, 6, values)
    assert (shown(tmp_path / "x.png")[:, :8] == 255).all()
    assert (shown(tmp_path / "x.png")[:, 8:] == 0).all()


@pytest.mark.parametrize("name", ["x.gif", "x.png", "x.webp", "x.tif"])
def test_of_animated_images_and_of_pages_the_first_is_taken(tmp_path, name):
    frames = [Image.new("RGB", (16, 8), color) for color in (GREEN, RED, BLUE)]
    options = {"lossless": True} if name == "x.webp" else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    assert Image.open(tmp_path / name).n_frames == 3
    assert (shown(tmp_path / name) == GREEN).all()


def test_lab_colors_are_refused_by_name(tmp_path):
    Image.new("LAB", (16, 8)).save(tmp_path / "x.tif")
    with pytest.raises(UserError, match=r"x\.tif cannot be read .*its colours are Lab"):
        read_image(tmp_path / "x.tif")
