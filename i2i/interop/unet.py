"""U-Nets: the reference nests each level in the one around it."""

from collections.abc import Callable

from torch import nn

from i2i.errors import UserError
from i2i.interop.family import Family, StateDict, image_channels, read_norm, shape
from i2i.nn.unet import UNet

SHALLOWEST = 5


def _level(level: int) -> str:
    """Name of a level's sequence: the outermost holds the next at 1, all others at 3."""
    return "model.model." + "".join(f"{1 if outer == 0 else 3}.model." for outer in range(level))


def _rename(network: nn.Module) -> Callable[[str], str]:
    depth = sum(1 for _ in network.get_submodule("downs").children())

    def rename(name: str) -> str:
        side, number, layer, *rest = name.split(".")
        if side == "downs":
            return ".".join((f"{_level(int(number))}{layer}", *rest))
        level = depth - 1 - int(number)
        # Ahead of the way up: the convolution down and what is inside; between the ends also activation and norm.
        before = 2 if level in (0, depth - 1) else 4
        return ".".join((f"{_level(level)}{before + int(layer)}", *rest))

    return rename


def _read(state: StateDict) -> dict[str, object]:
    width, inputs, _, _ = shape(state, "model.model.0.weight")
    depth = 1
    while f"{_level(depth)}1.weight" in state:
        depth += 1
    if depth < SHALLOWEST:
        raise UserError(f"it is a U-Net of depth {depth}, and the reference's begin at {SHALLOWEST}")
    innermost = _level(depth - 1)
    return {
        "channels": image_channels(inputs, shape(state, "model.model.3.weight")[1]),
        "width": width,
        "depth": depth,
        "norm": read_norm(state, f"{innermost}3", f"{innermost}4"),
    }


UNET = Family(
    title="a U-Net",
    generator=True,
    recognizes=lambda state: "model.model.0.weight" in state,
    read=_read,
    build=UNet,
    rename=_rename,
)
