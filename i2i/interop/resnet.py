"""Residual generators: those of CycleGAN, and those of StarGAN, which take labels."""

import re
from collections.abc import Callable

from torch import nn

from i2i.errors import UserError
from i2i.interop.family import STATISTICS, Family, StateDict, has_filters, has_kernel, image_channels, read_norm, shape
from i2i.nn.resnet import ResnetGenerator


def renamed(layers: str, body: str) -> Callable[[nn.Module], Callable[[str], str]]:
    """The reference counts layers as we do, under other names."""

    def rename(name: str) -> str:
        return name.replace("layers.", f"{layers}.", 1).replace(".body.", f".{body}.", 1)

    return lambda network: rename


def _count_blocks(state: StateDict, layers: str, body: str) -> int:
    pattern = re.compile(rf"{layers}\.(\d+)\.{body}\.")
    return len({found[1] for key in state if (found := pattern.match(key))})


def plain_blocks(state: StateDict) -> int:
    """Residual blocks of CycleGAN's generator or of CUT's; UserError if they have dropout."""
    if any(has_kernel(state, key, 3) for key in state if key.endswith(".conv_block.6.weight")):
        raise UserError("its residual blocks have dropout, and i2i's have none")
    return _count_blocks(state, "model", "conv_block")


def _read_plain(state: StateDict) -> dict[str, object]:
    width, inputs, _, _ = shape(state, "model.1.weight")
    blocks = plain_blocks(state)
    outputs = shape(state, f"model.{17 + blocks}.weight")[0]
    return {
        "channels": image_channels(inputs, outputs),
        "width": width,
        "blocks": blocks,
        "norm": read_norm(state, "model.1", "model.2"),
        "padding": "reflect",  # with zeros the first convolution would be model.0
    }


def _read_labelled(state: StateDict) -> dict[str, object]:
    width, inputs, _, _ = shape(state, "main.0.weight")
    blocks = _count_blocks(state, "main", "main")
    channels = shape(state, f"main.{15 + blocks}.weight")[0]
    return {
        "channels": channels,
        "width": width,
        "blocks": blocks,
        "labels": inputs - channels,
        "norm": "instance-affine",
        "padding": "zeros",
        "resampling": "conv4",
        "last_bias": False,
    }


RESNET = Family(
    title="a residual generator",
    generator=True,
    recognizes=lambda state: has_kernel(state, "model.1.weight", 7) and not has_filters(state),
    read=_read_plain,
    build=ResnetGenerator,
    rename=renamed("model", "conv_block"),
)

LABELLED_RESNET = Family(
    title="a residual generator with labels",
    generator=True,
    recognizes=lambda state: has_kernel(state, "main.0.weight", 7),
    read=_read_labelled,
    build=ResnetGenerator,
    rename=renamed("main", "main"),
    tracked=lambda name: STATISTICS,
)
