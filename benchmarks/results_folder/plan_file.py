"""The plan of a results folder, `plan.json`: written when a bench runs, read when it goes on or is reported.

Whatever it says may come from elsewhere. It is read once, as `RequestedBench` by a bench that goes on and as
`PlanFile` by reports: names are such that no path made of them leaves the folder, and nothing in it is run.
"""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from i2i._version import __version__
from i2i.benchmarks.directions import Direction, Training, run_folder
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.plan_facts import Chosen, ExternalFacts, PlanFacts, Seed, require_no_code
from i2i.benchmarks.suite.schema import Suite
from i2i.config import Settings
from i2i.errors import UserError
from i2i.utils.joined_names import direction_name
from i2i.utils.json_documents import Document, Kind, Name, read_document
from i2i.utils.safe_paths import refuse_links_out

FORMAT = 2
"""Raised when older versions could misunderstand the file, or another one of the results folder. 2: other names."""

REMOVE_IT = "remove it and give the settings of the bench again, or choose another folder with --out"
AGAIN = "if another version of i2i wrote it, run the bench again, which keeps its work"


class _Version(Document):
    format: int = FORMAT
    i2i: str = "of a later version"


class _Hash(Document):
    sha256: str | None = None


class RequestedBench(Document):
    """What a bench was asked for when it last ran, and what it was made of: its data, and code or files of others."""

    suite: Annotated[Suite, AfterValidator(require_no_code)]
    chosen: Chosen = Chosen()
    tried: dict[str, bool] = Field(default_factory=dict)
    fingerprint: str | None = None
    methods: dict[str, _Hash] = Field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The suite, with what the command line said put over it."""
        return self.suite.model_dump(mode="json", exclude_unset=True)

    def check(self, plan: Plan, data_named: bool, external_named: Collection[str]) -> list[str]:
        """Compare what only plan.json names with what it names it for: a plan may come from another machine.

        Args:
            plan: as it is now.
            data_named: whether the command line names the data.
            external_named: methods whose images the command line names.

        Returns:
            A line for each custom model whose code is not what it was.

        Raises:
            UserError: for data, or external translations, that are not those of before.
        """
        here = self.suite.settings.get("data", {})
        if (here.get("path") or here.get("sets")) and not data_named and self.fingerprint != plan.facts.fingerprint:
            raise UserError(
                f"{plan.out} was made from other images than {plan.facts.recognized}: put them back, or say that "
                "these are to be taken with --data DIR"
            )
        now = {name: facts.sha256 for name, facts in plan.facts.methods.items()}
        before = {name: self.methods.get(name, _Hash()).sha256 for name in now}
        for name in plan.external:
            if name in self.suite.external and name not in external_named and before[name] != now[name]:
                raise UserError(f"the images of {name} are not those of before: name them again with --external")
        own = now.keys() - set(plan.external)
        changed = sorted(name for name in own if before[name] and now[name] and before[name] != now[name])
        return [f"the code of {name} is not that of before: its work is made again" for name in changed]


class PlannedTraining(Document):
    """A training, as `Training.settings` gives it."""

    method: Name
    seed: Seed
    domains: tuple[str, ...]
    serves: tuple[Direction, ...]
    amount: Annotated[int | float, Field(ge=0)]
    folder: str
    unit: Literal["images", "updates", "seconds"] = "images"

    @model_validator(mode="after")
    def _in_its_place(self) -> Self:
        start = f"{run_folder(self.method, self.seed, '').as_posix()}/"
        if not self.folder.startswith(start):
            raise ValueError(f"its folder must begin with {start}")
        _OneName(name=self.folder.removeprefix(start))
        return self

    def training(self) -> Training:
        """The training."""
        return Training(**{**dict(self), "folder": Path(self.folder)})


class _OneName(Document):
    name: Name


JobName = Annotated[JobId, BeforeValidator(JobId.parse), PlainSerializer(str)]
"""A job, by its text."""


class PlanFile(PlanFacts):
    """All that plan.json says of a bench that has run."""

    name: str
    training_runs: Annotated[tuple[PlannedTraining, ...], Field(min_length=1)]
    skipped: dict[str, str]
    external: tuple[Name, ...]
    keys: dict[JobName, str | None]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        served = {direction for training in self.training_runs for direction in training.serves}
        _require(self.domains, {domain for direction in (*self.directions, *served) for domain in direction}, "domain")
        _require(self.methods, {training.method for training in self.training_runs}, "method")
        _require(self.methods, self.external, "method")
        _require(self.seeds, {training.seed for training in self.training_runs}, "seed")
        for direction in self.directions:
            _OneName(name=direction_name(direction))
        for name, facts in self.methods.items():
            if isinstance(facts, ExternalFacts) != (name in self.external):
                raise ValueError(f"{name} must be among the external methods or have training runs")
        return self


def _require(known: Iterable[object], used: Iterable[object], kind: str) -> None:
    lacking = sorted(map(str, set(used) - set(known)))
    if lacking:
        raise ValueError(f"it uses the {kind} {lacking[0]!r}, which is not among its {kind}s")


def read_requested(path: Path) -> RequestedBench | None:
    """What the bench of a plan.json was asked for; None if there is no such file.

    Raises:
        UserError: if it is damaged or of a later version, or a link leads out of the folder.
    """
    return _read(RequestedBench, path, REMOVE_IT)


def read_plan(path: Path) -> PlanFile:
    """What plan.json says of a bench that has run.

    Raises:
        UserError: as `read_requested`, or if there is none.
    """
    found = _read(PlanFile, path, AGAIN)
    if found is None:
        raise UserError(f"{path.parent} is no results folder of a bench: it holds no {path.name}")
    return found


def _read(model: type[Kind], path: Path, remedy: str) -> Kind | None:
    version = read_document(_Version, path, remedy)
    if version is None:
        return None
    if version.format > FORMAT:
        raise UserError(
            f"{path} was written by i2i {version.i2i} and i2i {__version__} cannot read it: "
            "use that version, or choose another folder with --out"
        )
    if version.format < FORMAT:
        raise UserError(
            f"{path} was written by an earlier i2i, which called what it holds otherwise: remove it and give the "
            "settings of the bench again, which finds its training runs, and translates and scores again"
        )
    refuse_links_out(path.parent)
    return read_document(model, path, remedy)


def plan_of(out: Path, file: PlanFile) -> Plan:
    """The plan that was recorded, for reports; it has no jobs."""
    training_runs = tuple(planned.training() for planned in file.training_runs)
    return Plan(out, file.name, file.domains, file.directions, training_runs, file.skipped, (), file, file.external)


def plan_text(plan: Plan) -> str:
    """What plan.json holds of a plan: all that is recorded of it, and each job with what it needs."""
    jobs = [{"name": job.name, "stage": job.stage, "needs": list(job.needs)} for job in plan.jobs]
    return json.dumps({"format": FORMAT, "i2i": __version__, **plan.recorded(), "jobs": jobs}, indent=1, default=str)


def relocated(data: Settings) -> Settings:
    """`data` settings that name a place, such that they replace whatever place was recorded."""
    return {"path": None, "sets": None, **data} if {"path", "sets", "embedded"} & data.keys() else data
