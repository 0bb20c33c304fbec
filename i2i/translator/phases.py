"""What a training step is made of: phases, each with its losses, and the optimizers that step on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Optimizer:
    """Settings of an Adam (Kingma and Ba 2015); the translator gives it a name, under which checkpoints hold its state.

    Attributes:
        networks: attributes of the translator whose parameters this optimizer, and no other, trains.
        lr: learning rate, before the schedule of the translator.
        betas: decay of the moments.
        weight_decay: added to the gradient or, `decoupled`, taken off the weights (AdamW, Loshchilov and Hutter 2019).
        decoupled: which of the two.
        clip_norm: largest norm of the gradients of all its parameters together; None: as they are.
    """

    networks: tuple[str, ...]
    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 0.0
    decoupled: bool = False
    clip_norm: float | None = None


class Step(dict[str, Tensor]):
    """What phases leave for their losses and for later phases, and when this is; new for every micro-batch.

    Attributes:
        index: of the step, from 0.
        progress: share of the training budget that has elapsed, in [0, 1).
    """

    def __init__(self, index: int = 0, progress: float = 0.0, **tensors: Tensor) -> None:
        super().__init__(tensors)
        self.index, self.progress = index, progress


@dataclass(frozen=True)
class Losses:
    """Outcome of one phase on one micro-batch.

    Attributes:
        total: scalar to differentiate.
        terms: its parts for the log, without their weights.
    """

    total: Tensor
    terms: Mapping[str, Tensor]


@dataclass(frozen=True)
class Phase:
    """One turn within a training step.

    Attributes:
        name: unique within the model; names the losses in logs.
        loss: computes the losses on a micro-batch, a function of the tensors of batch and step and of weights: it draws
            nothing, but for the dropout of networks, remembers nothing, and does not ask the step when it is.
        draw: called ahead of it, without gradients; puts into the step all that is random, has a memory or changes with
            progress: label permutations, latents, what an image pool gives, a weight that falls. Tensors whose values
            the loss reads on the host stay on the CPU.
        optimizers: names of those that step on this loss; phases may share one, and a phase need not step all whose
            networks it passes. None: the one of the phase's own name.
        every: the phase runs in step s (from 0) when (s + 1) % every == 0.
        after: called without gradients once the optimizers have stepped, as to clamp a parameter.
        allow_unused: whether the loss need not depend on every parameter that it trains, such as heads of domains that
            are not in the batch; their gradient is then 0.
    """

    name: str
    loss: Callable[[Any, Step], Losses]
    draw: Callable[[Any, Step], None] | None = None
    optimizers: tuple[str, ...] | None = None
    every: int = 1
    after: Callable[[], None] | None = None
    allow_unused: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the optimizers that step."""
        return (self.name,) if self.optimizers is None else self.optimizers

    def runs_in(self, step: int) -> bool:
        """Whether the phase takes its turn in `step`, counted from 0."""
        return (step + 1) % self.every == 0
