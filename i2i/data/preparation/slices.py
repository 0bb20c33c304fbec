"""Volumes as slices: a NIfTI or DICOM file for each, with its place in space."""

from collections.abc import Sequence
from pathlib import Path

from i2i.data.image_files.medical import EXTRA
from i2i.data.image_files.optional import imported
from i2i.data.preparation.dicom_frames import write_frames
from i2i.errors import UserError
from i2i.utils.atomic_write import new_folder
from i2i.utils.progress import Progress

DICOM, ACROSS = ".dcm", 2
"""Ending of files whose slices are their frames, and the axis that those are counted along."""
ENDINGS = (".nii.gz", ".nii", DICOM)


def write_slices(volumes: Sequence[Path], out: Path, axis: int = 2, progress: Progress | None = None) -> int:
    """Write the slices of volumes across an axis into a folder, as `NAME-000.nii` and so on; returns how many.

    A slice keeps the values and the scale of its volume, and an affine matrix that says where it lies. Of a DICOM file
    the frames are written, as `NAME-000.dcm`, with what the file says of each.

    Args:
        volumes: files `.nii` or `.nii.gz` of three axes, files `.dcm`, or folders of such.
        out: the folder, which must not hold anything yet and appears when it is complete.
        axis: which axis the slices are counted along, 0 to 2.
        progress: called with the volumes done and the total.

    Raises:
        UserError: for a missing or damaged file, one of more or fewer axes, two of one name, or a missing library.
    """
    files, written = _files(volumes), 0
    with new_folder(out) as folder:
        for done, path in enumerate(files, 1):
            written += _write(path, folder, axis)
            if progress:
                progress(done, len(files))
    return written


def _files(given: Sequence[Path]) -> list[Path]:
    found = [one for path in given for one in (sorted(path.iterdir()) if path.is_dir() else [path])]
    files = [path for path in found if path.name.lower().endswith(ENDINGS)]
    if not files:
        raise UserError(f"there are no volumes in {', '.join(map(str, given))}: name files {' or '.join(ENDINGS)}")
    names = [_stem(path) for path in files]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two volumes are called {name}: slice each into a folder of its own")
    return files


def _write(path: Path, out: Path, axis: int) -> int:
    try:
        if path.name.lower().endswith(DICOM):
            return _write_dicom(path, out, axis)
        nibabel = imported("nibabel", path, EXTRA)
        volume = nibabel.load(path)
        if len(volume.shape) != 3:
            raise ValueError(f"its axes are {' x '.join(map(str, volume.shape))}, and not three")
        for place in range(volume.shape[axis]):
            across = tuple(slice(place, place + 1) if one == axis else slice(None) for one in range(3))
            nibabel.save(volume.slicer[across], out / f"{_stem(path)}-{place:03}.nii")
        return int(volume.shape[axis])
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"there is no volume {path}") from None
    except Exception as error:  # of nibabel and zlib, which have no class in common
        raise UserError(f"{path} cannot be read as a volume ({error}):\nrepair it or leave it out") from None


def _write_dicom(path: Path, out: Path, axis: int) -> int:
    if axis != ACROSS:
        raise UserError(f"{path} is sliced by its frames alone: leave --axis out, or slice DICOM files by themselves")
    return write_frames(path, out, _stem(path))


def _stem(path: Path) -> str:
    return next(path.name[: -len(ending)] for ending in ENDINGS if path.name.lower().endswith(ending))
