"""What the ONNX files of a translator compute, with an input for all that it takes beside images.

A model that takes domains has a graph for each direction, and another where it also takes reference images; one that
takes labels has a single graph with the label vectors as an input. Noise is an input too, as many as the model draws,
each of the shape that it asks for. How many steps an iterative model takes is decided when it is exported.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from i2i.translator import Noise, Request, Task, Translator
from i2i.utils.joined_names import direction_name

IMAGES, LABELS, NOISE, REFERENCE, TRANSLATED = "images", "labels", "noise", "reference", "translated"

Inputs = dict[str, Tensor]
"""A graph's inputs by name, in order."""


@dataclass(frozen=True)
class Graph:
    """One file to write.

    Attributes:
        file: its name.
        module: what it computes; takes the inputs in order, images first.
        facts: what is particular to it, for its meta data.
        case: makes inputs of (batch, height, width) and what the translator itself gives for them.
        free: by input, the axes whose length the graph leaves open, with what they are called.
    """

    file: str
    module: nn.Module
    facts: Mapping[str, Any]
    case: Callable[[int, int, int], tuple[Inputs, Tensor]]
    free: Mapping[str, Mapping[int, str]]

    @property
    def dynamic(self) -> dict[str, object]:
        """The open axes as torch's exporter takes them, by the arguments of `module.forward`."""
        others = tuple(dict(axes) for name, axes in self.free.items() if name != IMAGES)
        return {"images": dict(self.free[IMAGES]), **({"others": others} if others else {})}


@dataclass(frozen=True)
class _ExportedDirection:
    """What a graph is asked for.

    Attributes:
        file: its name.
        direction: names of source and target; None where labels lead.
        referenced: whether it takes reference images.
        steps: of an iterative model; None: its own number.
    """

    file: str
    direction: tuple[str, str] | None
    referenced: bool = False
    steps: int | None = None

    def request(self, task: Task, noise: Noise, given: Mapping[str, Tensor]) -> Request:
        """The request for a batch."""
        source, target = map(task.index, self.direction) if self.direction else (None, None)
        return Request(source, target, noise, given.get(LABELS), given.get(REFERENCE), self.steps)


class _Recorded(Noise):
    """Noise that keeps what was drawn of it."""

    def __init__(self, seeds: Sequence[int]) -> None:
        super().__init__(seeds)
        self.drawn: list[Tensor] = []

    def normal(self, *shape: int) -> Tensor:
        self.drawn.append(super().normal(*shape))
        return self.drawn[-1]


class _Given(Noise):
    """Noise that was drawn before."""

    def __init__(self, drawn: Sequence[Tensor]) -> None:
        super().__init__(())
        self._drawn = iter(drawn)

    def normal(self, *shape: int) -> Tensor:
        return next(self._drawn)


class _Traced(nn.Module):
    """A translator as a function of tensors: images and the inputs `names` -> translated."""

    def __init__(self, translator: Translator, exported: _ExportedDirection, names: Sequence[str]) -> None:
        super().__init__()
        self.translator, self.exported, self.names = translator, exported, names

    def forward(self, images: Tensor, *others: Tensor) -> Tensor:
        given = dict(zip(self.names, others, strict=True))
        noise = _Given([tensor for name, tensor in given.items() if name.startswith(NOISE)])
        return self.translator.generate(images, self.exported.request(self.translator.task, noise, given))


