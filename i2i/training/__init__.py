"""Training: the loop, its steps, budget, validation and callbacks."""

from typing import TYPE_CHECKING

from i2i._lazy import offered

if TYPE_CHECKING:
    from i2i.training.run import TrainingRun, train_run
    from i2i.training.setup import run_config, task_of
else:
    __getattr__ = offered(__name__, run=["TrainingRun", "train_run"], setup=["run_config", "task_of"])

__all__ = ["TrainingRun", "run_config", "task_of", "train_run"]
