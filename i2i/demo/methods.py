"""What can be tried on the page: trained translators, loaded when they are first used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from i2i import registry
from i2i.data.image_files.images import Preprocess
from i2i.errors import UserError
from i2i.runs.checkpoint import Checkpoint
from i2i.runs.load import chosen_weights, require_checkpoint, restore
from i2i.translator import Translator

KEPT = 4
"""Translators that stay loaded."""


@dataclass(frozen=True)
class Method:
    """A method of a bench, or a single run.

    Attributes:
        name: that the page shows.
        runs: run folders by direction.
    """

    name: str
    runs: Mapping[tuple[str, str], Path]

    @classmethod
    def of_run(cls, run: Path) -> "Method":
        """The one of a run folder; UserError if it has no checkpoint."""
        directions = require_checkpoint(run).task.directions
        return cls(run.absolute().name, dict.fromkeys(directions, run))

    @property
    def checkpoint(self) -> Checkpoint:
        """Of its first run."""
        return require_checkpoint(next(iter(self.runs.values())))


class Loader:
    """Gives the translator of a run folder; the last ones stay loaded. UserErrors are those of `restore`."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._kept = lru_cache(KEPT)(self._loaded)

    def __call__(self, run: Path) -> tuple[Translator, Preprocess]:
        """The translator, and how images are prepared for it."""
        return self._kept(run)

    def _loaded(self, run: Path) -> tuple[Translator, Preprocess]:
        checkpoint = require_checkpoint(run)
        return restore(checkpoint, self.device, chosen_weights(checkpoint))


def domains_of(methods: Sequence[Method], place: int) -> list[str]:
    """All sources (place 0) or targets (1) of some methods, each once."""
    return list(dict.fromkeys(direction[place] for method in methods for direction in method.runs))


def named(methods: Sequence[Method], names: Sequence[str]) -> list[Method]:
    """Those of these names; UserError without any."""
    found = [method for method in methods if method.name in names]
    if not found:
        raise UserError("choose at least one model")
    return found


def native(methods: Sequence[Method]) -> bool:
    """Whether they take values as files hold them, and not as 8 bits."""
    return any(method.checkpoint.preprocess.formats for method in methods)


def takes_of(methods: Sequence[Method]) -> frozenset[str]:
    """What at least one of the methods takes besides images and domains; their classes are asked."""
    return frozenset(
        name for method in methods for name in registry.get(method.checkpoint.settings["model"]["name"]).takes
    )
