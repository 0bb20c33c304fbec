"""DICOM and NIfTI files give the values and window that they declare; slices of volumes keep their place."""

import numpy as np
import pytest

from i2i.data.image_files.images import read_size
from i2i.data.image_files.medical import PER_FRAME, SCALE_GROUP, SHARED, WINDOW_GROUP, dicom_window
from i2i.data.image_files.readers_and_writers import read_native
from i2i.data.layouts import ImageFile
from i2i.data.layouts.i2i_json import DeclaredFormat
from i2i.data.pixel_formats import format_of_images
from i2i.errors import UserError
from tests.support.in_process import command
from tests.support.medical import write_dicom, write_nifti
from tests.support.values import random_values

VALUES = random_values("int16", 1, (5, 7))[:, :, 0]


@pytest.fixture(scope="module")
def pydicom():
    return pytest.importorskip("pydicom")


@pytest.fixture(scope="module")
def nibabel():
    return pytest.importorskip("nibabel")


@pytest.fixture
def dicom(pydicom, tmp_path):
    """Writes a file of the values, with more entries."""

    return lambda values=VALUES, **entries: write_dicom(tmp_path / "a.dcm", values, **entries)


@pytest.fixture
def nifti(nibabel, tmp_path):
    return lambda values, name="a.nii", affine=None: write_nifti(tmp_path / name, values, affine)


@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8"])
def test_a_dicom_file_without_scale_gives_what_it_stores(dicom, dtype):
    values = random_values(dtype, 1, (6, 8))[:, :, 0]
    path = dicom(values)
    found = read_native(path)
    assert (found.dtype, found.shape) == (dtype, (6, 8, 1))
    np.testing.assert_array_equal(found[:, :, 0], values)
    assert read_size(path, native=True) == (6, 8)


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (0.5, 3), (2.25, 0)])
def test_slope_and_intercept_of_a_dicom_file_are_applied(dicom, slope, intercept):
    found = read_native(dicom(RescaleSlope=slope, RescaleIntercept=intercept))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, :, 0], VALUES.astype(float) * slope + intercept, rtol=1e-6)


@pytest.mark.parametrize(
    ("center", "width", "limits"),
    [
        (40, 400, (-160.0, 239.0)),
        (0, 2, (-1.0, 0.0)),
        ([50, 300], [350, 1500], (-125.0, 224.0)),
        (None, None, None),
        (40, 1, None),
    ],
)
def test_the_window_of_a_dicom_file_is_shown_where_the_card_says_none(dicom, center, width, limits):
    entries = {} if center is None else {"WindowCenter": center, "WindowWidth": width}
    path = dicom(**entries)
    assert dicom_window(path) == limits
    images = [ImageFile(path, native=True)]
    assert format_of_images(images, DeclaredFormat(), "ct").window == limits
    assert format_of_images(images, DeclaredFormat(window=(0, 9)), "ct").window == (0, 9)


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 1), (1, 7, 5), (7, 1, 5)])
def test_a_nifti_slice_lies_with_its_first_axis_to_the_right(nifti, shape):
    values = random_values("int16", 1, (7, 5))[:, :, 0]
    path = nifti(values.reshape(shape))
    found = read_native(path)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found[:, :, 0], values.T)
    assert read_size(path, native=True) == (5, 7)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_of_a_volume_keep_values_scale_and_place(nibabel, nifti, tmp_path, axis):
    values = random_values("int16", 1, (4, 60))[:, :, 0].reshape(4, 5, 12)
    affine = np.array([[2.0, 0, 0, -9], [0, 3, 0, 7], [0, 0, 4, 1], [0, 0, 0, 1]])
    path = nifti(values, "scan.nii.gz", affine)
    assert command("data", "slices", path, "--axis", axis, "--out", tmp_path / "out") == 0
    written = sorted((tmp_path / "out").iterdir())
    assert [one.name for one in written] == [f"scan-{place:03}.nii" for place in range(values.shape[axis])]
    for place, one in enumerate(written):
        np.testing.assert_array_equal(read_native(one)[:, :, 0], values.take(place, axis).T)
        corner = [place if here == axis else 0 for here in range(3)]
        np.testing.assert_allclose(nibabel.load(one).affine[:3, 3], (affine @ [*corner, 1])[:3])


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (
            lambda dicom, nifti: dicom(random_values("uint8", 3, (4, 4)).transpose(2, 0, 1), NumberOfFrames=3),
            "3 frames, and i2i data slices",
        ),
        (lambda dicom, nifti: nifti(np.zeros((3, 4, 5), np.int16)), "a volume of 3 x 4 x 5, and i2i data slices"),
        (lambda dicom, nifti: nifti(np.zeros((3, 4, 5), np.int16), "a.nii.gz"), "and i2i data slices"),
        (lambda dicom, nifti: cut(dicom()), "cannot be read as an image"),
        (lambda dicom, nifti: cut(nifti(np.zeros((30, 40), np.int16))), "cannot be read as an image"),
    ],
)
def test_what_is_no_single_image_is_named(dicom, nifti, make, complaint):
    path = make(dicom, nifti)
    with pytest.raises(UserError, match=complaint) as refused:
        read_native(path)
    assert str(path) in str(refused.value)


