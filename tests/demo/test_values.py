"""The page for data beyond 8-bit RGB: files go in, renderings are shown, files of the target's kind come out."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from i2i.config import DataConfig
from i2i.data.image_files.readers_and_writers import read_native, write_native
from i2i.demo import page, translations
from i2i.demo.examples import examples
from i2i.demo.methods import Loader, Method, native
from i2i.demo.translations import DemoRequest
from i2i.demo.uploads import check_upload
from i2i.errors import UserError
from i2i.testing import CPU
from tests.support.exported import make_run
from tests.support.medical import write_dicom, write_nifti
from tests.support.values import folder, needing, random_values

GREY = {"file": "png", "dtype": "uint16", "channels": 1, "range": (0, 65535)}
BRIGHT = {**GREY, "file": "tiff", "window": (0, 30000)}
LOADER = Loader(CPU)


def translate(*asked):
    """All of them, made."""
    return list(translations.translate(*asked))


@pytest.fixture(scope="module")
def copying(tmp_path_factory):
    """`identity` among three domains, the third of which has another range."""
    run = tmp_path_factory.mktemp("runs") / "copying"
    formats = {"t1": GREY, "t2": BRIGHT, "ct": {**GREY, "range": (0, 4095)}}
    make_run(run, "identity", ("t1", "t2", "ct"), side=16, formats=formats)
    return Method.of_run(run)


@pytest.fixture(params=[".png", ".npy", ".tif", ".dcm", ".nii"])
def upload(request, tmp_path):
    needing(request.param)
    path, values = tmp_path / f"upload{request.param}", random_values("uint16", 1)
    if request.param == ".dcm":
        return write_dicom(path, values[:, :, 0])
    if request.param == ".nii":
        return write_nifti(path, values[:, :, 0].T)
    write_native(path, values)
    return path


def test_values_are_shown_by_their_rendering_and_downloaded_as_they_are(copying, upload, tmp_path):
    needing(".tif")
    (tmp_path / "out").mkdir()
    shown, made = translate(DemoRequest(upload, "t1", ["t2"]), [copying], LOADER, tmp_path / "out")
    values = read_native(upload)
    np.testing.assert_array_equal(np.asarray(Image.open(shown.path)), np.rint(values[:, :, 0] / 65535 * 255))
    lit = np.rint(np.minimum(values[:, :, 0] / 30000, 1) * 255)
    np.testing.assert_array_equal(np.asarray(Image.open(made.path)), lit)
    assert made.file.suffix == ".tif"
    np.testing.assert_array_equal(read_native(made.file), values)


def test_what_values_mean_is_asked_where_domains_differ(copying, tmp_path):
    write_native(tmp_path / "a.npy", random_values("uint16", 1))
    with pytest.raises(UserError, match="choose the domain of the image:\nits values"):
        translate(DemoRequest(tmp_path / "a.npy", None, ["t1"]), [copying], LOADER, tmp_path)
    make_run(tmp_path / "two", "identity", ("t1", "t2"), side=16, formats={"t1": GREY, "t2": BRIGHT})
    two = Method.of_run(tmp_path / "two")  # where each target has one source, and both would be another
    with pytest.raises(UserError, match="choose the domain of the image"):
        translate(DemoRequest(tmp_path / "a.npy", None, ["t1", "t2"]), [two], LOADER, tmp_path)
    assert len(translate(DemoRequest(tmp_path / "a.npy", None, ["t2"]), [two], LOADER, tmp_path)) == 2


def test_an_upload_of_other_channels_is_told_in_two_lines(copying, tmp_path):
    write_native(tmp_path / "a.npy", random_values("uint16", 3))
    with pytest.raises(UserError, match="has 3 channels and its domain has 1:\ngive a file of as many") as refused:
        translate(DemoRequest(tmp_path / "a.npy", "t1", ["t2"]), [copying], LOADER, tmp_path)
    assert len(str(refused.value).splitlines()) == 2


def huge(rows):
    """A NumPy file that claims so many rows and columns, and has one value."""
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": "<u2", "fortran_order": False, "shape": (rows, rows)})
    return held.getvalue() + b"\0\0"


@pytest.mark.parametrize(
    ("name", "contents", "told"),
    [
        ("a.npy", b"", "cannot be read"),
        ("a.npy", b"\x80\x04\x95nonsense", "cannot be read"),
        ("a.npy", b"PK\x03\x04", "cannot be read"),
        ("a.npy", huge(10**6), "cannot be read"),
        ("a.tif", b"II*\0nonsense", "cannot be read"),
        ("a.png", b"<svg/>", "no known format"),
        ("a.dcm", b"x", "cannot be read"),
        ("a.nii", b"x", "cannot be read"),
        ("a.nii.gz", b"\x1f\x8b", "not taken here: take one of .npy"),
        ("a", b"x", "not taken here"),
    ],
)
def test_files_that_hold_no_values_are_refused_without_their_path(name, contents, told, tmp_path):
    needing(name[1:])
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(UserError, match=told) as refused:
        check_upload(tmp_path / name, native=True)
    assert str(tmp_path) not in str(refused.value)


def test_too_many_values_and_packings_without_a_bound_are_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    np.save(tmp_path / "wide.npy", np.zeros((2, 20_000), np.uint8))
    with pytest.raises(UserError, match="20000x2 pixels"):
        check_upload(tmp_path / "wide.npy", native=True)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((9, 9), np.uint16), compression="lzma", metadata=None)
    with pytest.raises(UserError, match="compression 34925 is not taken: save it with deflate"):
        check_upload(tmp_path / "a.tif", native=True)


def test_a_dicom_file_that_unpacks_is_refused_unread_and_a_volume_told_what_to_do(tmp_path):
    needing(".dcm")
    needing(".nii")
    deflated = write_dicom(tmp_path / "a.dcm", random_values("uint16", 1)[:, :, 0])
    plain, packed = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    meta = deflated.read_bytes().replace(b"UI" + b"\x14\0" + plain, b"UI" + b"\x16\0" + packed)
    deflated.write_bytes(meta)
    with pytest.raises(UserError, match=r"Deflated.*is not taken: save it uncompressed"):
        check_upload(deflated, native=True)
    with pytest.raises(UserError, match="volume of 4 x 4 x 4, and i2i data slices"):
        check_upload(write_nifti(tmp_path / "a.nii", np.zeros((4, 4, 4), np.int16)), native=True)


def test_the_page_takes_files_for_methods_of_values_and_images_for_others(copying):
    kit = SimpleNamespace(File=lambda **of: ("file", of), Image=lambda **of: ("image", of))
    assert native([copying])
    kind, told = page._upload(kit, page.PageContents("x", [copying]), "Image", ["upload"], 9)
    assert (kind, told["elem_id"]) == ("file", "image")
    assert ".npy" in told["file_types"]
    assert page._upload(kit, page.PageContents("x", []), "Image", ["upload"], 9)[0] == "image"


def test_examples_hold_all_values_of_their_files(tmp_path):
    data = folder(tmp_path / "mri", {"t1": (".png", "uint16", 1), "t2": (".npy", "float32", 2)})
    found = examples(DataConfig(path=data, image_size=(8, 8)), tmp_path)
    assert [domain for _, domain in found] == ["t1", "t1", "t2", "t2"]
    np.testing.assert_array_equal(np.load(found[0][0]), read_native(data / "test/t1/ax.png"))
    np.testing.assert_array_equal(np.load(found[3][0]), np.load(data / "test/t2/bx.npy"))
