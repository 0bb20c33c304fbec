"""What a training does about a loss or gradient that is not finite: it stops, or returns to its newest checkpoint."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2i.errors import TrainingError
from i2i.runs.checkpoint import Checkpoint
from i2i.runs.folder import newest_checkpoint
from i2i.training.steps.finite_guard import Fault
from i2i.training.stops import left_in
from i2i.utils.text import option

MAX_ROLLBACKS = 3
"""How often a training with train.on_nan=rollback returns to a checkpoint before it stops."""


@dataclass(frozen=True)
class Rollback:
    """A return to an earlier step, from which training goes on with another order of the data.

    Attributes:
        number: its ordinal in this training, from 1.
        step: steps done at the checkpoint.
        fault: why.
    """

    number: int
    step: int
    fault: Fault

    def __str__(self) -> str:
        return f"{self.fault}: back to step {self.step} with another data order ({self.number} of {MAX_ROLLBACKS})"


class NotFinite(TrainingError):
    """A loss or gradient was not finite; `fault` holds the phase, the step and the terms."""

    def __init__(self, fault: Fault, run: Path, on_nan: str, rollbacks: int) -> None:
        self.fault = fault
        if on_nan == "stop":
            again = f"i2i train {option('--resume', run)} --on-nan rollback"
            tried, remedy = "", f"go on with {again}, or start again with"
        else:
            tried, remedy = f", after {rollbacks} rollbacks", "start again with"
        super().__init__(
            f"training stopped: {fault}{tried}; {left_in(run)} in {run}. To get further {remedy} "
            "a lower --set model.learning_rate or --set train.precision=fp32"
        )


def to_return_to(run: Path, on_nan: str, number: int) -> Checkpoint | None:
    """The checkpoint that rollback `number` returns to; None where training stops instead."""
    return newest_checkpoint(run) if on_nan == "rollback" and number <= MAX_ROLLBACKS else None


def seed_after(seed: int, rollbacks: int) -> int:
    """Seed of all that is drawn after so many rollbacks."""
    return int(np.random.SeedSequence([seed, rollbacks], spawn_key=(1,)).generate_state(1, np.uint64)[0])
