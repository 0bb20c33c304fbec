"""The plan of a results folder, `plan.json`: written when a bench runs, read when it goes on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2i import __version__
from i2i.benchmarks.plan import Plan
from i2i.config import Settings
from i2i.errors import UserError

PLAN = "plan.json"
FORMAT = 1
"""Raised when older versions could misunderstand the file."""


@dataclass(frozen=True)
class Recorded:
    """What a bench was asked for when it last ran.

    Attributes:
        facts: contents of its plan.json.
    """

    facts: Settings

    @property
    def suite(self) -> Settings:
        """The suite, with what the command line said put over it."""
        return dict(self.facts["suite"])

    @property
    def directions(self) -> str | None:
        """As `--directions` takes them; None: all."""
        chosen = self.facts.get("chosen", {"directions": None})["directions"]
        return None if chosen is None else str(chosen)

    @property
    def extractor(self) -> str | None:
        """As `--extractor` takes it; None: by default."""
        chosen = self.facts.get("chosen", {"extractor": None})["extractor"]
        return None if chosen is None else str(chosen)

    @property
    def lpips(self) -> str | None:
        """As `--lpips` takes it; None: by default."""
        chosen = self.facts.get("chosen", {}).get("lpips")
        return None if chosen is None else str(chosen)


def recorded(out: Path) -> Recorded | None:
    """What the bench in a results folder was asked for; None if there is none.

    Raises:
        UserError: if plan.json is damaged, or of a version that this one cannot read.
    """
    path = out / PLAN
    if not path.is_file():
        return None
    try:
        facts: Any = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): remove it and give the settings of the bench anew") from None
    if not isinstance(facts, dict) or "suite" not in facts:
        raise UserError(f"{path} is no plan of this i2i: choose another folder with --out")
    if facts.get("format", 0) > FORMAT:
        raise UserError(
            f"{path} was written by i2i {facts.get('i2i', 'of a later version')} and i2i {__version__} cannot read it: "
            "use that version, or choose another folder with --out"
        )
    return Recorded(facts)


def plan_text(plan: Plan) -> str:
    """What plan.json holds of a plan: all that is recorded of it, and each job with what it needs."""
    jobs = [{"name": job.name, "stage": job.stage, "needs": list(job.needs)} for job in plan.jobs]
    return json.dumps({"format": FORMAT, "i2i": __version__, **plan.recorded(), "jobs": jobs}, indent=1, default=str)


def relocated(data: Settings) -> Settings:
    """`data` settings that name a place, such that they replace whatever place was recorded."""
    return {"path": None, "sets": None, **data} if {"path", "sets", "embedded"} & data.keys() else data
