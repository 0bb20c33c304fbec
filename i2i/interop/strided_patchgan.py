"""The discriminator of StarGAN, with a patch head and a class head."""

import re
from collections.abc import Callable

from torch import nn

from i2i.errors import UserError
from i2i.interop.family import Family, StateDict, has_kernel, shape
from i2i.nn.patch_discriminator import PatchDiscriminator, strided_patchgan


def _rename(network: nn.Module) -> Callable[[str], str]:
    def rename(name: str) -> str:
        if name.startswith("trunk."):
            _, layer, part, *rest = name.split(".")
            return ".".join((f"main.{2 * int(layer) + int(part)}", *rest))
        return name.replace("patch_head", "conv1", 1).replace("class_head", "conv2", 1)

    return rename


def _read(state: StateDict) -> dict[str, int]:
    width, channels, _, _ = shape(state, "main.0.weight")
    layers = sum(bool(re.fullmatch(r"main\.\d+\.weight", key)) for key in state)
    classes, _, height, width_left = shape(state, "conv2.weight")
    if height != width_left:
        raise UserError(f"its class head covers {height}x{width_left} fields, and the reference has square images")
    return {
        "channels": channels,
        "width": width,
        "layers": layers,
        "classes": classes,
        "image_size": height * 2**layers,
    }


def _build(image_size: int, **arguments: int) -> PatchDiscriminator:
    return strided_patchgan(image_size=(image_size, image_size), **arguments)


STRIDED_PATCHGAN = Family(
    title="a discriminator with a class head",
    generator=False,
    recognizes=lambda state: has_kernel(state, "main.0.weight", 4),
    read=_read,
    build=_build,
    rename=_rename,
)
