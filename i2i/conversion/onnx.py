"""Translators as ONNX graphs of any batch, height and width, compared with PyTorch before they are kept.

`graphs.py` has what they compute. What a graph cannot do as the model does, such as dropout that stays on, the model
says itself (`Translator.exportable`).
"""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i._version import __version__
from i2i.conversion.model_card import NO_OPTIONS, CardOptions, Facts, card, facts_of, license_note, read_scores
from i2i.conversion.onnx_graphs import IMAGES, LABELS, NOISE, TRANSLATED, Graph, Inputs, graphs
from i2i.errors import ExportError, UserError
from i2i.runs.checkpoint import Weights
from i2i.runs.load import chosen_weights, require_checkpoint, restore
from i2i.translator import Task, Translator
from i2i.utils import console
from i2i.utils.atomic_write import write_text
from i2i.utils.text import code, fenced, prose

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
LIMIT = 1e-3
BATCHES = (1, 3, 2)
DESCRIPTION, CARD = "translator.json", "README.md"


def export_onnx(
    run: Path,
    out: Path,
    opset: int | None = None,
    card_options: CardOptions = NO_OPTIONS,
    weights: Weights | None = None,
    sampling_steps: int | None = None,
) -> list[str]:
    """Write a run folder's translator as ONNX into the empty folder `out`, with a description and a model card.

    Args:
        run: the run folder.
        out: where to write.
        opset: version of ONNX's operators; None: the exporter's default.
        card_options: licence and scores for the card.
        weights: those of the last step, or their moving average; None: those that the method translates with.
        sampling_steps: that the graphs of an iterative model take; None: its own number.

    Returns:
        Lines for the user, with the largest difference from PyTorch for each file.

    Raises:
        UserError: if packages are missing, or the opset does not exist or cannot be written or run.
        ExportError: if a graph gives other values than PyTorch.
    """
    checkpoint = require_checkpoint(run)
    _require_packages()
    _check_opset(opset)
    weights = chosen_weights(checkpoint, weights)
    facts = facts_of(checkpoint, weights)
    rows = read_scores(card_options, facts)
    translator, _ = restore(checkpoint, weights=weights)
    if sampling_steps is not None:
        translator.check_sampling_steps(sampling_steps)
    (_, notes), lines, files = translator.exportable(), [], {}
    description = _describe(translator, facts, notes)
    if "sampling_steps" in translator.takes:
        console.note(
            "i2i: a graph writes out every sampling step, which takes seconds each; --sampling-steps says how many"
        )
    for graph in graphs(translator, str(facts["settings"]["model"]["name"]), sampling_steps):
        path = out / graph.file
        written = _write(path, graph, translator, opset, {**description, **graph.facts})
        difference = largest_difference(path, graph, translator)
        files[graph.file] = {**graph.facts, "opset": written, "largest_difference": difference}
        size = path.stat().st_size / 1e6
        lines.append(f"{graph.file}: opset {written}, {size:,.1f} MB, differs from PyTorch by at most {difference:.1e}")
    write_text(out / DESCRIPTION, json.dumps({**description, "files": files}, indent=1, ensure_ascii=False) + "\n")
    text = card(facts, card_options, rows, _use(files, translator, notes))
    write_text(out / CARD, text)
    return [*lines, *notes, *license_note(card_options)]


def _require_packages() -> None:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UserError(f"the ONNX export needs {', '.join(missing)}: pip install 'i2i[onnx]'")


def _check_opset(opset: int | None) -> None:
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if opset is not None and not 1 <= opset <= newest:
        raise UserError(f"--opset {opset} does not exist: onnx {version('onnx')} knows 1 to {newest}")


