"""Weights of VGG networks in torch's cache, for tests of the distances that take them."""

import torch
import torchvision
from torch import Tensor

from i2i.metrics.perceptual import VGGDistance


def shapes(network: str) -> dict[str, torch.Size]:
    """Of torchvision's tensors of a network ahead of its classifier, by name."""
    with torch.device("meta"):
        state = torchvision.models.get_model(network).state_dict()
    return {name: value.shape for name, value in state.items() if name.startswith("features.")}


def put(distance: type[VGGDistance], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Let a distance find its network's tensors in the cache; returns them."""
    place = distance.weights.cached()
    place.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, place)
    return state


def put_random(distance: type[VGGDistance]) -> dict[str, Tensor]:
    """The same with random numbers, as views into few of them so that the file is small."""
    numbers = torch.randn(8_000, generator=torch.Generator().manual_seed(0))
    return put(
        distance,
        {
            name: ((2 / shape[1:].numel()) ** 0.5 * numbers).as_strided(shape, (7, 5, 3, 1)[: len(shape)])
            for name, shape in shapes(distance.network).items()
        },
    )
