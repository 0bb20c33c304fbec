"""Values of DICOM and NIfTI files: one image each, with the scale that the file declares."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from i2i.data.image_files.optional import imported

EXTRA = "medical"
PER_FRAME, SHARED = "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"
"""DICOM PS3.3, C.7.6.16: what newer files say of each of their frames, and of all."""
UNPACKED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
"""Transfer syntaxes of DICOM (PS3.5, A.1 to A.3) that pack neither image nor header."""
SCALE_GROUP, WINDOW_GROUP = "PixelValueTransformationSequence", "FrameVOILUTSequence"


def read_dicom(path: Path) -> np.ndarray:
    """The stored values [H, W] or [H, W, C]; float32 after slope and intercept, where the file has them.

    Raises:
        ValueError: for a file of several frames or without an image.
    """
    found = imported("pydicom", path, EXTRA).dcmread(path)
    frames = int(found.get("NumberOfFrames") or 1)
    if frames > 1:
        raise ValueError(f"it has {frames} frames, and i2i data slices writes a file for each")
    if "PixelData" not in found:
        raise ValueError("it holds no image")
    values = np.asarray(found.pixel_array)
    slope, intercept = (_told(found, SCALE_GROUP, name) for name in ("RescaleSlope", "RescaleIntercept"))
    if slope is None and intercept is None:
        return values
    scale = 1.0 if slope is None else float(slope)
    return (values * scale + float(intercept or 0)).astype(np.float32)


def check_dicom(path: Path) -> None:
    """ValueError for a file whose image or header is packed: nothing bounds what it unpacks to."""
    told = imported("pydicom.filereader", path, EXTRA).read_file_meta_info(path).get("TransferSyntaxUID")
    if told not in (None, *UNPACKED):
        raise ValueError(f"its transfer syntax, {told.name}, is not taken: save it uncompressed")


def dicom_size(path: Path) -> tuple[int, int]:
    """Height and width, from the header."""
    found = imported("pydicom", path, EXTRA).dcmread(path, stop_before_pixels=True)
    return int(found.Rows), int(found.Columns)


def dicom_window(path: Path) -> tuple[float, float] | None:
    """What the file says is to be shown as black and as white; None where it says nothing.

    DICOM PS3.3, C.11.2.1.2.1: center c and width w show values from c - 0.5 - (w - 1) / 2 to c - 0.5 + (w - 1) / 2. Of
    several windows it is the first.
    """
    found = imported("pydicom", path, EXTRA).dcmread(path, stop_before_pixels=True)
    given = [_told(found, WINDOW_GROUP, name) for name in ("WindowCenter", "WindowWidth")]
    if None in given:
        return None
    centers, widths = map(np.atleast_1d, given)
    if not len(centers) or not len(widths) or float(widths[0]) <= 1:
        return None
    center, half = float(centers[0]) - 0.5, (float(widths[0]) - 1) / 2
    return center - half, center + half


def _told(found: Mapping[str, Any], group: str, name: str) -> Any:
    """An entry of a file of one frame, or of a group that says it of the frame or of all; None where there is none."""
    for place in (PER_FRAME, SHARED):
        for frame in list(found.get(place) or ())[:1]:
            for told in list(frame.get(group) or ())[:1]:
                if told.get(name) is not None:
                    return told.get(name)
    return found.get(name)


def read_nifti(path: Path) -> np.ndarray:
    """The values of a slice [H, W], its first axis to the right and its second downwards, scaled as the file declares.

    Raises:
        ValueError: for a volume.
    """
    image = imported("nibabel", path, EXTRA).load(path)
    return np.asarray(image.dataobj).reshape(_slice_shape(image.shape)).T


def nifti_size(path: Path) -> tuple[int, int]:
    """Height and width, from the header."""
    width, height = _slice_shape(imported("nibabel", path, EXTRA).load(path).shape)
    return height, width


def _slice_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """The two axes of a slice; others have one place."""
    sides = [side for side in shape if side != 1]
    sides += [1] * (2 - len(sides))
    if len(sides) > 2:
        axes = " x ".join(map(str, shape))
        raise ValueError(f"it is a volume of {axes}, and i2i data slices writes a file for each slice of one")
    return sides[0], sides[1]
