"""A job of a bench: what it leaves, and how it is done. Without torch: workers import it once their threads are set."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from i2i.benchmarks.job_id import JobId, Stage

if TYPE_CHECKING:
    import torch


class Result(Protocol):
    """What a job leaves: the results folder knows where, and how far it is."""

    def state(self, key: str) -> str:
        """`done` if it is there and sound and has the key; else how far it is, or why it has to be made again."""

    def evidence(self) -> list[str]:
        """The texts that say what is there, for comparing: empty ones where nothing is."""

    def clear(self) -> None:
        """Remove it, so that it is to do."""


Report = Callable[[str], None]
"""How a job says how far it is."""


@dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """One unit of work in a worker process, which it is pickled for.

    Attributes:
        id: unique.
        key: hash of all that the result is made from.
        needs: jobs that must have succeeded.
        weight: the heavier start first.
    """

    id: JobId
    key: str
    needs: tuple[JobId, ...] = ()
    weight: float = 0.0

    @property
    def name(self) -> str:
        """For progress and reports."""
        return str(self.id)

    @property
    def method(self) -> str | None:
        """Whose work it is; None: everybody's."""
        return self.id.method

    @property
    def stage(self) -> Stage:
        """The stage it belongs to."""
        return self.id.stage

    @property
    @abstractmethod
    def result(self) -> Result:
        """What it leaves."""

    @abstractmethod
    def perform(self, report: Report, device: "torch.device") -> None:
        """Do it, unless it is done. `device` is where networks run."""
