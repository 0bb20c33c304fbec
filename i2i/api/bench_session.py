"""A bench from what was asked for to its report, for the command and for the function."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from i2i.api.progress import counting
from i2i.api.settings import data_settings, sized
from i2i.benchmarks.analysis import groups
from i2i.benchmarks.bench import check_methods, parse_stages, run_bench
from i2i.benchmarks.execution.executors import ExecutionOptions
from i2i.benchmarks.execution.interrupts import stoppable
from i2i.benchmarks.job_id import STAGES
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.report.captions import budget_text
from i2i.benchmarks.report.trackers import send_scores, with_trackers
from i2i.benchmarks.results_folder.plan_file import relocated
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.suite.external import parse
from i2i.benchmarks.suite.overrides import (
    budget_assignments,
    checkpoint_assignments,
    load_suite,
    notes_on_absent_methods,
    notes_on_later_methods,
    steps_assignments,
)
from i2i.config import merge, parse_assignments
from i2i.errors import UserError
from i2i.presets.training import default_suite
from i2i.tracking.registry import trackers_named
from i2i.utils import console


@dataclass(frozen=True)
class BenchOptions:
    """What the command line says of a bench; None, or False, where it says nothing."""

    models: str | None = None
    data: list[str] | None = None
    attributes: str | None = None
    out: Path | None = None
    suite: str | None = None
    size: str | None = None
    settings: list[str] | None = None
    seeds: str | None = None
    budget: str | None = None
    checkpoint: str | None = None
    samples: int | None = None
    sampling_steps: str | None = None
    directions: str | None = None
    external: list[str] | None = None
    intersection: bool = False
    inception: Path | None = None
    extractor: str | None = None
    lpips: str | None = None
    label_maps: str | None = None
    table: str = "auto"
    track: str | None = None
    execution: ExecutionOptions = field(default_factory=ExecutionOptions)
    cache_gib: float | None = None
    allow_download: bool = False
    only: str | None = None
    collect: bool = False
    force: str | None = None
    no_trial: bool = False

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """What is to be done of a bench; UserError for what is no stage, or work to do again where none is done."""
        if self.collect and self.only is not None:
            raise UserError("--collect is --only report: leave one out")
        chosen = ("report",) if self.collect else STAGES if self.only is None else parse_stages(self.only)
        if chosen == ("report",) and self.forced:
            raise UserError(f"--force makes work again, and none is done with {self._report_alone}: leave one out")
        return chosen

    @property
    def _report_alone(self) -> str:
        return "--collect" if self.collect else "--only report"

    @property
    def changes(self) -> list[str]:
        """The assignments that options stand for."""
        given = {"translation.samples": self.samples, "scoring.label_map": self.label_maps}
        return [
            *sized(self.settings, self.size),
            *(budget_assignments(self.budget) if self.budget is not None else []),
            *(checkpoint_assignments(self.checkpoint) if self.checkpoint is not None else []),
            *(f"{name}={value}" for name, value in given.items() if value is not None),
            *(steps_assignments(self.sampling_steps) if self.sampling_steps is not None else []),
        ]

    @property
    def forced(self) -> list[str]:
        """Methods whose work is to be done again."""
        return [name.strip() for name in (self.force or "").split(",") if name.strip()]

    def check_folder(self, out: Path) -> None:
        """UserError if a report alone is asked for of a folder in which no bench has begun."""
        if self.stages == ("report",) and not ResultsFolder(out).began:
            raise UserError(
                f"{out} holds no bench, and none is begun with {self._report_alone}: name the folder of one with --out"
            )


@dataclass(frozen=True)
class ReadyBench:
    """A bench that is planned and checked.

    Attributes:
        plan: what there is to do.
        options: what was asked for.
        changed: what is otherwise than the folder's bench was before.
        by, trackers: as the options say.
    """

    plan: Plan
    options: BenchOptions
    changed: list[str]
    by: groups.By
    trackers: tuple[str, ...]

    def announce(self) -> None:
        """Say what is worth a warning, what the data are, and what a budget of epochs comes to."""
        for warning in (*self.changed, *self.plan.warnings):
            console.note(f"warning: {warning}")
        console.note(f"data: {self.plan.facts.recognized}")
        epochs = self.plan.facts.suite.budget.epochs
        if epochs is not None:
            console.note(f"budget of {epochs:g} epochs: {budget_text(self.plan).removeprefix('Budget: ')}")

    def run(self) -> int:
        """Do what is not done yet and write the report; returns the exit status."""
        asked = self.options
        with stoppable(self.plan.out):
            followed = with_trackers(self.plan, self.trackers)
            status = run_bench(followed, asked.execution, asked.stages, asked.forced, self.by, trial=not asked.no_trial)
            if "report" in asked.stages:
                send_scores(self.plan, self.trackers)
        return status


def ready_bench(asked: BenchOptions) -> ReadyBench:
    """The bench that options ask for; UserError for options that do not fit each other, the data or the folder."""
    trackers, by, changes, _ = trackers_named(asked.track), groups.checked(asked.table), asked.changes, asked.stages
    if asked.out is not None:
        asked.check_folder(asked.out)
    located = merge(
        data_settings(asked.data, asked.attributes, asked.cache_gib, asked.allow_download),
        parse_assignments(changes).get("data", {}),
    )
    before = ResultsFolder(asked.out).asked if asked.out is not None and asked.suite is None else None
    directions, extractor, lpips = asked.directions, asked.extractor, asked.lpips
    if before is None:
        chosen = load_suite(asked.suite or default_suite(located), asked.models, located, changes, asked.seeds)
    else:
        chosen = load_suite(before.settings, asked.models, relocated(located), changes, asked.seeds)
        directions = before.chosen.directions if directions is None else directions
        extractor = extractor if extractor or asked.inception else before.chosen.extractor
        lpips = lpips or before.chosen.lpips
        for line in notes_on_later_methods(chosen):
            console.note(f"warning: {line}")
    for line in notes_on_absent_methods(changes, chosen):
        console.note(f"warning: {line}")
    elsewhere = parse(asked.external or [], asked.intersection)
    chosen = chosen.with_external(elsewhere)
    with stoppable(None), counting("drawing the built-in dataset") as progress:
        plan = prepare(
            chosen, asked.out, directions, asked.inception, progress, extractor, lpips, asked.execution.device
        )
    asked.check_folder(plan.out)
    check_methods(plan, asked.forced)
    changed = before.check(plan, bool(located), elsewhere) if before else []
    return ReadyBench(plan, asked, changed, by, trackers)
