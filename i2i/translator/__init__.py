"""The contract between translators and everything that trains, saves, runs and compares them."""

from i2i.translator.phases import Losses, Optimizer, Phase, Step
from i2i.translator.schedules import CosineDecay, LinearDecay, Schedule, StepDecay
from i2i.translator.task import Coverage, Task, check_size
from i2i.translator.translator import Inference, ModelConfig, Translator

__all__ = [
    "CosineDecay",
    "Coverage",
    "Inference",
    "LinearDecay",
    "Losses",
    "ModelConfig",
    "Optimizer",
    "Phase",
    "Schedule",
    "Step",
    "StepDecay",
    "Task",
    "Translator",
    "check_size",
]
