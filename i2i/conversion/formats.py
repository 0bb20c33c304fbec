"""Formats in which a trained translator leaves its run folder, by name."""

from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

from i2i.conversion.hub import export_hub, export_safetensors
from i2i.conversion.model_card import CardOptions
from i2i.conversion.onnx import export_onnx
from i2i.conversion.to_reference import export_reference
from i2i.errors import UserError, unknown
from i2i.utils.atomic_write import new_folder

Exporter = Callable[..., list[str]]
"""Takes the run folder, an empty folder to write into, and its options by keyword; returns lines for the user.

One that writes a model card takes `card_options`, whose fields are options of the format.
"""

CARD_OPTIONS = {field.name for field in fields(CardOptions)}

FORMATS: dict[str, Exporter] = {
    "onnx": export_onnx,
    "safetensors": export_safetensors,
    "hub": export_hub,
    "reference": export_reference,
}


def export(run: Path, name: str, out: Path, **options: Any) -> list[str]:
    """Write a run folder's translator into the new folder `out`, completely or not at all.

    Args:
        run: the run folder.
        name: the format, a key of `FORMATS`.
        out: a folder that does not exist yet or is empty.
        options: options of the format by name; those that are None count as not given.

    Raises:
        UserError: for an unknown format, an option that the format does not have, or a folder in use.
        ExportError: if the exported model does not do what the trained one does.
    """
    if name not in FORMATS:
        raise unknown("format", name, FORMATS)
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        _check_option(option, name)
    said = {option: given.pop(option) for option in CARD_OPTIONS & given.keys()}
    if said:
        given["card_options"] = CardOptions(**said)
    with new_folder(out) as partial:
        return FORMATS[name](run, partial, **given)


def _check_option(option: str, name: str) -> None:
    parameter = "card_options" if option in CARD_OPTIONS else option
    takers = [known for known, exporter in FORMATS.items() if parameter in signature(exporter).parameters]
    if name not in takers:
        raise UserError(
            f"--{option.replace('_', '-')} goes with --format {' or '.join(takers)}, not with {name}: leave it out"
        )
