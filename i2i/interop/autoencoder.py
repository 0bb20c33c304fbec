"""Auto-encoders of MUNIT and UNIT, which hold all networks of a domain but its discriminators."""

import re
from collections.abc import Callable

from torch import nn

from i2i.errors import UserError
from i2i.interop.family import STATISTICS, Family, StateDict, image_channels, shape
from i2i.nn.autoencoder import HALVINGS, Autoencoder, StyledAutoencoder

# From names of our modules to the reference's, one after the other.
RULES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^decoder\.mlp\.(\d+)\.0$", r"mlp.model.\1.fc"),
    (r"^decoder\.blocks\.(\d+)\.normed\.(\d)", r"dec.model.0.model.\1.model.\2"),
    (r"^decoder\.image\.(\d)", lambda found: f"dec.model.{int(found[1]) + 1}"),
    (r"^decoder", "dec.model"),
    (r"^encoder", "enc.model"),
    (r"^(content|style)", r"enc_\1.model"),
    (r"\.(\d+)\.body\.1$", r".model.\1.model.0.1"),
    (r"\.(\d+)\.body\.5$", r".model.\1.model.1.1"),
    (r"\.1$", ".conv"),
    (r"\.2$", ".norm"),
)


def _rename(network: nn.Module) -> Callable[[str], str]:
    def rename(name: str) -> str:
        for ours, theirs in RULES:
            name = re.sub(ours, theirs, name)
        return name

    return rename


def _read(state: StateDict, encoder: str) -> dict[str, int]:
    """What both kinds have: channels, width and residual blocks."""
    if f"{encoder}.model.{HALVINGS + 1}.model.0.model.0.conv.weight" not in state:
        raise UserError("its contents are not a quarter of the images' size, and i2i's are")
    width, inputs, _, _ = shape(state, f"{encoder}.model.0.conv.weight")
    outputs = shape(state, f"dec.model.{2 * HALVINGS + 1}.conv.weight")[0]
    blocks = {key.split(".")[4] for key in state if key.startswith(f"{encoder}.model.{HALVINGS + 1}.model.")}
    return {"channels": image_channels(inputs, outputs), "width": width, "blocks": len(blocks)}


def _read_styled(state: StateDict) -> dict[str, int]:
    mlp_width, style = state["mlp.model.0.fc.weight"].shape
    return {**_read(state, "enc_content"), "style": style, "mlp_width": mlp_width}


AUTOENCODER = Family(
    title="an auto-encoder without styles",
    generator=True,
    recognizes=lambda state: "enc.model.0.conv.weight" in state,
    read=lambda state: _read(state, "enc"),
    build=Autoencoder,
    rename=_rename,
)

STYLED_AUTOENCODER = Family(
    title="an auto-encoder with styles",
    generator=True,
    recognizes=lambda state: "mlp.model.0.fc.weight" in state,
    read=_read_styled,
    build=StyledAutoencoder,
    rename=_rename,
    tracked=lambda name: STATISTICS[:2] if name.startswith("decoder.blocks.") else (),
)
