"""The interface of trackers: what each gets of a run."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from i2i.utils.atomic_write import write_text

FOLDER = "tracking"
"""Within a run folder: what the trackers' libraries say, and their identities of the run."""

PROJECT = "i2i"
"""Where a tracker puts runs, unless its own environment variable says it."""

IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class About:
    """What a run is.

    Attributes:
        folder: of the run; images lie in it.
        name: that people know it by.
        group: name of the bench it belongs to; None: of none.
        settings: the configuration, by name: `train.images`.
    """

    folder: Path
    name: str
    group: str | None
    settings: Mapping[str, object]

    @property
    def link(self) -> str:
        """Address of the run folder."""
        return self.folder.absolute().as_uri()


class Tracker(ABC):
    """Writes what it gets of one run. Any method may raise, or take its time.

    Args:
        about: the run. One that was begun before is gone on with.
    """

    name: str
    """As `--track` calls it."""

    def __init__(self, about: About) -> None:
        self.about = about

    @abstractmethod
    def scalars(self, values: Mapping[str, float], images: int) -> None:
        """Numbers after so many images shown, by name: `loss/generator/cycle`."""

    @abstractmethod
    def image(self, name: str, path: Path, images: int) -> None:
        """An image file, after so many images shown."""

    @abstractmethod
    def summary(self, values: Mapping[str, float]) -> None:
        """Final scores, by name."""

    @abstractmethod
    def end(self, status: str) -> None:
        """Close the run: `finished`, `failed`, or `killed` when nobody said how it ended."""

    def known(self) -> str | None:
        """The tracker's own identity of the run, as an earlier part of the training noted it."""
        try:
            found = json.loads(self._identities.read_text())
        except (OSError, ValueError):
            return None
        known = found.get("id") if isinstance(found, dict) else None
        return known if isinstance(known, str) and IDENTITY.fullmatch(known) else None

    def note(self, identity: str) -> None:
        """Note the identity for those who go on with the run."""
        write_text(self._identities, json.dumps({"id": identity}))

    @property
    def _identities(self) -> Path:
        return self.about.folder / FOLDER / f"{self.name}.json"
