"""A DICOM file of several frames as files of one each, with the values, scale, window and place of the frame."""

from copy import copy
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from i2i.data.image_files.medical import EXTRA, PER_FRAME
from i2i.data.image_files.optional import imported

if TYPE_CHECKING:
    from pydicom import Dataset


def write_frames(path: Path, out: Path, stem: str) -> int:
    """Write `STEM-000.dcm` and so on, unpacked, each an instance of its own; returns how many.

    Raises:
        ValueError: for a file without an image; besides whatever pydicom raises.
    """
    pydicom = imported("pydicom", path, EXTRA)
    whole = pydicom.dcmread(path)
    if "PixelData" not in whole:
        raise ValueError("it holds no image")
    count, values = int(whole.get("NumberOfFrames") or 1), whole.pixel_array
    for place in range(count):
        one = _of_frame(pydicom, whole, place)
        _put(one, values[place] if count > 1 else values)
        one.save_as(out / f"{stem}-{place:03}.dcm", enforce_file_format=True)
    return count


def _of_frame(pydicom: ModuleType, whole: "Dataset", place: int) -> "Dataset":
    """What a file says of one frame: what it says of all, and of per-frame groups the frame's own."""
    one: Dataset = pydicom.Dataset({element.tag: copy(element) for element in whole if element.keyword != "PixelData"})
    one.file_meta = pydicom.dataset.FileMetaDataset()
    one.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    one.SOPInstanceUID, one.NumberOfFrames = pydicom.uid.generate_uid(), 1
    if PER_FRAME in whole:
        setattr(one, PER_FRAME, [whole.get(PER_FRAME)[place]])
    return one


def _put(one: "Dataset", values: np.ndarray) -> None:
    """Values [H, W] or [H, W, 3] as pydicom has decoded them: colours as RGB, pixel by pixel."""
    if values.ndim == 3:
        one.PhotometricInterpretation, one.PlanarConfiguration = "RGB", 0
    one.BitsAllocated = 8 * values.dtype.itemsize
    contents = values.astype(values.dtype.newbyteorder("<")).tobytes()
    one.PixelData = contents + b"\0" * (len(contents) % 2)
