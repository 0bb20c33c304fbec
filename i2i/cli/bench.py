"""`i2i bench`: several translators, trained and scored alike."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2i.cli.options import (
    AllowDownloadOption,
    AttributesOption,
    CacheOption,
    DataOption,
    DeviceOption,
    DryRunOption,
    ExtractorOption,
    LpipsOption,
    SetOption,
    SizeOption,
    TrackOption,
    data_settings,
    in_panels,
    sized,
)
from i2i.cli.progress import counting
from i2i.errors import UserError
from i2i.utils import console

if TYPE_CHECKING:
    from i2i.benchmarks.plan import Plan

PANELS = {
    "What to compare": ("models", "data", "attributes", "size", "directions", "external", "intersection"),
    "Training": ("seeds", "budget", "checkpoint"),
    "Translation": ("samples", "sampling_steps"),
    "Scores and tables": ("inception", "extractor", "lpips", "label_maps", "table", "track"),
    "Execution": ("executor", "workers", "ray_address", "gpus_per_job", "device", "cache_gib", "allow_download"),
    "Part of the work": ("only", "collect", "force", "no_trial", "dry_run"),
}


@in_panels(PANELS)
def bench(
    models: Annotated[
        str | None,
        typer.Option(
            metavar="[+]A,B,...", help="Translators, variants, FILE.py:CLASS; by default the suite's, + adds to them."
        ),
    ] = None,
    data: DataOption = None,
    attributes: AttributesOption = None,
    out: Annotated[Path | None, typer.Option(help="Results folder; by default bench/DATA.")] = None,
    suite: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Settings; by default seasons, for other data quick.")
    ] = None,
    size: SizeOption = None,
    settings: SetOption = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="0,1,...", help="A training with each; the table shows mean ± deviation.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT=N[,per=task]",
            help="images=N real images shown, epochs=N of the training split, updates=N of the generators, or "
            "seconds=S of training; per data set or per task (training).",
        ),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="RULE[:METRIC]",
            help="Which weights translate: last, ema, or best-on-val, by a metric of the validation split.",
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Translations of each test image by models that take noise; the first is scored, all give diversity.",
        ),
    ] = None,
    sampling_steps: Annotated[
        str | None, typer.Option(metavar="NAME=N,...", help="Steps of iterative models; others take their own number.")
    ] = None,
    directions: Annotated[
        str | None, typer.Option(metavar="A2B,...", help="Only these directions, e.g. summer2winter,winter2summer.")
    ] = None,
    external: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=DIR", help="External translations, DIR/SOURCE2TARGET/STEM.png, to be scored too."),
    ] = None,
    intersection: Annotated[
        bool, typer.Option("--intersection", help="Score of --external what is there, instead of refusing it.")
    ] = False,
    inception: Annotated[
        Path | None, typer.Option(metavar="FILE", help="pytorch-fid's Inception weights, for FID.")
    ] = None,
    extractor: ExtractorOption = None,
    lpips: LpipsOption = None,
    label_maps: Annotated[
        str | None,
        typer.Option(metavar="DOMAIN", help="The domain that is a label map, or none; one of few colors is found."),
    ] = None,
    table: Annotated[
        str, typer.Option(metavar="averaged|target|direction", help="What a line of the tables averages over.")
    ] = "averaged",
    track: TrackOption = None,
    executor: Annotated[
        str, typer.Option(help="Where jobs run: local for worker processes, or ray for a Ray cluster.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Jobs at a time on a machine; by default one per GPU, or core without.")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="An existing Ray cluster; by default one of this machine.")
    ] = None,
    gpus_per_job: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of a GPU for each job on Ray; by default a whole one.")
    ] = None,
    device: DeviceOption = None,
    cache_gib: CacheOption = None,
    only: Annotated[
        str | None, typer.Option(metavar="STAGE,...", help="Of train, translate, classifier, score and report.")
    ] = None,
    collect: Annotated[
        bool, typer.Option("--collect", help="Run nothing; write the report about what is there.")
    ] = False,
    force: Annotated[str | None, typer.Option(metavar="NAME,...", help="Do the work of these methods again.")] = None,
    no_trial: Annotated[
        bool, typer.Option("--no-trial", help="Try no steps ahead of long training runs to tell how long they take.")
    ] = False,
    allow_download: AllowDownloadOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Train, translate with and score several translators, and compare them in a table and an image.

    What is already done in the results folder is not done again. A bench that --out names goes on with the settings it
    had; further options change them, --suite replaces them.

    Examples:

        i2i bench

        i2i bench --models cyclegan,stargan --data photos/ --out bench/mine

        i2i bench --seeds 0,1,2 --budget images=400000 --out bench/seeds

        i2i bench --out bench/seeds --collect

        i2i bench --budget seconds=600,per=task --checkpoint best-on-val:psnr --set data.val_scenes=40

        i2i bench --models +mine.py:MyModel --samples 10 --out bench/seasons

        i2i bench --external DRIT=results/drit --out bench/seasons

        i2i bench --track mlflow
    """
    from i2i.benchmarks.analysis import groups
    from i2i.benchmarks.bench import check_methods, run_bench, states_of
    from i2i.benchmarks.execution.executors import Crew
    from i2i.benchmarks.execution.interrupts import stoppable
    from i2i.benchmarks.planning.build_plan import prepare
    from i2i.benchmarks.report.tracked import tell_scores, with_trackers
    from i2i.benchmarks.results_folder.plan_file import relocated
    from i2i.benchmarks.results_folder.results_folder import ResultsFolder
    from i2i.benchmarks.suite.external import parse
    from i2i.benchmarks.suite.overrides import (
        budget_assignments,
        checkpoint_assignments,
        load_suite,
        steps_assignments,
        told_of_later_methods,
    )
    from i2i.config import merge, parse_assignments
    from i2i.presets.training import default_suite
    from i2i.tracking.choice import trackers_named

    trackers = trackers_named(track)
    by = groups.checked(table)
    crew = Crew(executor, workers, device, ray_address, gpus_per_job)
    changes = [*sized(settings, size), *(budget_assignments(budget) if budget is not None else [])]
    changes += checkpoint_assignments(checkpoint) if checkpoint is not None else []
    changes += [f"translation.samples={samples}"] if samples is not None else []
    changes += [f"scoring.label_map={label_maps}"] if label_maps is not None else []
    changes += steps_assignments(sampling_steps) if sampling_steps is not None else []
    stages = _stages(only, collect)
    said = data_settings(data, attributes, cache_gib, allow_download)
    located = merge(said, parse_assignments(changes).get("data", {}))
    before = ResultsFolder(out).asked if out is not None and suite is None else None
    if before is None:
        chosen = load_suite(suite or default_suite(located), models, located, changes, seeds)
    else:
        chosen = load_suite(before.settings, models, relocated(located), changes, seeds)
        directions = directions or before.chosen.directions
        extractor = extractor if extractor or inception else before.chosen.extractor
        lpips = lpips or before.chosen.lpips
        for line in told_of_later_methods(chosen):
            console.note(f"warning: {line}")
    elsewhere = parse(external or [], intersection)
    chosen = chosen.with_external(elsewhere)
    with stoppable(None), counting("drawing the built-in dataset") as progress:
        plan = prepare(chosen, out, directions, inception, progress, extractor, lpips, crew.device)
    forced = [name.strip() for name in (force or "").split(",") if name.strip()]
    check_methods(plan, forced)
    changed = before.check(plan, bool(located), elsewhere) if before else []
    _announce(plan, changed)
    if dry_run:
        for line in plan.lines(states_of(plan)):
            console.say(line)
        return
    with stoppable(plan.out):
        status = run_bench(with_trackers(plan, trackers), crew, stages, forced, by, trial=not no_trial)
        if "report" in stages:
            tell_scores(plan, trackers)
        sys.exit(status)


def _stages(only: str | None, collect: bool) -> "tuple[str, ...]":
    from i2i.benchmarks.bench import parse_stages
    from i2i.benchmarks.job_id import STAGES

    if collect and only is not None:
        raise UserError("--collect is --only report: leave one out")
    return ("report",) if collect else STAGES if only is None else parse_stages(only)


def _announce(plan: "Plan", changed: list[str]) -> None:
    """Say what is worth a warning, what the data are, and what a budget of epochs comes to."""
    for warning in (*changed, *plan.warnings):
        console.note(f"warning: {warning}")
    console.note(f"data: {plan.facts.recognized}")
    epochs = plan.facts.suite.budget.epochs
    if epochs is not None:
        from i2i.benchmarks.report.captions import budget_text

        console.note(f"budget of {epochs:g} epochs: {budget_text(plan).removeprefix('Budget: ')}")
