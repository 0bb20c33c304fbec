"""Networks fused by `torch.compile` while training, on a GPU."""

from collections.abc import Iterator
from importlib.util import find_spec

import torch
from torch import nn

from i2i.translator import Translator
from i2i.utils import console

COMPILER = "triton"
OPTIONS: dict[str, str | int | bool] = {"fallback_random": True, "force_layout_optimization": True}
"""What is drawn inside of a network, such as dropout, is drawn as in an eager step. Convolutions are computed in NHWC,
which the compiler by itself avoids where one has fewer outputs than inputs, as in every decoder."""


def can_compile(device: torch.device) -> bool:
    """Whether networks are compiled on that device; where a GPU has no compiler, this is said.

    On a CPU they are not: compiling takes minutes there, and steps were not faster.
    """
    if device.type != "cuda":
        return False
    if find_spec(COMPILER) is None:
        console.note(f"i2i: networks are not compiled (train.compile=auto), since {COMPILER} is not installed")
        return False
    return True


def compile_networks(translator: Translator) -> None:
    """Let a translator's generators be compiled when they are first called.

    Their parameters, their state and copies of them are as before.
    """
    for network in generators_of(translator):
        network.compile(dynamic=False, options=OPTIONS)


def generators_of(translator: Translator) -> Iterator[nn.Module]:
    """The networks that `generate` runs, those of a list or dictionary of networks one by one."""
    for name in translator.generators:
        network = translator.get_submodule(name)
        yield from network.children() if isinstance(network, nn.ModuleDict | nn.ModuleList) else (network,)
