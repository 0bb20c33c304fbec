"""The class of all callbacks, and the record that they get."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from i2i.runs.checkpoint import Position
from i2i.training.rollback import Rollback
from i2i.translator import Translator


@dataclass(frozen=True)
class Record:
    """What happened since the last record: a line of metrics.jsonl.

    Attributes:
        position: how far training is.
        images_per_second: real images per second.
        learning_rates: by optimizer.
        losses: means of the unweighted terms, named `phase/term`.
        data_share: share of the time that was spent waiting for batches.
    """

    position: Position
    images_per_second: float
    learning_rates: Mapping[str, float]
    losses: Mapping[str, float]
    data_share: float = 0.0


class Callback:
    """Follows a training run: a progress line, a metrics file, a tracker. By itself it does nothing."""

    def on_step(self, position: Position) -> None:
        """After every step."""

    def on_record(self, record: Record) -> None:
        """After every `log_every` steps."""

    def on_sample(self, translator: Translator, position: Position) -> None:
        """When a sample of the translations is due."""

    def on_rollback(self, rollback: Rollback) -> None:
        """After a return to an earlier step."""

    def on_checkpoint(self) -> None:
        """Before a checkpoint is written, which vouches for what callbacks have written up to its step."""


class EveryStep(Callback):
    """Calls a function after every step."""

    def __init__(self, function: Callable[[Position], None]) -> None:
        self._function = function

    def on_step(self, position: Position) -> None:
        """Call it."""
        self._function(position)
