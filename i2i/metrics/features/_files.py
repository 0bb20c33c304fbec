"""Files of network weights, read as plain tensors."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from i2i.errors import UserError
from i2i.utils.memory import is_out_of_memory

COUNTER = "num_batches_tracked"  # older files have none, and features do not depend on it


def read_state(path: Path, kind: str = "weights", remedy: str = "") -> object:
    """What a `.safetensors` file holds, or one that `torch.save` wrote; no code in it is run.

    Args:
        path: an existing file.
        kind: what it should hold, for the error.
        remedy: where to get a good one, for the error.

    Raises:
        UserError: the file cannot be opened, is truncated, of another format, or holds more than plain tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        if error.strerror:
            raise UserError(f"cannot read {kind} from {path}: {error.strerror}") from error
        raise _unlike(path, kind, remedy) from error
    except Exception as error:  # the unpickler raises whatever a stray byte leads to
        if is_out_of_memory(error):
            raise
        raise _unlike(path, kind, remedy) from error


def _unlike(path: Path, kind: str, remedy: str) -> UserError:
    text = f"cannot read {kind} from {path}: the file is truncated or not of PyTorch's format; fetch it again."
    return UserError(f"{text} {remedy}".rstrip())


def read_tensors(
    path: Path, title: str, expected: Mapping[str, Tensor], ignored: Iterable[str] = (), optional: Iterable[str] = ()
) -> dict[str, Tensor]:
    """The tensors of a plain state dict, after a check that they are a network's.

    Args:
        path: an existing file.
        title: the network's name, for errors.
        expected: tensors of the network, by name; their values do not matter.
        ignored: parts of it, or tensors, that the file may hold besides.
        optional: tensors of the network that the file may lack.

    Raises:
        UserError: the file cannot be read, lacks a tensor, or has one too many or of another shape.
    """
    state = read_state(path)
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise UserError(f"{path} holds no plain state dict of tensors: save the network's state_dict() by itself")
    unused, needed = tuple(f"{part}." for part in ignored), {*expected} - {*optional}
    kept = {str(name): tensor for name, tensor in state.items() if not f"{name}.".startswith(unused)}
    missing = [name for name in expected if name in needed and name not in kept and not name.endswith(COUNTER)]
    _check_names(title, path, "lacks", missing)
    _check_names(title, path, "has besides", [name for name in kept if name not in expected])
    shapes = [name for name, tensor in expected.items() if name in kept and kept[name].shape != tensor.shape]
    _check_names(title, path, "has in another shape", shapes)
    return kept


def _check_names(title: str, path: Path, what: str, names: list[str]) -> None:
    if names:
        raise UserError(
            f"{path} does not hold the weights of {title}: it {what} {len(names)} tensors "
            f"({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})\n"
            "give a file of that network, or name the network that the file is of"
        )
