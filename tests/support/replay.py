"""Trains a translator on the batches, weights and draws of a reference implementation, and compares what comes out."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, drawn_losses, training_step
from i2i.translator import Step, Translator
from tests.support import reference

LEAST_TERM = 1e-3  # below which differences of a loss term are relative to this
LEAST_GRADIENT = 1e-5  # the same for norms of gradients, as a share of the network's

Terms = Mapping[str, float]
Rename = Callable[[str], str]


@dataclass
class Replay:
    """What a training gave.

    Attributes:
        before: terms `phase/term` of the first batch with all networks at their first weights.
        steps: terms logged in each step.
        gradients: by phase and name of the parameter, norms in the first step; what a phase does not step is absent.
        start: parameters before the first step, by name.
        changes: their changes in the first step.
    """

    before: Terms
    steps: list[Terms] = field(default_factory=list)
    gradients: dict[str, dict[str, float]] = field(default_factory=dict)
    start: dict[str, Tensor] = field(default_factory=dict)
    changes: dict[str, Tensor] = field(default_factory=dict)


def replay(
    translator: Translator,
    batches: Sequence[Any],
    draws: Sequence[Mapping[str, Tensor]] | None = None,
    after: Callable[[int], None] = lambda step: None,
    progress: Sequence[float] | None = None,
) -> Replay:
    """Train `translator`, whose weights are the reference's, on batches and, by their names in the step, draws.

    Args:
        translator: left with its weights of after the last step.
        batches: one for each step.
        draws: what takes the place of random draws in each step.
        after: called with the index of a step once that is done.
        progress: of the training, in each step; None: 0.
    """
    draws = draws or [{} for _ in batches]
    translator.train()
    outcome = Replay(_before(deepcopy(translator), batches[0], draws[0]))
    outcome.start = {name: value.detach().clone() for name, value in translator.named_parameters()}
    optimizers, guard = build_optimizers(translator), _Recorder(translator)
    for index, (batch, fixed) in enumerate(zip(batches, draws, strict=True)):
        at = progress[index] if progress else 0.0
        terms = training_step(translator, optimizers, [batch], index, guard, fixed=[fixed], progress=at)
        outcome.steps.append({name: float(term) for name, term in terms.items()})
        if index == 0:
            outcome.gradients = guard.gradients
            outcome.changes = {name: value.detach() - outcome.start[name] for name, value in guard.parameters()}
            guard.recording = False
        after(index)
    assert guard.fault() is None
    return outcome


def assert_terms(name: str, outcome: Replay, translated: Callable[[Terms], Terms]) -> None:
    """Terms before any update and in every step are the reference's.

    Args:
        name: of the fixture.
        outcome: of the replay.
        translated: our terms `phase/term` of one step as the reference names and weights them, where it nests by
            `outer/inner`, in lists by `outer/0`.
    """
    results, tolerances = reference.settings(name)["results"], reference.settings(name)["tolerance_relative"]
    for key, ours, theirs in (
        ("before_any_update", outcome.before, results["before_any_update"]),
        *((f"steps/{index}", *pair) for index, pair in enumerate(zip(outcome.steps, results["steps"], strict=True))),
    ):
        expected, found = _flat(theirs), translated(ours)
        assert found.keys() == expected.keys(), f"{sorted(found.keys() ^ expected.keys())} in {key}"
        for term, value in expected.items():
            allowed = tolerances[key] * max(abs(value), LEAST_TERM)
            assert found[term] == pytest.approx(value, rel=0, abs=allowed), f"{term} in {key}"


def assert_gradients(name: str, outcome: Replay, key: str, phase: str, network: str, rename: Rename) -> None:
    """Norms of a network's gradients in the first step are the reference's, parameter by parameter.

    Args:
        name: of the fixture.
        outcome: of the replay.
        key: the network's in the fixture's `gradient_norms_in_first_step`.
        phase: of ours in which it takes the step.
        network: attribute of the translator.
        rename: from names of parameters within our network to the reference's.
    """
    settings = reference.settings(name)
    stored = settings["results"]["gradient_norms_in_first_step"][key]
    tolerance = settings["tolerance_relative"][f"gradient_norms_in_first_step/{key}"]
    least = LEAST_GRADIENT * stored["total"]
    ours = {
        rename(own.removeprefix(f"{network}.")): norm
        for own, norm in outcome.gradients[phase].items()
        if own.startswith(f"{network}.")
    }
    theirs = {own: value for own, value in stored["by_parameter"].items() if value is not None or ours.get(own)}
    assert ours.keys() >= theirs.keys(), sorted(theirs.keys() - ours.keys())
    for parameter, value in theirs.items():
        assert value is not None, f"the reference has no gradient of {parameter}"
        allowed = tolerance * max(value, least) if value else least
        assert ours[parameter] == pytest.approx(value, rel=0, abs=allowed), f"gradient of {parameter}"


def assert_change(
    name: str,
    outcome: Replay,
    key: str,
    phase: str,
    network: str,
    changed: str = "",
    rename: Rename | None = None,
) -> None:
    """How far a network went in the first step is what the reference has, over parameters with a real gradient.

    Parameters whose gradient is exactly 0, such as of heads that no item of the batch chose, count, since weight decay
    moves them; those whose gradient is rounding do not.

    Args:
        name: of the fixture.
        outcome: of the replay.
        key: the network's in the fixture's `gradient_norms_in_first_step`.
        phase: of ours in which it takes its first step.
        network: attribute of the translator.
        changed: the network's in the fixture's `change_after_first_step`; empty: as `key`.
        rename: as in `assert_gradients`, so that the reference says which gradients are rounding, where some that are
            not are as small.
    """
    settings = reference.settings(name)
    stored = settings["results"]["gradient_norms_in_first_step"][key]
    least, norms = LEAST_GRADIENT * stored["total"], outcome.gradients[phase]

    def counts(own: str) -> bool:
        if rename:
            return bool(stored["by_parameter"][rename(own.removeprefix(f"{network}."))])
        return own in norms and (norms[own] == 0 or norms[own] > least)

    moved = [change for own, change in outcome.changes.items() if own.startswith(f"{network}.") and counts(own)]
    ours = float(torch.stack([change.square().sum() for change in moved]).sum().sqrt())
    expected = settings["results"]["change_after_first_step"][changed or key]
    assert ours == pytest.approx(expected, rel=settings["tolerance_relative"]["change_after_first_step"]), network


def decay_witness(outcome: Replay, phase: str, network: str, lr: float) -> float:
    """Mean of -(change x sign of the weight) / lr over parameters without a real gradient.

    About the number of the optimizer's steps with a weight decay that is part of the gradient, about 0 without.
    """
    norms = {own: norm for own, norm in outcome.gradients[phase].items() if own.startswith(f"{network}.")}
    least = LEAST_GRADIENT * sum(norm**2 for norm in norms.values()) ** 0.5
    idle = [own for own, norm in norms.items() if norm <= least]
    against = torch.cat([-(outcome.changes[own] * outcome.start[own].sign()).flatten() for own in idle])
    return float(against.mean()) / lr


class _Recorder(FiniteGuard):
    """Notes the norms of all gradients at the end of each phase, ahead of the optimizers' steps."""

    def __init__(self, translator: Translator) -> None:
        super().__init__(torch.device("cpu"))
        self.gradients: dict[str, dict[str, float]] = {}
        self.recording = True
        self._translator = translator

    def parameters(self) -> list[tuple[str, Tensor]]:
        return list(self._translator.named_parameters())

    def check(self, phase: str, *rest: Any) -> Tensor:
        if self.recording:
            grads = {name: own.grad for name, own in self.parameters() if own.grad is not None}
            self.gradients[phase] = {name: float(grad.norm()) for name, grad in grads.items()}
        return super().check(phase, *rest)


def _before(translator: Translator, batch: Any, fixed: Mapping[str, Tensor]) -> Terms:
    step, terms = Step(), {}
    for phase in translator.phases():
        losses = drawn_losses(phase, batch, step, fixed)
        terms |= {f"{phase.name}/{name}": float(term.detach()) for name, term in losses.terms.items()}
    return terms


def _flat(nested: Any, name: str = "") -> dict[str, float]:
    if not isinstance(nested, dict | list):
        return {name: nested}
    items = nested.items() if isinstance(nested, dict) else enumerate(nested)
    return {key: value for own, part in items for key, value in _flat(part, f"{name}/{own}".lstrip("/")).items()}
