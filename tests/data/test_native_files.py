"""Files beyond 8-bit RGB are read and written value by value, and one line names what cannot be read."""

import io
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from i2i.data.image_files.images import Preprocess, decode_once, read_size
from i2i.data.image_files.readers_and_writers import filled, read_native, write_native
from i2i.errors import UserError
from tests.support.values import needing, random_values

KINDS = [
    (".npy", "uint8", 1),
    (".npy", "int16", 4),
    (".npy", "float64", 32),
    (".png", "uint8", 3),
    (".png", "uint8", 4),
    (".png", "uint16", 1),
    (".png", "uint16", 2),
    (".png", "uint16", 3),
    (".png", "uint16", 4),
    (".tif", "uint16", 1),
    (".tif", "uint16", 3),
    (".tif", "float32", 13),
    (".tif", "int32", 2),
]


@pytest.mark.parametrize(("suffix", "dtype", "channels"), KINDS)
def test_what_was_written_is_read_value_by_value(suffix, dtype, channels, tmp_path):
    needing(suffix, dtype, channels)
    values = random_values(dtype, channels, (5, 7))
    write_native(tmp_path / f"a{suffix}", values)
    found = read_native(tmp_path / f"a{suffix}")
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)
    assert read_size(tmp_path / f"a{suffix}", native=True) == (5, 7)


def test_the_order_of_bytes_and_axes_makes_no_difference(tmp_path):
    values = random_values("uint16", 1, (4, 6))
    np.save(tmp_path / "big.npy", values[:, :, 0].astype(">u2"))
    np.save(tmp_path / "columns.npy", np.asfortranarray(values))
    for name in ("big.npy", "columns.npy"):
        found = read_native(tmp_path / name)
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, values)


