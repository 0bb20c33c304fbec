"""Run folders of small networks with weights that make every layer matter, for tests of what is exported."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from i2i import registry
from i2i.config import merge
from i2i.labels import LabelSpace
from i2i.runs.checkpoint import Position
from i2i.runs.save import save_checkpoint
from i2i.training.setup import run_config
from i2i.translator import Task, Translator

SIDE = 64  # the least at which a U-Net has a level with dropout
Domains = tuple[str, ...] | LabelSpace


def make_run(
    run: Path,
    name: str,
    domains: Domains = ("dawn", "dusk"),
    ways: int | None = None,
    side: int = SIDE,
    formats: Mapping[str, object] | None = None,
    **model: Any,
) -> Translator:
    """A run folder whose model has random weights, norms and running statistics; returns the model.

    `formats` are `data.pixel_formats`, of data beyond 8-bit RGB.

    It has the first `ways` directions of its task, or all: each is a graph to export, which takes seconds.
    """
    cls = registry.get(name)
    data = {"image_size": side, "path": str(run / "sky"), **({"pixel_formats": formats} if formats else {})}
    settings = {"model": {**cls.test_settings, **model}, "data": data}
    config = run_config(name, merge(settings, {"train": {"images": 24}}))
    torch.manual_seed(1)
    task = Task.covering(cls.coverage, domains, (side, side), config.data.channels_of)
    translator = cls(config.model, replace(task, directions=task.directions[:ways]))
    for key, tensor in translator.state_dict().items():
        if tensor.is_floating_point():
            low, high = (0.5, 2.0) if key.endswith("running_var") else (-0.4, 0.4)
            tensor.uniform_(low, high)
    save_checkpoint(run, translator, config.settings(), Position(6, 6, 24, 1.5), {})
    return translator.eval()


def images(count: int, height: int = SIDE, width: int = SIDE, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, height, width, generator=generator) * 2 - 1
