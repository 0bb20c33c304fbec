"""How learning rates change over a training: each schedule is a factor on the rates of all optimizers.

Elapsed and total are whole numbers: of steps or, where a training ends after a time, of microseconds.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

ROUNDING = 1e-9  # below which two moments of a training are one


class Schedule(ABC):
    """A function of the share of the training budget that has elapsed."""

    @abstractmethod
    def factor(self, elapsed: int, total: int) -> float:
        """Factor on the learning rate after `elapsed` of `total`, elapsed below total."""


@dataclass(frozen=True)
class LinearDecay(Schedule):
    """1, then from the share `start` of the budget on linearly towards 0; with a start of 1 a constant."""

    start: float = 0.5

    def factor(self, elapsed: int, total: int) -> float:
        start = int(self.start * total)
        if elapsed < start or total == start:
            return 1.0
        return 1.0 - (elapsed - start) / (total - start)


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Times `gamma` whenever another share `every` of the budget has elapsed."""

    every: float
    gamma: float = 0.5

    def factor(self, elapsed: int, total: int) -> float:
        return float(self.gamma ** math.floor(elapsed / (self.every * total) + ROUNDING))


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """From 1 along half a cosine to `floor` (Loshchilov and Hutter 2017, equation 5, without restarts)."""

    floor: float = 0.0

    def factor(self, elapsed: int, total: int) -> float:
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * elapsed / total)) / 2
