"""What a training has computed since it last wrote a line of its log."""

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor

from i2i.runs.checkpoint import Position


class LossLog:
    """Sums of loss terms on the device, read only when a record is due.

    They are a part of checkpoints, so that lines of a resumed training are those of one that nothing disturbed.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._since: Position | None = None
        self._seconds = self._waited = 0.0

    @classmethod
    def of(cls, state: Mapping[str, Any], device: torch.device) -> Self:
        """What `state` gave, the times left out; ValueError, TypeError or KeyError for anything else."""
        log = cls()
        for name, (total, count) in state.items():
            if not isinstance(name, str) or not isinstance(count, int) or count < 1 or total.shape != ():
                raise ValueError("its log does not hold sums of loss terms")
            log._sums[name], log._counts[name] = total.float().to(device), count
        return log

    def state(self) -> dict[str, tuple[Tensor, int]]:
        """Sums and numbers of terms by name, on the CPU."""
        return {name: (total.detach().cpu(), self._counts[name]) for name, total in self._sums.items()}

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Take in the terms of a step, [] each, float32; they may be written over afterwards."""
        known = [name for name in terms if name in self._sums]
        if known:
            torch._foreach_add_([self._sums[name] for name in known], [terms[name] for name in known])
        self._sums |= {name: term.clone() for name, term in terms.items() if name not in self._sums}
        for name in terms:
            self._counts[name] = self._counts.get(name, 0) + 1

    def flush(self) -> dict[str, float]:
        """Means since the last call."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums.clear()
        self._counts.clear()
        return means

    def add_time(self, seconds: float, waited: float) -> None:
        """Take in how long a step took, and how much of that it waited for its batch."""
        self._seconds += seconds
        self._waited += waited

    def data_share(self) -> float:
        """Share of the time since the last call that was spent waiting for batches."""
        share = self._waited / max(self._seconds, 1e-9)
        self._seconds = self._waited = 0.0
        return share

    def speed(self, position: Position) -> float:
        """Images per second since the last call."""
        images, seconds = position.images, position.seconds
        if self._since is not None and self._since.step < position.step:
            images, seconds = images - self._since.images, seconds - self._since.seconds
        self._since = position
        return images / max(seconds, 1e-9)
