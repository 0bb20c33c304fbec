"""Every kind of image is shown as it is, or refused by name: files whose pixels the test knows."""

import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from i2i.data.image_files import eight_bits, png_notes
from i2i.data.image_files.decode_memory import MemoryLimit
from i2i.data.image_files.images import Preprocess, padded, read_image, read_size
from i2i.errors import UserError
from tests.support.encoders import (
    CIELAB,
    DEFLATE,
    FLOAT,
    MIN_IS_BLACK,
    MIN_IS_WHITE,
    PALETTE,
    RGB,
    SEPARATED,
    SIGNED,
    YCBCR,
    png,
    png_chunk,
    tiff,
)

HEIGHT, WIDTH = 8, 16


def noise(channels: int, bits: int = 8) -> np.ndarray:
    """Integers [H, W, C] below 2 ** bits."""
    kind = np.uint16 if bits > 8 else np.uint8
    return np.random.default_rng(channels + bits).integers(0, 2**bits, (HEIGHT, WIDTH, channels), dtype=kind)


def levels(values: np.ndarray, bits: int) -> np.ndarray:
    """What 0 to 2 ** bits - 1 is in 0 to 255."""
    return values * 255.0 / (2**bits - 1)


def shown(path, contents, channels=3) -> np.ndarray:
    """float [H, W, C]: what a model sees of a file with these contents."""
    path.write_bytes(contents)
    return Preprocess((HEIGHT, WIDTH), channels)(read_image(path)).astype(float)