@dataclass(frozen=True)
class _Cases:
    """Makes inputs of a graph, and what the translator gives for them."""

    translator: Translator
    exported: _ExportedDirection

    def __call__(self, batch: int, height: int, width: int) -> tuple[Inputs, Tensor]:
        inputs = self.inputs(batch, height, width)
        return inputs, self._translated(inputs)

    def inputs(self, *size: int) -> Inputs:
        """Images, labels, reference images and noise, where the graph has them."""
        task, (batch, height, width) = self.translator.task, size
        source, target = self.exported.direction or task.directions[0]
        given = {IMAGES: _random_images(task.channels_of(source), batch, height, width)}
        if "labels" in self.translator.takes:
            given[LABELS] = torch.stack([task.labels.vector(target) for target in self._targets(batch)])
        if self.exported.referenced:
            given[REFERENCE] = _random_images(task.channels_of(target), batch, *task.image_size, seed=batch + 100)
        return {**given, **self._noise(given)}

    def _noise(self, given: Inputs) -> Inputs:
        if "noise" not in self.translator.takes:
            return {}
        noise = _Recorded(range(len(given[IMAGES])))
        with torch.no_grad():
            self.translator.generate(given[IMAGES], self.exported.request(self.translator.task, noise, given))
        return {f"{NOISE}_{number}" if number > 1 else NOISE: drawn for number, drawn in enumerate(noise.drawn, 1)}

    def _targets(self, batch: int) -> list[str]:
        """Of a batch in which every image goes to another domain, as long as there are enough."""
        domains = self.translator.task.domains
        return [domains[number % len(domains)] for number in range(batch)]

    def _translated(self, inputs: Inputs) -> Tensor:
        images, translate = inputs[IMAGES], self.translator.translate
        seeds = list(range(len(images))) if "noise" in self.translator.takes else None
        if self.exported.direction:
            source, target = self.exported.direction
            reference, steps = inputs.get(REFERENCE), self.exported.steps
            return translate(images, source, target, seeds=seeds, reference=reference, sampling_steps=steps)
        alone = [
            translate(
                images[place : place + 1],
                None,
                target,
                [""],
                seeds=seeds and [seeds[place]],
                reference=inputs[REFERENCE][place : place + 1] if REFERENCE in inputs else None,
                sampling_steps=self.exported.steps,
            )
            for place, target in enumerate(self._targets(len(images)))
        ]
        return torch.cat(alone)


def graphs(translator: Translator, name: str, steps: int | None = None) -> list[Graph]:
    """The graphs of a translator, which is left as it is.

    Args:
        translator: what to export.
        name: of the file where there is one for all directions.
        steps: of an iterative model; None: its own number.
    """
    silent = _without_dropout(translator).eval()
    plain, _ = translator.exportable()
    plain.to(memory_format=torch.contiguous_format).eval()
    return [_graph(plain, silent, exported) for exported in _exported_directions(translator, name, steps)]


def _exported_directions(translator: Translator, name: str, steps: int | None) -> Iterator[_ExportedDirection]:
    directions = [None] if "labels" in translator.takes else list(translator.task.directions)
    for direction in directions:
        stem = direction_name(direction) if direction else name
        yield _ExportedDirection(f"{stem}.onnx", direction, False, steps)
        if "reference" in translator.takes:
            yield _ExportedDirection(f"{stem}.reference.onnx", direction, True, steps)


def _graph(plain: Translator, silent: Translator, exported: _ExportedDirection) -> Graph:
    cases = _Cases(silent, exported)
    inputs = cases.inputs(2, *silent.task.image_size)
    free = _free(cases, inputs)
    facts: dict[str, Any] = dict(zip(("source", "target"), exported.direction or (), strict=False))
    if inputs.keys() - {IMAGES, LABELS}:
        facts["inputs"] = {name: _shape(tensor, free[name]) for name, tensor in inputs.items()}
    if exported.steps is not None:
        facts["sampling_steps"] = exported.steps
    return Graph(exported.file, _Traced(plain, exported, list(inputs)[1:]), facts, cases, free)


def _shape(tensor: Tensor, axes: Mapping[int, str]) -> list[int | str]:
    return [axes.get(axis, length) for axis, length in enumerate(tensor.shape)]


def _free(cases: _Cases, inputs: Inputs) -> dict[str, dict[int, str]]:
    """The axes that another size of the images makes longer: of noise, too, that has the size of the images."""
    translator = cases.translator
    if translator.bound_to_size:
        return {name: {0: "batch"} for name in inputs}
    (height, width), multiple = translator.task.image_size, translator.multiple
    larger = cases.inputs(2, height + multiple, width + 2 * multiple)
    return {name: _longer(name, tensor, larger[name], larger[IMAGES]) for name, tensor in inputs.items()}


def _longer(name: str, tensor: Tensor, larger: Tensor, images: Tensor) -> dict[int, str]:
    called = {images.shape[2]: "height", images.shape[3]: "width"}
    axes = [axis for axis in range(1, tensor.ndim) if tensor.shape[axis] != larger.shape[axis]]
    return {0: "batch", **{axis: called.get(larger.shape[axis], f"{name}_{axis}") for axis in axes}}


def _without_dropout(translator: Translator) -> Translator:
    """A copy whose dropout drops nothing; all else translates as before."""
    silent = copy.deepcopy(translator)
    for module in silent.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
    return silent


def _random_images(channels: int, batch: int, height: int, width: int, seed: int | None = None) -> Tensor:
    generator = torch.Generator().manual_seed(batch if seed is None else seed)
    return torch.rand(batch, channels, height, width, generator=generator) * 2 - 1
