"""What a safetensors file holds, by its header, so that nothing is built or allocated for a file that does not fit."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of tensors by name."""


def shapes_in(path: Path) -> Shapes:
    """The shapes of a file's tensors; SafetensorError for a file that is none, OSError if it cannot be read."""
    path.open("rb").close()  # safetensors has one error for whatever is the matter
    with safe_open(path, framework="pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (no mapping)


def shapes_of(network: nn.Module) -> Shapes:
    """The shapes of a network's state, which may lie on the meta device."""
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def first_difference(found: Shapes, expected: Shapes) -> str | None:
    """The first tensor that is absent or has another shape, in words; None if all are as expected."""
    for name in dict.fromkeys((*expected, *found)):
        if found.get(name) != expected.get(name):
            return f"its {name} is {_shown(found.get(name))} and the settings ask for {_shown(expected.get(name))}"
    return None


def load_finite(path: Path) -> dict[str, Tensor]:
    """The tensors of a file.

    Raises:
        ValueError: if one holds values that are not finite.
        SafetensorError, OSError: as `shapes_in`.
    """
    path.open("rb").close()
    tensors = load_file(path)
    refuse_not_finite(tensors)
    return tensors


def refuse_not_finite(tensors: Mapping[str, Tensor]) -> None:
    """ValueError that names the first tensor with values that are NaN or infinite."""
    for name, tensor in tensors.items():
        wrong = tensor.numel() - int(tensor.isfinite().sum())
        if wrong:
            raise ValueError(f"{wrong:,} of {tensor.numel():,} values of {name} are not finite")


def _shown(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else str(list(shape))
