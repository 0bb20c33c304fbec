"""Whether a class is a translator in full, as far as can be told without building one."""

import inspect
from collections.abc import Callable
from typing import Any

from i2i.data.batches import Batch
from i2i.errors import UserError
from i2i.translator.task import Coverage
from i2i.translator.translator import TAKES, Translator

GUIDE = "docs/adding_a_model.md"
# Names of the first contract, and what takes the place of each.
FORMER = {
    "Adam": "write optimizers(self), which gives Optimizer(networks, lr, betas) by name",
    "Scratch": "a loss takes (self, batch, step), with step: Step",
    "Inference": "write the property inference(self), which gives a text, and do what it says in generate",
    "generate_labels": 'write generate(self, images, request) with request.labels, and takes = frozenset({"labels"})',
    "labelled": 'write takes = frozenset({"labels"})',
    "batch_size": 'write defaults = {"batch_size": ...}',
}


def former(name: str) -> str:
    """The error about a name of the first contract."""
    return f"{name} is of the contract as it was: {FORMER[name]}; {GUIDE} shows how"


def check_complete(cls: type[Translator], text: str) -> None:
    """UserError if a class lacks what the contract asks for, or is written for the first contract.

    Args:
        cls: the class.
        text: what users call it.
    """
    for name in FORMER:
        if any(name in vars(base) for base in cls.__mro__):
            raise UserError(f"{text}: {former(name)}")
    if not _takes(cls.generate, "images", "request"):
        raise UserError(
            f"{text}: generate is of the contract as it was: write generate(self, images, request), with the indices "
            f"of the domains in request.source and request.target; {GUIDE} shows how"
        )
    lacking = _lacking(cls)
    if lacking:
        raise UserError(f"{text} is no complete Translator: it lacks {', '.join(lacking)}; {GUIDE} explains them")
    if cls.translates_with not in ("last", "ema"):
        raise UserError(f"{text} translates with {cls.translates_with!r} weights: write last, or ema for the average")
    unknown = sorted(cls.takes - set(TAKES))
    if unknown:
        raise UserError(f"{text} takes {', '.join(unknown)}, which is none of {', '.join(TAKES)}")


def _takes(method: Callable[..., Any], *arguments: str) -> bool:
    try:
        inspect.signature(method).bind(None, *arguments)
    except TypeError:
        return False
    return True


def _lacking(cls: type[Translator]) -> list[str]:
    """What the contract asks for and a class does not have."""
    batch = getattr(cls, "batch", None)
    has = {
        "coverage": isinstance(getattr(cls, "coverage", None), Coverage),
        "batch": isinstance(batch, type) and issubclass(batch, Batch),
        **{name: name not in cls.__abstractmethods__ for name in ("phases", "generate")},
    }
    return [name for name, there in has.items() if not there]