def test_bands_of_a_tiff_may_lie_one_after_the_other(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    values = random_values("uint16", 5, (4, 6))
    planes = np.moveaxis(values, 2, 0)
    tifffile.imwrite(tmp_path / "planes.tif", planes, planarconfig="separate", photometric="minisblack")
    tifffile.imwrite(tmp_path / "pages.tif", planes, photometric="minisblack")
    for name in ("planes.tif", "pages.tif"):
        np.testing.assert_array_equal(read_native(tmp_path / name), values)


def test_halves_are_what_lies_left_and_right(tmp_path):
    values = random_values("uint16", 1, (4, 6))
    write_native(tmp_path / "a.png", values)
    np.testing.assert_array_equal(read_native(tmp_path / "a.png", "left"), values[:, :3])
    np.testing.assert_array_equal(read_native(tmp_path / "a.png", "right"), values[:, 3:])


def saved(values: object) -> bytes:
    held = io.BytesIO()
    np.save(held, values, allow_pickle=True)
    return held.getvalue()


def header(shape: tuple[int, ...]) -> bytes:
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return held.getvalue()


def archive() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("a.npy", saved(np.zeros((4, 4))))
    return held.getvalue()


HOSTILE = {
    "empty.npy": b"",
    "text.npy": b"no numbers",
    "several.npy": archive(),
    "objects.npy": saved(np.array([[print]])),
    "complex.npy": saved(np.zeros((4, 4), complex)),
    "cut.npy": saved(np.zeros((8, 8)))[:-9],
    "line.npy": saved(np.zeros(8)),
    "volume.npy": saved(np.zeros((2, 2, 2, 2))),
    "bands.npy": saved(np.zeros((4, 4, 33))),
    "nothing.npy": saved(np.zeros((0, 4))),
    "huge.npy": header((10**6, 10**6)) + bytes(99),
    "empty.tif": b"",
    "text.tif": b"II*\0 and no more",
    "cut.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\4\0\0\0\4\x10\0\0\0\0",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_image_is_told_with_its_file_and_a_remedy_in_two_lines(name, tmp_path):
    needing(name[name.index(".") :])
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(UserError, match=f"{name} cannot be read as an image") as error:
        decode_once(tmp_path / name, None, native=True)
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(("suffix", "channels"), [(".npy", 2), (".tif", 2), (".png", 1), (".png", 3)])
def test_files_that_are_cut_short_are_refused_wherever_the_cut_is(suffix, channels, tmp_path):
    needing(suffix, "uint16", channels)
    whole, cut = tmp_path / f"a{suffix}", tmp_path / f"cut{suffix}"
    write_native(whole, random_values("uint16", channels, (9, 9)))
    written = whole.read_bytes()
    for length in range(0, int(0.9 * len(written)), len(written) // 12):
        cut.write_bytes(written[:length])
        with pytest.raises(UserError, match="cut"):
            read_native(cut)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no image .*gone\.npy"):
        read_native(tmp_path / "gone.npy")


def test_values_that_are_not_finite_are_counted_named_and_refused_or_filled(tmp_path):
    values = random_values("float32", 2, (4, 4))
    values[0, :3, 0], values[1, 1, 1] = np.nan, -np.inf
    with pytest.raises(UserError, match=r'a\.npy holds 4 of 32 values that are not finite .*:\nsay in .*"fill": 0'):
        filled(values, None, tmp_path / "a.npy")
    found = filled(values, -5.0, tmp_path / "a.npy")
    assert found[0, 0, 0] == found[1, 1, 1] == -5.0
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[2:], values[2:])


def test_the_8_bit_path_does_what_it_did_before(tmp_path):
    """Keys of the pixel cache are hashes of these words."""
    plain = {"image_size": (8, 8), "channels": 3, "fit": "crop", "background": "white"}
    assert list(Preprocess((8, 8)).treatment().items()) == list(plain.items())
    Image.fromarray(random_values("uint8", 3, (8, 8))).save(tmp_path / "a.png")
    assert Preprocess((8, 8)).of_domain("any") == Preprocess((8, 8))
    assert Preprocess((8, 8)).dtype == np.uint8


MEGABYTES = 12
"""That a bomb unpacks to, of some kilobytes."""


def packed():
    unpacking = zlib.compressobj(1)
    return b"".join([*(unpacking.compress(bytes(2**20)) for _ in range(MEGABYTES)), unpacking.flush()])


def png_bomb(path):
    pytest.importorskip("png")
    header = (10).to_bytes(4) * 2 + bytes([16, 2, 0, 0, 0])
    parts = [(b"IHDR", header), (b"IDAT", packed()), (b"IEND", b"")]
    chunks = [len(of).to_bytes(4) + kind + of + zlib.crc32(kind + of).to_bytes(4) for kind, of in parts]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def tiff_bomb(path):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(path, np.zeros((10, 10), np.uint16), compression="zlib", metadata=None)
    contents, bomb = bytearray(path.read_bytes()), packed()
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        for name, value in (("StripOffsets", len(contents)), ("StripByteCounts", len(bomb))):
            contents[tags[name].valueoffset : tags[name].valueoffset + 4] = value.to_bytes(4, "little")
    path.write_bytes(contents + bomb)


@pytest.mark.parametrize(("suffix", "make"), [(".png", png_bomb), (".tif", tiff_bomb)])
def test_a_file_that_unpacks_to_more_than_it_tells_is_not_unpacked(suffix, make, tmp_path):
    make(tmp_path / f"bomb{suffix}")
    tracemalloc.start()
    with pytest.raises(UserError, match=r"it unpacks to more than the [\d,]+ bytes that its header tells"):
        read_native(tmp_path / f"bomb{suffix}")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < MEGABYTES / 2 * 1e6


def test_an_interlaced_png_file_of_16_bits_is_no_bomb(tmp_path):
    png = pytest.importorskip("png")
    values = random_values("uint16", 3, (9, 5))
    with (tmp_path / "a.png").open("wb") as file:
        png.Writer(5, 9, greyscale=False, bitdepth=16, interlace=True).write(file, values.reshape(9, -1))
    np.testing.assert_array_equal(read_native(tmp_path / "a.png"), values)


def test_a_tiff_file_shows_nothing_of_another_that_it_names(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    own, other = (np.full((4, 4), value, np.uint16) for value in (1, 2))
    tifffile.imwrite(tmp_path / "private.tif", other)
    planes = "".join(
        f'<TiffData FirstC="{place}" IFD="0"><UUID FileName="{name}">urn:uuid:{place}</UUID></TiffData>'
        for place, name in enumerate(("a.tif", str(tmp_path / "private.tif")))
    )
    told = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:0"><Image>'
        '<Pixels DimensionOrder="XYCZT" Type="uint16" SizeX="4" SizeY="4" SizeC="2" SizeZ="1" SizeT="1">'
        f"{planes}</Pixels></Image></OME>"
    )
    tifffile.imwrite(tmp_path / "a.tif", own, description=told, metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert (file.asarray() == 2).any()  # so the library would
    assert not (read_native(tmp_path / "a.tif") == 2).any()
