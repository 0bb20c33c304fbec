"""PatchGANs of pix2pix and CycleGAN, down to the one that classifies pixels."""

import re
from collections.abc import Callable

from torch import nn

from i2i.interop.family import Family, StateDict, has_filters, has_kernel, read_norm, shape
from i2i.nn.patch_discriminator import patchgan


def _is_pixelwise(state: StateDict) -> bool:
    return has_kernel(state, "net.0.weight", 1)


def _is_patchgan(state: StateDict) -> bool:
    return _is_pixelwise(state) or (has_kernel(state, "model.0.weight", 4) and not has_filters(state))


def _rename(network: nn.Module) -> Callable[[str], str]:
    """One sequence, of which the patch head is the last layer."""
    layers = "net" if network.get_parameter("patch_head.weight").shape[-1] == 1 else "model"
    last = sum(1 for _ in network.get_submodule("trunk").children())

    def rename(name: str) -> str:
        return name.replace("trunk.", f"{layers}.", 1).replace("patch_head", f"{layers}.{last}", 1)

    return rename


def _read(state: StateDict) -> dict[str, object]:
    layers = "net" if _is_pixelwise(state) else "model"
    width, channels, _, _ = shape(state, f"{layers}.0.weight")
    convolutions = [key for key in state if re.fullmatch(r"model\.\d+\.weight", key) and state[key].ndim == 4]
    return {
        "channels": channels,
        "width": width,
        "layers": max(len(convolutions) - 2, 0),  # the first and the last are none of the paper's
        "norm": read_norm(state, f"{layers}.2", f"{layers}.3"),
    }


PATCHGAN = Family(
    title="a PatchGAN",
    generator=False,
    recognizes=lambda state: (
        _is_pixelwise(state) or (has_kernel(state, "model.0.weight", 4) and not has_filters(state))
    ),
    read=_read,
    build=patchgan,
    rename=_rename,
)
