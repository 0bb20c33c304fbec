"""Reads the fixtures that the reference implementations left in tests/fixtures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from i2i.interop.family import Family
from i2i.interop.renaming import from_reference

DATA = Path(__file__).parents[1] / "fixtures"
BOOKKEEPING = ("running_mean", "running_var", "num_batches_tracked")


def settings(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"{name}.json").read_text())


def arrays(name: str) -> dict[str, Tensor]:
    with np.load(DATA / f"{name}.npz") as stored:
        return {key: torch.from_numpy(stored[key]) for key in stored.files}


def weights(name: str) -> dict[str, Any]:
    return torch.load(DATA / f"{name}.pth", weights_only=True)


def load(network: nn.Module, family: Family, reference: dict[str, Tensor]) -> None:
    """Load a reference state dict into a network by the names of its family, as an import does."""
    network.load_state_dict(from_reference(family, network, reference))


def load_in_order(network: nn.Module, reference: dict[str, Tensor]) -> None:
    """Load a reference state dict into a network that declares the same tensors in the same order.

    Running statistics that the network does not keep (of instance norms) are left out.
    """
    own = network.state_dict()
    if not any(name.endswith(BOOKKEEPING) for name in own):
        reference = {name: value for name, value in reference.items() if not name.endswith(BOOKKEEPING)}
    assert len(own) == len(reference)
    for (name, tensor), (theirs, value) in zip(own.items(), reference.items(), strict=True):
        assert tensor.shape == value.shape, f"{name} is {tensor.shape}, {theirs} is {value.shape}"
    network.load_state_dict(dict(zip(own, reference.values(), strict=True)))