def enhanced(pydicom, dicom, count=3):
    """A file of frames, of which each has a scale and place of its own and all have one window."""

    def group(name, **entries):
        held, told = pydicom.dataset.Dataset(), pydicom.dataset.Dataset()
        for entry, value in entries.items():
            setattr(told, entry, value)
        setattr(held, name, [told])
        return held

    frames = [group(SCALE_GROUP, RescaleSlope=1 + place, RescaleIntercept=-10 * place) for place in range(count)]
    for place, frame in enumerate(frames):
        frame.update(group("PlanePositionSequence", ImagePositionPatient=[0, 0, 5.0 * place]))
    entries = {PER_FRAME: frames, SHARED: [group(WINDOW_GROUP, WindowCenter=40, WindowWidth=400)]}
    values = random_values("int16", count, (5, 7)).transpose(2, 0, 1)
    return dicom(np.ascontiguousarray(values), NumberOfFrames=count, **entries), values


def test_frames_of_a_dicom_file_keep_values_scale_window_and_place(pydicom, dicom, tmp_path):
    path, values = enhanced(pydicom, dicom)
    assert command("data", "slices", path, "--out", tmp_path / "out") == 0
    written = sorted((tmp_path / "out").iterdir())
    assert [one.name for one in written] == ["a-000.dcm", "a-001.dcm", "a-002.dcm"]
    for place, one in enumerate(written):
        expected = values[place].astype(float) * (1 + place) - 10 * place
        np.testing.assert_allclose(read_native(one)[:, :, 0], expected, rtol=1e-6)
        assert dicom_window(one) == (-160.0, 239.0)
        (frame,) = pydicom.dcmread(one)[PER_FRAME]
        assert frame.PlanePositionSequence[0].ImagePositionPatient[2] == 5 * place
    assert len({pydicom.dcmread(one).SOPInstanceUID for one in (path, *written)}) == 4


def test_a_dicom_file_of_colours_and_one_of_one_frame_are_sliced_too(dicom, tmp_path):
    colours = random_values("uint8", 3, (6, 7))
    planes = {"SamplesPerPixel": 3, "PlanarConfiguration": 1, "PhotometricInterpretation": "RGB"}
    path = dicom(colours.transpose(2, 0, 1), **planes)
    assert command("data", "slices", path, "--out", tmp_path / "out") == 0
    np.testing.assert_array_equal(read_native(tmp_path / "out" / "a-000.dcm"), colours)


def cut(path):
    """The file without its last third."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    return path


def test_volumes_that_cannot_be_sliced_are_named_and_none_is_left(nifti, tmp_path, capsys):
    good = nifti(np.zeros((3, 4, 5), np.int16), "good.nii.gz")
    flat, whole = nifti(np.zeros((3, 4), np.int16), "flat.nii"), nifti(np.zeros((3, 4, 5), np.int16), "whole.nii")
    for given, complaint in (
        ([flat], "flat.nii cannot be read as a volume (its axes are 3 x 4, and not three)"),
        ([good, cut(whole)], "whole.nii cannot be read as a volume"),
        ([tmp_path / "none.nii"], "there is no volume"),
        ([tmp_path / "none.txt"], "there are no volumes"),
        ([flat, flat], "two volumes are called flat"),
        ([tmp_path / "none.dcm"], "there is no volume"),
    ):
        assert command("data", "slices", *given, "--out", tmp_path / "out") == 2
        assert complaint in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_a_slice_of_complex_numbers_is_refused(nifti):
    with pytest.raises(UserError, match="its values are complex64, not numbers"):
        read_native(nifti(np.ones((3, 4), np.complex64)))
