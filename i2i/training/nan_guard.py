"""Stops a training at the first loss or gradient that is not finite, without a transfer per step."""

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

    `check` returns a flag for a fused optimiser's `found_inf`. Once it is 1 it stays 1, so from the faulty
    phase on no optimiser steps, however late the host looks at `fault`.
    """

    def __init__(self, device: torch.device) -> None:
        self._found = torch.zeros((), device=device)
        self._first: list[tuple[str, Tensor, tuple[str, ...], Tensor]] = []
        self._seen: dict[str, int] = {}

    def check(self, phase: str, step: int, terms: Mapping[str, Tensor], gradients: Sequence[Tensor | None]) -> Tensor:
        """Flag [] float: 1 if this or an earlier phase had a term or a gradient that is not finite."""
        values = torch.stack(list(terms.values()))
        norms = torch.stack(torch._foreach_norm([g for g in gradients if g is not None]))
        bad = ~(values.isfinite().all() & norms.isfinite().all())
        first = bad & (self._found == 0)
        self._remember(phase, step, tuple(terms), values, first)
        self._found = torch.maximum(self._found, bad.float())
        return self._found

    @property
    def found(self) -> Tensor:
        """Flag [] float: 1 from the first check on that found something."""
        return self._found

    def fault(self) -> Fault | None:
        """What went wrong first, or None; waits for the device."""
        if not bool(self._found):
            return None
        for phase, step, names, values in self._first:
            if int(step) >= 0:
                return Fault(phase, int(step), dict(zip(names, values.tolist(), strict=True)))
        return None

    def _remember(self, phase: str, step: int, names: tuple[str, ...], values: Tensor, first: Tensor) -> None:
        """Keep the phase's step and terms where `first` is true, and what was kept before elsewhere."""
        if phase not in self._seen:
            self._seen[phase] = len(self._first)
            nothing = torch.full((), -1, device=values.device)
            self._first.append((phase, nothing, names, torch.zeros_like(values)))
        place = self._seen[phase]
        _, kept_step, _, kept_values = self._first[place]
        now = torch.full_like(kept_step, step)
        self._first[place] = (
            phase,
            torch.where(first, now, kept_step),
            names,
            torch.where(first, values, kept_values),
        )
