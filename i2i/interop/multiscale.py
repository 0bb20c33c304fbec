"""The discriminators of MUNIT and UNIT, one for each resolution."""

import re
from collections.abc import Callable

from torch import nn

from i2i.interop.family import Family, StateDict, has_kernel, shape
from i2i.nn.multiscale import MultiscaleDiscriminator
from i2i.nn.patch_discriminator import reflecting_patchgan


def multiscale_patchgan(channels: int, width: int, layers: int, scales: int) -> MultiscaleDiscriminator:
    """As many discriminators as there are scales, each with reflected borders."""
    return MultiscaleDiscriminator(reflecting_patchgan(channels, width, layers) for _ in range(scales))


def _rename(network: nn.Module) -> Callable[[str], str]:
    """A trunk's layers and the head are one sequence."""
    layers = sum(1 for _ in network.get_submodule("scales.0.trunk").children())

    def rename(name: str) -> str:
        name = re.sub(r"^scales\.(\d+)\.trunk\.(\d+)\.1$", r"cnns.\1.\2.conv", name)
        return re.sub(r"^scales\.(\d+)\.patch_head$", rf"cnns.\1.{layers}", name)

    return rename


def _read(state: StateDict) -> dict[str, int]:
    width, channels, _, _ = shape(state, "cnns.0.0.conv.weight")
    layers = sum(bool(re.fullmatch(r"cnns\.0\.\d+\.conv\.weight", key)) for key in state)
    scales = {key.split(".")[1] for key in state}
    return {"channels": channels, "width": width, "layers": layers, "scales": len(scales)}


MULTISCALE_PATCHGAN = Family(
    title="a discriminator of several resolutions",
    generator=False,
    recognizes=lambda state: has_kernel(state, "cnns.0.0.conv.weight", 4),
    read=_read,
    build=multiscale_patchgan,
    rename=_rename,
)
