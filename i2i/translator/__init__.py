"""The contract between translators and everything that trains, saves, runs and compares them."""

from i2i.config import InKey
from i2i.translator.complete import FORMER, former
from i2i.translator.phases import Losses, Optimizer, Phase, Step
from i2i.translator.request import End, Noise, Request
from i2i.translator.schedules import CosineDecay, LinearDecay, Schedule, StepDecay
from i2i.translator.task import Coverage, Task, check_size
from i2i.translator.translator import ModelConfig, Translator

__all__ = [
    "CosineDecay",
    "Coverage",
    "End",
    "InKey",
    "LinearDecay",
    "Losses",
    "ModelConfig",
    "Noise",
    "Optimizer",
    "Phase",
    "Request",
    "Schedule",
    "Step",
    "StepDecay",
    "Task",
    "Translator",
    "check_size",
]


def __getattr__(name: str) -> object:
    """Tells a translator file of the first contract, which imports what there no longer is, what to write instead."""
    if name in FORMER:
        raise ImportError(former(name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