def on_white(colors: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Levels [H, W, C] under an alpha of 0 to 1."""
    return colors * alpha + 255 * (1 - alpha)


def test_levels_of_12_bits_reach_from_black_to_white(tmp_path):
    values = noise(1, 12)
    found = shown(tmp_path / "x.tif", tiff(values, 12, MIN_IS_BLACK), 1)
    np.testing.assert_allclose(found, levels(values, 12), atol=0.51)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [1, DEFLATE])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("photometric", [MIN_IS_WHITE, MIN_IS_BLACK])
def test_gray_tiff_files_are_as_they_are_or_refused(tmp_path, photometric, bits, compression, order):
    values = noise(1, bits)
    contents = tiff(values, bits, photometric, compression=compression, order=order, rows_per_strip=3)
    if photometric == MIN_IS_WHITE:
        values = 2**bits - 1 - values
    try:
        found = shown(tmp_path / "x.tif", contents, 1)
    except UserError as error:  # PIL knows none of these of big-endian computers
        assert (bits, photometric, order) == (16, MIN_IS_WHITE, ">"), error
    else:
        np.testing.assert_allclose(found, levels(values, bits), atol=0.51)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("compression", "predictor"), [(1, 1), (DEFLATE, 1), (DEFLATE, 2)])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("photometric", "channels", "extra"),
    [(RGB, 3, ()), (RGB, 4, (2,)), (RGB, 4, (0,)), (RGB, 5, (2, 0)), (MIN_IS_BLACK, 2, (2,)), (SEPARATED, 4, ())],
)
def test_tiff_files_of_several_channels_are_as_they_are_or_refused(
    tmp_path, photometric, channels, extra, bits, planar, compression, predictor, order
):
    values = noise(channels, bits)
    layout = {"planar": planar, "compression": compression, "predictor": predictor, "order": order}
    contents = tiff(values, bits, photometric, extra=extra, **layout)
    shares = values / (2**bits - 1)
    colors = shares[:, :, : 1 if photometric == MIN_IS_BLACK else 3] * 255
    expected = np.broadcast_to(colors, (HEIGHT, WIDTH, 3))
    if photometric == SEPARATED:
        expected = 255 * (1 - shares[:, :, :3]) * (1 - shares[:, :, 3:])
    if extra[:1] == (2,):
        place = 1 if photometric == MIN_IS_BLACK else 3
        expected = on_white(expected, shares[:, :, place : place + 1])
    try:
        found = shown(tmp_path / "x.tif", contents)
    except UserError:
        usual = photometric in (RGB, SEPARATED) and extra in ((), (2,)) and channels < 5
        assert not usual or (planar and bits == 16 and compression == 1)
    else:
        np.testing.assert_allclose(found, expected, atol=2.1)


def test_colors_that_were_multiplied_by_their_alpha_are_divided_again(tmp_path):
    values = noise(4)
    alpha = values[:, :, 3:] / 255
    values[:, :, :3] = np.round(values[:, :, :3] * alpha)
    found = shown(tmp_path / "x.tif", tiff(values, 8, RGB, extra=(1,)))
    np.testing.assert_allclose(found, values[:, :, :3] + 255 * (1 - alpha), atol=2)


def test_palettes_of_tiff_files_show_their_colors(tmp_path):
    for bits in (1, 4, 8):
        palette = np.random.default_rng(bits).integers(0, 256, (2**bits, 3)) * 257
        values = noise(1, bits)
        found = shown(tmp_path / "x.tif", tiff(values, bits, PALETTE, palette=palette))
        np.testing.assert_array_equal(found, palette[values[:, :, 0]] // 257)


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("compression", [1, DEFLATE])
@pytest.mark.parametrize("bits", [8, 16])
def test_oriented_gray_tiff_files_are_turned(tmp_path, bits, compression, orientation):
    values = noise(1, bits)
    contents = tiff(values, bits, MIN_IS_WHITE, orientation=orientation, compression=compression)
    (tmp_path / "x.tif").write_bytes(contents)
    expected = np.rot90(levels(2**bits - 1 - values[:, :, 0].astype(int), bits), {3: 2, 6: -1, 8: 1}[orientation])
    found = Preprocess(expected.shape, 1)(read_image(tmp_path / "x.tif"))[:, :, 0]
    np.testing.assert_allclose(found, expected, atol=0.51)
    assert read_size(tmp_path / "x.tif") == expected.shape


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (tiff(noise(3, 16), 16, RGB, planar=True), "one after the other"),
        (tiff(noise(2), 8, MIN_IS_BLACK, planar=True, compression=DEFLATE, extra=(2,)), "one after the other"),
        (tiff(noise(1).view(np.int8), 8, MIN_IS_BLACK, kind=SIGNED), "signed"),
        (tiff(-noise(1, 12).astype(np.int16), 16, MIN_IS_BLACK, kind=SIGNED), "neither 8-bit nor 16-bit"),
        (tiff(noise(1).astype(np.float32), 32, MIN_IS_BLACK, kind=FLOAT), "neither 8-bit nor 16-bit"),
        (tiff(noise(3), 8, CIELAB), "its colours are Lab"),
        (tiff(noise(3), 8, YCBCR), "YCbCr without JPEG"),
    ],
)
def test_tiff_files_that_would_show_something_else_are_refused_by_name(tmp_path, contents, reason):
    (tmp_path / "x.tif").write_bytes(contents)
    with pytest.raises(UserError, match=rf"x\.tif cannot be read as an image .*{reason}"):
        read_image(tmp_path / "x.tif")


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_gray_of_any_depth_lies_on_the_background(tmp_path, bits, channels):
    values = noise(1, bits)
    seen = int(values[3, 4, 0])
    found = shown(tmp_path / "x.png", png(values, bits, transparent=seen.to_bytes(2, "big")), channels)
    expected = np.where(values == seen, 255, levels(values, bits))
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=0.51)


def test_a_transparent_color_lies_on_the_background_and_one_of_16_bits_is_refused(tmp_path):
    values = noise(3)
    seen = values[2, 5].astype(">u2").tobytes()
    found = shown(tmp_path / "x.png", png(values, 8, transparent=seen))
    np.testing.assert_array_equal(found, np.where((values == values[2, 5]).all(2, keepdims=True), 255, values))
    with pytest.raises(UserError, match=r"x\.png .*transparency is a colour of 16 bits"):
        shown(tmp_path / "x.png", png(noise(3, 16), 16, transparent=bytes(6)))


@pytest.mark.parametrize(("channels", "bits"), [(2, 8), (2, 16), (4, 8), (4, 16)])
def test_alpha_channels_of_png_files_hold(tmp_path, channels, bits):
    values = noise(channels, bits)
    colors, alpha = levels(values[:, :, :-1], bits), values[:, :, -1:] / (2**bits - 1)
    found = shown(tmp_path / "x.png", png(values, bits))
    np.testing.assert_allclose(found, np.broadcast_to(on_white(colors, alpha), found.shape), atol=2.1)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_with_alpha_show_their_colors_on_the_background(tmp_path, bits):
    rng = np.random.default_rng(bits)
    palette, alpha = rng.integers(0, 256, (2**bits, 3)), rng.integers(0, 256, 2**bits)
    values = noise(1, bits)
    found = shown(tmp_path / "x.png", png(values, bits, palette=palette, transparent=bytes(alpha.tolist())))
    places = values[:, :, 0]
    np.testing.assert_allclose(found, on_white(palette[places], alpha[places][:, :, None] / 255), atol=1.1)


@pytest.mark.parametrize("maximum", [15, 255, 1023, 65535])
@pytest.mark.parametrize("kind", [5, 6])
def test_portable_pixmaps_of_any_maximum_keep_their_contrast(tmp_path, kind, maximum):
    values = np.random.default_rng(maximum).integers(0, maximum + 1, (HEIGHT, WIDTH, 1 if kind == 5 else 3))
    head = f"P{kind} {WIDTH} {HEIGHT} {maximum}\n".encode()
    found = shown(tmp_path / "x.ppm", head + values.astype(">u2" if maximum > 255 else "u1").tobytes())
    np.testing.assert_allclose(found, np.broadcast_to(values * 255 / maximum, found.shape), atol=1)


def test_conversion_in_bands_gives_what_conversion_at_once_gives(tmp_path, monkeypatch):
    palette = np.random.default_rng(0).integers(0, 256, (256, 3))
    files = {
        "grey.png": png(noise(1, 16), 16, transparent=bytes(noise(1, 16)[0, 0].astype(">u2").tobytes())),
        "alpha.png": png(noise(4), 8),
        "palette.png": png(noise(1), 8, palette=palette, transparent=bytes(range(256))),
        "white.tif": tiff(noise(1, 16), 16, MIN_IS_WHITE),
        "big.tif": tiff(noise(1, 16), 16, MIN_IS_BLACK, order=">"),
        "cmyk.tif": tiff(noise(4), 8, SEPARATED),
        "bits.png": png(noise(1, 1), 1),
    }
    at_once = {name: shown(tmp_path / name, contents) for name, contents in files.items()}
    monkeypatch.setattr(eight_bits, "BAND", 3 * WIDTH)
    for name, contents in files.items():
        np.testing.assert_array_equal(shown(tmp_path / name, contents), at_once[name], err_msg=name)


@pytest.mark.parametrize("size", [(400, 2), (2, 400), (1, 1000), (3, 5), (7, 7)])
def test_however_narrow_a_padded_image_keeps_a_pixel(size):
    found = np.asarray(padded(Image.new("RGB", size, (200, 10, 10)), (32, 24), "white"))
    assert found.shape == (24, 32, 3)
    assert (found == (200, 10, 10)).all(2).any()


@pytest.mark.integration
def test_notes_and_profiles_of_megabytes_are_passed_over(tmp_path):
    values = noise(3)
    packed = zlib.compress(bytes(3_000_000))
    notes = {
        "tEXt": b"a\0" + b"x" * 3_000_000,
        "zTXt": b"a\0\0" + packed,
        "iTXt": b"a\0\1\0\0\0" + packed,
        "iCCP": b"a\0\0" + packed,
        "many": png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(500_000))) * 150,
    }
    for kind, data in notes.items():
        more = data if kind == "many" else png_chunk(kind.encode(), data)
        np.testing.assert_array_equal(shown(tmp_path / "x.png", png(values, 8, more=more)), values, err_msg=kind)
        assert read_size(tmp_path / "x.png") == (HEIGHT, WIDTH)


def test_short_notes_stay_where_an_orientation_may_be_told(tmp_path):
    note = PngImagePlugin.PngInfo()
    note.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    note.add_text("workflow", "x" * 2_000_000, zip=True)
    Image.fromarray(noise(3)).save(tmp_path / "x.png", pnginfo=note)
    assert read_image(tmp_path / "x.png").size == (HEIGHT, WIDTH)
    Image.fromarray(noise(3)).save(tmp_path / "plain.png")
    with (tmp_path / "plain.png").open("rb") as file:
        assert png_notes.without_long_notes(file) is file


@pytest.mark.integration
def test_what_the_decoder_warns_of_is_not_shown(tmp_path):
    Image.fromarray(noise(3)).save(tmp_path / "exif.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    Image.new("1", (9600, 9600)).save(tmp_path / "large.png")
    (tmp_path / "five.tif").write_bytes(tiff(noise(5, 16), 16, RGB, extra=(2, 0)))
    code = (
        f"import os; os.chdir({str(tmp_path)!r})\n"
        "from pathlib import Path; from i2i.data.image_files.open_image import opened\n"
        "for name in ('exif.jpg', 'large.png', 'five.tif'):\n"
        "    with opened(Path(name)) as image: print(image.getexif() if name == 'exif.jpg' else image.size)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "{}\n(9600, 9600)\n"
    error = done.stderr.splitlines()
    assert "five.tif cannot be read" in error[-2]
    assert not [line for line in error if "site-packages" in line or "Warning" in line or "amples" in line]


def test_images_that_are_decoded_at_once_share_a_bounded_room():
    room, held, most = MemoryLimit(100), [], []

    def take(count: int) -> None:
        with room.taken(count):
            held.append(count)
            most.append(sum(held))
            time.sleep(0.002)
            held.remove(count)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(take, [40] * 20 + [300] + [10] * 20))
    assert max(total for total in most if total < 300) <= 100
    assert [total for total in most if total >= 300] == [300]


def test_a_tiff_file_that_only_values_beyond_8_bits_explain_is_refused_with_the_entry_that_takes_them(tmp_path):
    tifffile.imwrite(
        tmp_path / "radar.tif", np.zeros((4, 4, 2), np.uint16), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(UserError, match=r'radar\.tif .*"pixel_formats": \{\} in i2i\.json'):
        read_image(tmp_path / "radar.tif")
