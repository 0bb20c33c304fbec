"""Files of reference state dicts. Nothing in them is ever executed."""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.errors import UserError

ZIP = b"PK\x03\x04"
# How torch.save began its files up to version 1.5: a pickle of this number.
BEFORE_ZIP = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
PARALLEL = "module."


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that torch.save wrote, without the prefix that DataParallel adds.

    Raises:
        UserError: if there is no such file, it is none of PyTorch's, it is incomplete, it holds anything but
            tensors by name, or it asks to run code.
    """
    content = _load(path)
    named = isinstance(content, dict) and all(isinstance(key, str) for key in content)
    if not named or not content or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path} holds no network: a state dict, tensors by name, is what can be imported")
    if all(key.startswith(PARALLEL) for key in content):
        return {key.removeprefix(PARALLEL): value.detach() for key, value in content.items()}
    return {key: value.detach() for key, value in content.items()}


def _load(path: Path) -> Any:
    try:
        with path.open("rb") as stream:
            start = stream.read(len(BEFORE_ZIP))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    if not start.startswith((ZIP, BEFORE_ZIP)):
        raise UserError(f"{path} is no checkpoint of PyTorch: what torch.save wrote is what can be imported")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        if code:
            raise UserError(
                f"{path} asks to run {code[1]} when it is loaded: files can hold any program, and i2i loads "
                "tensors only. Save the network's state_dict() where you trust the file"
            ) from None
        reason = " ".join(str(error).split("WeightsUnpickler error:")[-1].split())[:100]
        raise UserError(f"{path} is damaged or incomplete ({reason}): copy or download it again") from None
