"""Files of reference state dicts. Nothing in them is ever executed."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.errors import UserError

ZIP = b"PK\x03\x04"
# How torch.save began its files up to version 1.5: a pickle of this number.
BEFORE_ZIP = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
PARALLEL = "module."


def read_networks(path: Path) -> dict[str, dict[str, Tensor]]:
    """The state dicts of a file that torch.save wrote by their names in it, "" for a file of one network alone.

    The prefix that DataParallel adds to the names of tensors is taken off.

    Raises:
        UserError: if there is no such file, it is none of PyTorch's, it is incomplete, it holds anything but
            tensors by name, or several such state dicts by name, or it asks to run code.
    """
    content = _load(path)
    networks = {"": content} if _holds(content, Tensor) else content
    if not _holds(networks, Mapping) or not all(_holds(state, Tensor) for state in networks.values()):
        raise UserError(f"{path} holds no network: a state dict, tensors by name, is what can be imported")
    return {name: _plain(state) for name, state in networks.items()}


def _holds(content: object, kind: type) -> bool:
    """Whether something is a mapping of names to values of a kind, and not empty."""
    if not isinstance(content, Mapping) or not content:
        return False
    return all(isinstance(key, str) and isinstance(value, kind) for key, value in content.items())


def _plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = PARALLEL if all(key.startswith(PARALLEL) for key in state) else ""
    return {key.removeprefix(prefix): value.detach() for key, value in state.items()}


def _load(path: Path) -> Any:
    try:
        with path.open("rb") as stream:
            start = stream.read(len(BEFORE_ZIP))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; name a file that torch.save wrote") from None
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
        reason = " ".join(str(error).split("WeightsUnpickler error:")[-1].split(". ")[0].split())[:100]
        raise UserError(f"{path} is damaged or incomplete ({reason}): copy or download it again") from None