def _write(path: Path, graph: Graph, translator: Translator, opset: int | None, facts: Mapping[str, object]) -> int:
    """Export to `path`; returns the opset that the file has."""
    inputs, _ = graph.case(2, *translator.task.image_size)
    with _quiet():
        try:
            program = torch.onnx.export(
                graph.module,
                tuple(inputs.values()),
                input_names=list(inputs),
                output_names=[TRANSLATED],
                dynamic_shapes=graph.dynamic,
                opset_version=opset,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            raise ExportError(f"torch cannot export {graph.file}: {str(error).strip().splitlines()[-1]}") from None
    assert program is not None
    written = program.model.opset_imports[""]
    if opset is not None and written != opset:
        raise UserError(
            f"torch writes {graph.file} with opset {written} and not {opset}: use --opset {written} or later"
        )
    program.model.metadata_props.update({key: _text(value) for key, value in facts.items()})
    program.save(path, external_data=False)
    return int(written)


def largest_difference(path: Path, graph: Graph, translator: Translator) -> float:
    """Largest absolute difference between the file in onnxruntime and PyTorch, over sizes and batches.

    Raises:
        ExportError: if it is above `LIMIT` anywhere.
    """
    height, width = translator.task.image_size
    multiple = 0 if translator.bound_to_size else translator.multiple
    sizes = ((height, width), (height + multiple, width), (height, width + 2 * multiple))
    session, largest = _Session(path), 0.0
    for batch, size in zip(BATCHES, sizes, strict=True):
        inputs, expected = graph.case(batch, *size)
        if not bool(expected.isfinite().all()):
            raise ExportError(
                f"the model itself gives values that are not finite for {size[0]}x{size[1]} px: train again"
            )
        difference = float((session.run(inputs) - expected).abs().max())
        if not difference <= LIMIT:  # also nan
            raise ExportError(
                f"{path.name} differs from PyTorch by {difference:.2g} for {batch} images of "
                f"{size[0]}x{size[1]} px, and {LIMIT:g} is allowed: nothing is exported"
            )
        largest = max(largest, difference)
    return largest


class _Session:
    """An ONNX file in onnxruntime, on the CPU."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        self._path = path
        try:
            self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no class in common
            raise UserError(
                f"onnxruntime {version('onnxruntime')} cannot run {path.name} ({_first_line(error)}): "
                "choose a lower --opset"
            ) from None

    def run(self, inputs: Inputs) -> Tensor:
        try:
            outputs = self._session.run([TRANSLATED], {name: tensor.numpy() for name, tensor in inputs.items()})
        except Exception as error:
            shapes = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in inputs.items())
            raise ExportError(f"{self._path.name} does not run with {shapes}: {_first_line(error)}") from None
        return torch.from_numpy(outputs[0])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter reports its progress and its versions' deprecations; what users need comes as an error."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _describe(translator: Translator, facts: Facts, notes: Sequence[str]) -> dict[str, object]:
    """What a program must know to use the files; also the meta data inside them."""
    task = translator.task
    return {
        "i2i": __version__,
        "model": facts["settings"]["model"]["name"],
        "domains": task.domains,
        "directions": task.directions,
        "channels": dict(task.unlike) or task.channels,
        "image_size": task.image_size,
        "multiple": translator.multiple,
        "value_range": [-1, 1],
        **(_describe_labels(task) if "labels" in translator.takes else {}),
        "notes": notes,
    }


def _describe_labels(task: Task) -> dict[str, object]:
    """The columns of the label vector, and the vector of an image that has nothing but one domain."""
    space = task.labels
    columns = [one.prefix + column for one in space.sets for column in one.columns]
    masks = [f"{one.name} (mask)" for one in space.sets] if len(space.sets) > 1 else []
    return {
        "label_columns": [*columns, *masks],
        "labels": {domain: space.vector(domain).tolist() for domain in task.domains},
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sizes(translator: Translator) -> str:
    height, width = translator.task.image_size
    if translator.bound_to_size:
        return f"Height and width must be {height} and {width}."
    return f"Height and width may be any multiples of {translator.multiple}."


def _drawn(name: str) -> str:
    return "normal" if name.startswith(NOISE) else "uniform"


def _one(shape: Sequence[int | str], task: Task) -> tuple[int, ...]:
    """The lengths of an input for a single image of the size of the training."""
    known: dict[int | str, int] = {"batch": 1, "height": task.image_size[0], "width": task.image_size[1]}
    return tuple(known.get(length, 1) if isinstance(length, str) else length for length in shape)


def _use(files: Mapping[str, Mapping[str, Any]], translator: Translator, notes: Sequence[str]) -> str:
    task = translator.task
    file, (height, width) = next(iter(files)), task.image_size
    channels = task.channels_of(task.directions[0][0])
    labels = task.labels.vector(task.directions[0][1]).tolist() if "labels" in translator.takes else None
    named = f', "{LABELS}": np.array([{labels}], np.float32)' if labels else ""
    named += "".join(
        f', "{name}": np.random.{_drawn(name)}(size={_one(shape, task)}).astype(np.float32)'
        for name, shape in files[file].get("inputs", {}).items()
        if name not in (IMAGES, LABELS)
    )
    table = [
        f"- {code(name)}: largest difference from PyTorch {own['largest_difference']:.1e}"
        for name, own in files.items()
    ]
    return "\n".join(
        [
            fenced(
                f"""import numpy as np
import onnxruntime

images = np.random.uniform(-1, 1, (1, {channels}, {height}, {width})).astype(np.float32)  # your images
session = onnxruntime.InferenceSession({file!r})
(translated,) = session.run(None, {{"{IMAGES}": images{named}}})""",
                "python",
            ),
            f"""
{_sizes(translator)} `{DESCRIPTION}` describes the files for programs.
""",
            *table,
            *(f"- {prose(note)}" for note in notes),
        ]
    )
