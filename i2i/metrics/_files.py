"""Files of network weights, read as plain tensors."""

import pickle
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from i2i.errors import UserError

READ_ERRORS = (SafetensorError, RuntimeError, EOFError, ValueError, OSError, pickle.UnpicklingError)


def read_state(path: Path, kind: str = "weights", remedy: str = "") -> Any:
    """What a `.safetensors` file holds, or one that `torch.save` wrote; no code in it is run.

    Args:
        path: an existing file.
        kind: what it should hold, for the error.
        remedy: where to get a good one, for the error.

    Raises:
        UserError: the file is truncated, of another format, or holds more than plain tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except READ_ERRORS as error:
        text = f"cannot read {kind} from {path}: the file is truncated or not of PyTorch's format; fetch it again."
        raise UserError(f"{text} {remedy}".rstrip()) from error
