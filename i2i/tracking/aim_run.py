"""Aim: a run of the repository that AIM_REPO names, or of the working folder."""

import os
from collections.abc import Mapping
from pathlib import Path

import aim

from i2i.tracking.tracker import PROJECT, About, Tracker


class Aim(Tracker):
    """Steps are images shown."""

    name = "aim"

    def __init__(self, about: About) -> None:
        super().__init__(about)
        repository = aim.Repo.from_path(os.environ.get("AIM_REPO", "."), init=True)
        self._run = aim.Run(
            self.known(), repo=repository, experiment=about.group or PROJECT, system_tracking_interval=None
        )
        self.note(self._run.hash)
        self._run.name = about.name
        self._run["settings"] = dict(about.settings)
        self._run["run_folder"] = about.link

    def scalars(self, values: Mapping[str, float], images: int) -> None:
        """Track them."""
        for name, value in values.items():
            self._run.track(value, name=name, step=images)

    def image(self, name: str, path: Path, images: int) -> None:
        """Track it."""
        self._run.track(aim.Image(str(path)), name=name, step=images)

    def summary(self, values: Mapping[str, float]) -> None:
        """Set them on the run."""
        self._run["final"] = dict(values)

    def end(self, status: str) -> None:
        """Close the run."""
        self._run["status"] = status
        self._run.close()
