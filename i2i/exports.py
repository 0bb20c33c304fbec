"""Formats in which a trained translator can be handed on."""

import os
from collections.abc import Callable
from pathlib import Path

import torch

from i2i.checkpoint import load_translator, require_checkpoint
from i2i.errors import UserError, refuse_file, unknown
from i2i.interop.family import Reference
from i2i.interop.weights import to_reference
from i2i.registry import name_of
from i2i.translator import Translator

Exporter = Callable[[Path, Path], list[Path]]
"""Writes the translator of a run folder into another folder; returns the files."""


def export_run(run: Path, form: str, out: Path) -> list[Path]:
    """Write the translator of a run folder into `out` in one of `FORMATS`; returns the files.

    Raises:
        UserError: for an unknown format, a folder that is no run, a translator that the format cannot express, or
            files that are there already. Then nothing has been written.
    """
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    refuse_file(out)
    return FORMATS[form](run, out)


def export_reference(run: Path, out: Path) -> list[Path]:
    """Write state dicts under the names, keys and shapes of the model's reference implementation.

    Networks that an import left without weights are not written.

    Raises:
        UserError: if there is no reference, or the reference does not have this model's settings.
    """
    checkpoint = require_checkpoint(run)
    translator, _ = load_translator(run)
    reference = translator.reference
    if reference is None:
        raise UserError(f"{name_of(type(translator))} of {run} has no reference implementation to export to")
    _check_settings(run, translator, reference)
    states = {}
    for name, part in reference.files.items():
        if part.network not in checkpoint.fresh:
            path = out / reference.file_name.format(network=name, step=checkpoint.position.step)
            try:
                states[path] = to_reference(part.family, translator.get_submodule(part.network))
            except UserError as error:
                raise UserError(f"{part.network} of {run} cannot be exported to the reference: {error}") from None
    for path in states:
        if path.exists():
            raise UserError(f"{path} is there already: choose another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    for path, state in states.items():
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        torch.save(state, partial)
        partial.replace(path)
    return list(states)


def _check_settings(run: Path, translator: Translator, reference: Reference) -> None:
    for name, values in reference.has.items():
        value = getattr(translator.config, name)
        if value not in values:
            raise UserError(
                f"{run} cannot be exported to the reference, which has no model.{name}={value}, "
                f"only {' or '.join(map(str, values))}"
            )


FORMATS: dict[str, Exporter] = {"reference": export_reference}
