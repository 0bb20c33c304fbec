"""DICOM and NIfTI files, as scanners and their software write them."""

from pathlib import Path

import numpy as np


def write_dicom(path: Path, values: np.ndarray, **entries: object) -> Path:
    """A file of values [H, W], whole numbers, with more entries."""
    import pydicom

    made = pydicom.dataset.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = pydicom.uid.CTImageStorage, pydicom.uid.generate_uid()
    made.Rows, made.Columns = values.shape[-2:]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8 * values.dtype.itemsize
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, int(values.dtype.kind == "i")
    for name, value in entries.items():
        setattr(made, name, value)
    made.PixelData = values.tobytes()
    made.save_as(path, enforce_file_format=True)
    return path


def write_nifti(path: Path, values: np.ndarray, affine: np.ndarray | None = None) -> Path:
    """A file of values, the first axis to the right."""
    import nibabel

    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return path
