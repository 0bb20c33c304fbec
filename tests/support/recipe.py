"""Weights of the fixtures that store none: made again from their seed, bit for bit."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from tests.support import reference

# Buffers of the reference implementations, for which the recipe takes no random numbers.
FIXED = ("filt", "filter", "running_mean", "running_var", "num_batches_tracked", "weight_u", "weight_v")


def weights(name: str) -> dict[str, Tensor]:
    """The state dict of a fixture of one network, under the reference's keys and without its constant buffers."""
    settings = reference.settings(name)
    return _made(settings["keys"], settings["settings"]["seed"]) | _stored(name)


def weights_by_network(name: str) -> dict[str, dict[str, Tensor]]:
    """The state dicts of a training's networks, by the reference's names of these."""
    settings, stored = reference.settings(name), _stored(name)
    seed = settings["settings"]["seed"]
    return {
        network: _made(keys, seed + place) | stored.get(network, {})
        for place, (network, keys) in enumerate(settings["keys"].items())
    }


def _made(keys: Mapping[str, list[int]], seed: int) -> dict[str, Tensor]:
    stream = np.random.RandomState(seed)  # the legacy stream, which is the same in every version of numpy
    return {
        key: torch.from_numpy(_value(key.rpartition(".")[2], stream.standard_normal(size=tuple(shape))))
        for key, shape in keys.items()
        if key.rpartition(".")[2] not in FIXED
    }


def _value(kind: str, normal: np.ndarray) -> np.ndarray:
    if kind == "rho":
        value = 1 / (1 + np.exp(-normal))
    elif kind in ("bias", "beta"):
        value = 0.1 * normal
    elif kind == "gamma" or normal.ndim == 1:
        value = 1 + 0.2 * normal
    else:
        value = normal * math.sqrt(2 / np.prod(normal.shape[1:]))
    return value.astype(np.float32)


def _stored(name: str) -> dict:
    """What the recipe does not make, where there is such a thing."""
    return reference.weights(name) if (reference.DATA / f"{name}.pth").exists() else {}
