"""The four networks of StarGAN v2."""

import re
from collections.abc import Callable

from torch import nn

from i2i.errors import UserError
from i2i.interop.family import Family, StateDict, has_kernel, image_channels, shape
from i2i.nn.domain_heads import DomainDiscriminator, MappingNetwork, StyleEncoder
from i2i.nn.styled_resnet import StyledResnet

LAPLACIAN_CENTER = 8.0


def _count(state: StateDict, pattern: str) -> int:
    """How many numbers stand in the place of the pattern's group."""
    return len({found[1] for key in state if (found := re.match(pattern, key))})


def _widest(state: StateDict, prefix: str) -> int:
    """Output channels of the widest block; the last one's, since widths never fall."""
    blocks = [key for key in state if re.fullmatch(rf"{prefix}\.\d+\.conv2\.weight", key)]
    return max((shape(state, key)[0] for key in blocks), default=shape(state, f"{prefix}.0.weight")[0])


def _matrix(state: StateDict, key: str) -> tuple[int, int]:
    """Outputs and inputs of a linear layer."""
    if key not in state or state[key].ndim != 2:
        raise UserError(f"it lacks {key}")
    outputs, inputs = state[key].shape
    return outputs, inputs


def _rename_generator(network: nn.Module) -> Callable[[str], str]:
    names = {"from_image": "from_rgb", "encoder": "encode", "decoder": "decode", "to_image": "to_rgb"}

    def rename(name: str) -> str:
        first, *rest = name.split(".")
        return ".".join((names.get(first, "hpf"), *rest)).replace(".shortcut", ".conv1x1").replace(".affine", ".fc")

    return rename


def _read_generator(state: StateDict) -> dict[str, object]:
    width, inputs, _, _ = shape(state, "from_rgb.weight")
    blocks = _count(state, r"encode\.(\d+)\.")
    center = state["hpf.filter"].flatten()[4] if "hpf.filter" in state else None
    return {
        "channels": image_channels(inputs, shape(state, "to_rgb.2.weight")[0]),
        "width": width,
        "widest": max(shape(state, f"encode.{block}.conv2.weight")[0] for block in range(blocks)),
        "halvings": blocks - 2,
        "style": _matrix(state, "decode.0.norm1.fc.weight")[1],
        "high_pass": 0.0 if center is None else LAPLACIAN_CENTER / float(center),
    }


GENERATOR = Family(
    title="a generator with styles",
    generator=True,
    recognizes=lambda state: "from_rgb.weight" in state and "decode.0.norm1.fc.weight" in state,
    read=_read_generator,
    build=StyledResnet,
    rename=_rename_generator,
)


def _read_mapping(state: StateDict) -> dict[str, int]:
    hidden, latent = _matrix(state, "shared.0.weight")
    return {
        "latent": latent,
        "hidden": hidden,
        "style": _matrix(state, "unshared.0.6.weight")[0],
        "domains": _count(state, r"unshared\.(\d+)\."),
    }


MAPPING = Family(
    title="a mapping network",
    generator=False,
    recognizes=lambda state: "unshared.0.6.weight" in state,
    read=_read_mapping,
    build=MappingNetwork,
    rename=lambda network: lambda name: name.replace("heads.", "unshared.", 1),
)


def _read_trunk(state: StateDict, prefix: str) -> dict[str, int]:
    width, channels, _, _ = shape(state, f"{prefix}.0.weight")
    halvings = _count(state, rf"{prefix}\.(\d+)\.conv1\.")
    widest = _widest(state, prefix)
    return {"channels": channels, "width": width, "widest": widest, "halvings": halvings, "image_size": 4 * 2**halvings}


def _rename_trunk(trunk: str, head: Callable[[int], str]) -> Callable[[nn.Module], Callable[[str], str]]:
    """The reference's names, where `head` is that of what follows so many layers of the trunk."""

    def renaming(network: nn.Module) -> Callable[[str], str]:
        following = head(sum(1 for _ in network.get_submodule("trunk").children()))

        def rename(name: str) -> str:
            first, *rest = name.split(".")
            own = trunk if first == "trunk" else following
            return ".".join((own, *rest)).replace(".shortcut", ".conv1x1")

        return rename

    return renaming


def _read_encoder(state: StateDict) -> dict[str, int]:
    style, _ = _matrix(state, "unshared.0.weight")
    return _read_trunk(state, "shared") | {"style": style, "domains": _count(state, r"unshared\.(\d+)\.")}


def _build_encoder(image_size: int, **arguments: int) -> StyleEncoder:
    return StyleEncoder(**arguments)


ENCODER = Family(
    title="a style encoder",
    generator=False,
    recognizes=lambda state: "unshared.0.weight" in state and has_kernel(state, "shared.0.weight", 3),
    read=_read_encoder,
    build=_build_encoder,
    rename=_rename_trunk("shared", lambda layers: "unshared"),
)


def _read_discriminator(state: StateDict) -> dict[str, int]:
    inferred = _read_trunk(state, "main")
    return inferred | {"domains": shape(state, f"main.{inferred['halvings'] + 4}.weight")[0]}


def _build_discriminator(image_size: int, **arguments: int) -> DomainDiscriminator:
    return DomainDiscriminator(**arguments)


DISCRIMINATOR = Family(
    title="a discriminator of domains",
    generator=False,
    recognizes=lambda state: has_kernel(state, "main.0.weight", 3) and "main.1.conv1.weight" in state,
    read=_read_discriminator,
    build=_build_discriminator,
    rename=_rename_trunk("main", lambda layers: f"main.{layers}"),
)
