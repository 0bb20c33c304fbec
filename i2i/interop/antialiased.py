"""CUT's networks: a residual generator and a PatchGAN with blur filters, and the heads that look at patches."""

import re
from collections.abc import Callable

from torch import nn

from i2i.errors import UserError
from i2i.interop.family import Family, StateDict, has_filters, has_kernel, image_channels, read_norm, shape
from i2i.interop.resnet import plain_blocks, renamed
from i2i.nn.patch_discriminator import antialiased_patchgan
from i2i.nn.patch_projection import PatchProjection
from i2i.nn.resnet import ResnetGenerator

FIRST_BLOCK = 12
AFTER_BLOCKS = 9


def _generator(**arguments: object) -> ResnetGenerator:
    return ResnetGenerator(resampling="antialiased", **arguments)  # type: ignore[arg-type]


def _read_generator(state: StateDict) -> dict[str, object]:
    width, inputs, _, _ = shape(state, "model.1.weight")
    blocks = plain_blocks(state)
    _check_filters(state, (("model.7.filt", 3), ("model.11.filt", 3), (f"model.{FIRST_BLOCK + blocks}.filt", 4)))
    outputs = shape(state, f"model.{FIRST_BLOCK + blocks + AFTER_BLOCKS}.weight")[0]
    return {
        "channels": image_channels(inputs, outputs),
        "width": width,
        "blocks": blocks,
        "norm": read_norm(state, "model.1", "model.2"),
    }


def _check_filters(state: StateDict, sides: tuple[tuple[str, int], ...]) -> None:
    for key, side in sides:
        if not has_kernel(state, key, side):
            raise UserError(f"it lacks the {side}x{side} filter {key}, and i2i's is antialiased on both ways")


ANTIALIASED_RESNET = Family(
    title="an antialiased residual generator",
    generator=True,
    recognizes=lambda state: has_filters(state) and has_kernel(state, "model.1.weight", 7),
    read=_read_generator,
    build=_generator,
    rename=renamed("model", "conv_block"),
)


def _rename_discriminator(network: nn.Module) -> Callable[[str], str]:
    last = sum(1 for _ in network.get_submodule("trunk").children())
    return lambda name: name.replace("trunk.", "model.", 1).replace("patch_head", f"model.{last}", 1)


def _read_discriminator(state: StateDict) -> dict[str, object]:
    width, channels, _, _ = shape(state, "model.0.weight")
    convolutions = [key for key in state if re.fullmatch(r"model\.\d+\.weight", key) and state[key].ndim == 4]
    return {
        "channels": channels,
        "width": width,
        "layers": len(convolutions) - 2,  # the first and the last are none of the paper's
        "norm": read_norm(state, "model.3", "model.4"),
    }


ANTIALIASED_PATCHGAN = Family(
    title="an antialiased PatchGAN",
    generator=False,
    recognizes=lambda state: has_filters(state) and has_kernel(state, "model.0.weight", 4),
    read=_read_discriminator,
    build=antialiased_patchgan,
    rename=_rename_discriminator,
)


def _rename_heads(_: nn.Module) -> Callable[[str], str]:
    return lambda name: name.replace("heads.", "mlp_", 1)


def _read_heads(state: StateDict) -> dict[str, object]:
    first = [state[key] for key in state if re.fullmatch(r"mlp_\d+\.0\.weight", key)]
    return {"channels": [weight.shape[1] for weight in first], "width": first[0].shape[0]}


PATCH_PROJECTION = Family(
    title="a projection of patches",
    generator=False,
    recognizes=lambda state: "mlp_0.0.weight" in state,
    read=_read_heads,
    build=PatchProjection,
    rename=_rename_heads,
)
