"""State dicts under the names, keys and shapes of a model's reference implementation."""

from collections.abc import Mapping
from pathlib import Path

import torch

from i2i.errors import UserError
from i2i.interop.family import Reference, ReferenceFile, StateDict
from i2i.interop.renaming import to_reference
from i2i.registry import name_of
from i2i.runs.checkpoint import Weights
from i2i.runs.load import require_checkpoint, restore
from i2i.translator import Translator

OTHERS = "--format onnx, safetensors or hub"


def export_reference(run: Path, out: Path, weights: Weights | None = None) -> list[str]:
    """Write the reference's files into the empty folder `out`; returns their names.

    Networks that an import left without weights, and those that the settings do without, are not written.

    Args:
        run: the run folder.
        out: where to write.
        weights: those of the last step, or their moving average; None: those that the method translates with.

    Raises:
        UserError: if there is no reference, or the reference does not have this model's settings.
    """
    checkpoint = require_checkpoint(run)
    translator, _ = restore(checkpoint, weights=weights)
    reference = translator.reference
    if reference is None:
        name = name_of(type(translator))
        raise UserError(f"{name} of {run} has no reference implementation to export to: take {OTHERS}")
    _check_settings(run, translator, reference)
    present = {name for name, _ in translator.named_children()}.difference(checkpoint.fresh)
    states = {name: _state(run, translator, part) for name, part in reference.files.items() if part.network in present}
    files = _files(reference, states, checkpoint.position.step)
    for name, content in files.items():
        torch.save(content, out / name)
    return list(files)


def _state(run: Path, translator: Translator, part: ReferenceFile) -> StateDict:
    try:
        return to_reference(part.family, translator.get_submodule(part.network))
    except UserError as error:
        raise UserError(f"{part.network} of {run} cannot be exported to the reference: {error}") from None


def _files(reference: Reference, states: Mapping[str, StateDict], step: int) -> dict[str, Mapping[str, object]]:
    """What each file holds: a network or, in a bundle, networks by their names in it."""
    if not reference.bundles:
        return {reference.file_name.format(network=name, step=step): state for name, state in states.items()}
    files = {bundle.file_name.format(step=step): bundle.networks for bundle in reference.bundles if bundle.written}
    held = {
        file: {own: states[name] for own, name in networks.items() if name in states}
        for file, networks in files.items()
    }
    return {file: networks for file, networks in held.items() if networks}


def _check_settings(run: Path, translator: Translator, reference: Reference) -> None:
    for name, values in reference.has.items():
        value = getattr(translator.config, name)
        if value not in values:
            raise UserError(
                f"{run} cannot be exported to the reference, which has no model.{name}={value}, "
                f"only {' or '.join(map(str, values))}: take {OTHERS}"
            )
