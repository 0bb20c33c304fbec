"""Notices the first loss or gradient that is not finite, without a transfer per step, and lets no optimizer use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Fault:
    """The first phase that was not finite: its name, the step counted from 0, and its terms."""

    phase: str
    step: int
    terms: Mapping[str, float]

    def __str__(self) -> str:
        return f"phase {self.phase!r} of step {self.step + 1} was not finite ({self.terms_text()})"

    def terms_text(self) -> str:
        """The terms as `name value`, separated by commas."""
        return ", ".join(f"{name} {value:.4g}" for name, value in self.terms.items())


class FiniteGuard:
    """Remembers on the device whether anything was not finite, and what came first.

    `check` returns a flag for a fused optimizer's `found_inf`. Once it is 1 it stays 1, so from the faulty
    phase on no optimizer steps, however late the host looks at `fault`. All it remembers stays where it is on the
    device, so that a captured step can write it again and again.
    """

    def __init__(self, device: torch.device) -> None:
        self._found = torch.zeros((), dtype=torch.float32, device=device)  # as fused Adam takes it
        self._step = torch.zeros((), dtype=torch.int64, device=device)
        self._first: dict[str, _First] = {}

    def at(self, step: int) -> None:
        """Say which step the next checks are of, counted from 0."""
        self._step.fill_(step)

    def check(self, phase: str, terms: Mapping[str, Tensor], gradients: Sequence[Tensor | None]) -> Tensor:
        """Flag [] float: 1 if this or an earlier phase had a term or a gradient that is not finite."""
        values = torch.stack(list(terms.values()))
        norms = torch.stack(torch._foreach_norm([g for g in gradients if g is not None]))
        bad = ~(values.isfinite().all() & norms.isfinite().all())
        if phase not in self._first:
            self._first[phase] = _First(tuple(terms), torch.full_like(self._step, -1), torch.zeros_like(values))
        self._first[phase].remember(bad & (self._found == 0), self._step, values)
        torch.maximum(self._found, bad.float(), out=self._found)
        return self._found

    @property
    def found(self) -> Tensor:
        """Flag [] float: 1 from the first check on that found something."""
        return self._found

    def fault(self) -> Fault | None:
        """What went wrong first, or None; waits for the device."""
        if not bool(self._found):
            return None
        for phase, first in self._first.items():
            if int(first.step) >= 0:
                return Fault(phase, int(first.step), dict(zip(first.names, first.values.tolist(), strict=True)))
        return None


@dataclass(frozen=True)
class _First:
    """The step, -1 for none, and terms of a phase's first fault, on the device."""

    names: tuple[str, ...]
    step: Tensor
    values: Tensor

    def remember(self, here: Tensor, step: Tensor, values: Tensor) -> None:
        """Keep step and values where `here` is true, and what was kept before elsewhere."""
        self.step.copy_(torch.where(here, step, self.step))
        self.values.copy_(torch.where(here, values, self.values))
