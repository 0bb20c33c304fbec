"""Generators and discriminators of U-GAT-IT."""

import math
import re
from typing import Any

from torch import nn

from i2i.errors import UserError
from i2i.interop.family import Family, StateDict, has_kernel, image_channels, shape
from i2i.nn.class_activation import AttentiveDiscriminator, AttentiveGenerator

GENERATOR_NAMES = {
    "encoder": "DownBlock",
    "decoder": "UpBlock2",
    "average": "gap_fc",
    "maximum": "gmp_fc",
    "merge": "conv1x1",
    "mlp": "FC",
}
DISCRIMINATOR_NAMES = {"trunk": "model", "head": "conv", "average": "gap_fc", "maximum": "gmp_fc", "merge": "conv1x1"}


def _generator_name(name: str) -> str:
    block = re.match(r"blocks\.(\d+)", name)
    if block:
        return f"UpBlock1_{int(block[1]) + 1}{name[block.end() :]}"
    first, dot, rest = name.partition(".")
    return GENERATOR_NAMES.get(first, first) + dot + rest.replace(".body.", ".conv_block.")


def _discriminator_name(name: str) -> str:
    first, dot, rest = name.partition(".")
    return DISCRIMINATOR_NAMES.get(first, first) + dot + rest


def _read_generator(state: StateDict) -> dict[str, Any]:
    width, inputs, _, _ = shape(state, "DownBlock.1.weight")
    inner = shape(state, "DownBlock.9.weight")[0]
    blocks = len([key for key in state if re.fullmatch(r"UpBlock1_\d+\.conv1\.weight", key)])
    return {
        "channels": image_channels(inputs, shape(state, "UpBlock2.11.weight")[0]),
        "width": width,
        "blocks": blocks,
        **_read_variant(state, inner),
    }


def _read_variant(state: StateDict, inner: int) -> dict[str, Any]:
    """Whether it is the light variant, and for the full one its image size, if that can only be a square."""
    if "FC.0.weight" not in state or state["FC.0.weight"].ndim != 2:
        raise UserError("it lacks FC.0.weight, the weight of a linear layer")
    places = state["FC.0.weight"].shape[1] // inner
    if places <= 1:
        return {"light": True}
    side = math.isqrt(places)
    size = side * AttentiveGenerator.multiple
    return {"light": False, **({"image_size": (size, size)} if side * side == places else {})}


def _build_generator(
    channels: int, width: int, blocks: int, light: bool, image_size: tuple[int, int] | None = None
) -> nn.Module:
    return AttentiveGenerator(channels, width, blocks, None if light else image_size)


def _read_discriminator(state: StateDict) -> dict[str, Any]:
    width, channels, _, _ = shape(state, "model.1.weight_orig")
    convolutions = [key for key in state if re.fullmatch(r"model\.\d+\.weight_orig", key)]
    return {"channels": channels, "width": width, "layers": len(convolutions) + 1}


UGATIT_GENERATOR = Family(
    title="a generator with class activation maps",
    generator=True,
    recognizes=lambda state: has_kernel(state, "DownBlock.1.weight", 7),
    read=_read_generator,
    build=_build_generator,
    rename=lambda network: _generator_name,
)

UGATIT_DISCRIMINATOR = Family(
    title="a discriminator with class activation maps",
    generator=False,
    recognizes=lambda state: has_kernel(state, "model.1.weight_orig", 4),
    read=_read_discriminator,
    build=AttentiveDiscriminator,
    rename=lambda network: _discriminator_name,
)
