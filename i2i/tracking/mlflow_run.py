"""MLflow: a run of the experiment that MLFLOW_EXPERIMENT_NAME names, or of `i2i`, where MLFLOW_TRACKING_URI says."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from i2i.tracking.tracker import PROJECT, About, Tracker

Item = TypeVar("Item")

AT_ONCE = 100
"""Parameters that one request takes."""

LONGEST = 500
"""Characters of a parameter."""

OF_MODELS = {"mlflow.experimentKind": "custom_model_development"}
"""Tag of an experiment whose runs its pages shall show as training, not as agents to evaluate."""

STATUS = {"finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}


class Mlflow(Tracker):
    """Steps are images shown. Scores have names without the characters that MLflow refuses."""

    name = "mlflow"

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._client = MlflowClient()
        self._run = self.known() or self._created()
        self._client.update_run(self._run, status="RUNNING")
        self._images = 0

    def _created(self) -> str:
        """A new run with its parameters."""
        about, client = self.about, self._client
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        known = client.get_experiment_by_name(name)
        tags = {"run_folder": about.link, **({"bench": about.group} if about.group else {})}
        experiment = known.experiment_id if known else client.create_experiment(name, tags=OF_MODELS)
        run = client.create_run(experiment, run_name=about.name, tags=tags)
        identity = str(run.info.run_id)
        self.note(identity)
        for some in _batches([Param(name, str(value)[:LONGEST]) for name, value in about.settings.items()]):
            client.log_batch(identity, params=some)
        return identity

    def scalars(self, values: Mapping[str, float], images: int) -> None:
        """Log them."""
        self._images = images
        now = round(time.time() * 1000)
        for some in _batches([Metric(accepted(name), value, now, images) for name, value in values.items()]):
            self._client.log_batch(self._run, metrics=some)

    def image(self, name: str, path: Path, images: int) -> None:
        """Keep the file as an artifact; those of one name lie in a folder."""
        self._client.log_artifact(self._run, str(path), name)

    def summary(self, values: Mapping[str, float]) -> None:
        """Log them as metrics, where the curves of the same names end."""
        self.scalars(values, self._images)

    def end(self, status: str) -> None:
        """Close the run."""
        self._client.set_terminated(self._run, STATUS[status])


def accepted(name: str) -> str:
    """A name as MLflow takes it.

    >>> accepted("cyclegan/a→b/SSIM")
    'cyclegan/a_b/SSIM'
    """
    return "".join(char if char.isascii() and (char.isalnum() or char in "_-. /") else "_" for char in name)


def _batches(items: list[Item]) -> Iterator[list[Item]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
