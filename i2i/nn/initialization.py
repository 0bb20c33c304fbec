"""Weight initialisation of the published translators."""

from typing import Literal, TypeVar

from torch import nn

from i2i.nn.resampling import PixelShuffleUp

Network = TypeVar("Network", bound=nn.Module)
Initialization = Literal["normal", "xavier", "kaiming", "weights", "default"]


def initialize(network: Network, kind: Initialization = "normal", gain: float = 0.02) -> Network:
    """Initialise every convolution and norm of `network` in place and return it.

    `normal`: weights N(0, gain^2), biases 0, norm gains N(1, gain^2) (pix2pix and CycleGAN, appendix);
    `xavier`: Glorot normal with the same gain; `kaiming`: N(0, 2 / inputs of an output), norms left as they are
    (MUNIT); `weights`: N(0, gain^2), biases and norms left as they are (BBDM); `default`: PyTorch's own (StarGAN).
    Sub-pixel convolutions start without checkerboards. On the meta device there are no values to initialise.
    """
    if kind == "default" or any(parameter.is_meta for parameter in network.parameters()):
        return network
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            _initialize_weight(module, kind, gain)
        elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d) and module.affine and kind in ("normal", "xavier"):
            nn.init.normal_(module.weight, 1.0, gain)
            nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, PixelShuffleUp):
            module.equalize()
    return network


def _initialize_weight(module: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, kind: Initialization, gain: float) -> None:
    if kind in ("normal", "weights"):
        nn.init.normal_(module.weight, 0.0, gain)
    elif kind == "xavier":
        nn.init.xavier_normal_(module.weight, gain)
    else:
        nn.init.kaiming_normal_(module.weight)
    if module.bias is not None and kind != "weights":
        nn.init.zeros_(module.bias)
