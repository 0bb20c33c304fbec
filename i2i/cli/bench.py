"""`i2i bench`: several translators, trained and scored alike."""

import sys
from pathlib import Path
from typing import Annotated

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
    in_panels,
)
from i2i.utils import console

PANELS = {
    "What to compare": ("models", "data", "attributes", "size", "directions", "external", "intersection"),
    "Training": ("seeds", "budget", "checkpoint"),
    "Translation": ("samples", "sampling_steps"),
    "Scores and tables": ("inception", "extractor", "lpips", "label_maps", "table", "track"),
    "Execution": (
        "executor",
        "workers",
        "workers_per_gpu",
        "ray_address",
        "gpus_per_job",
        "device",
        "cache_gib",
        "allow_download",
    ),
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
        str | None, typer.Option(metavar="0,1,...", help="A training with each; the table shows mean ± std.")
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
        str,
        typer.Option(
            metavar="averaged|target|direction",
            help="What a line of the tables averages over; by default all directions, or none beside a label map.",
        ),
    ] = "auto",
    track: TrackOption = None,
    executor: Annotated[
        str, typer.Option(help="Where jobs run: local for worker processes, or ray for a Ray cluster.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Jobs at a time on a machine; by default one per GPU, or core without.")
    ] = None,
    workers_per_gpu: Annotated[
        int | None, typer.Option(min=1, help="Jobs at a time on each GPU of this machine, in place of --workers.")
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
    from i2i.api.bench_session import BenchOptions, ready_bench
    from i2i.benchmarks.bench import states_of
    from i2i.benchmarks.execution.executors import ExecutionOptions

    execution = ExecutionOptions(executor, workers, device, ray_address, gpus_per_job, workers_per_gpu)
    options = BenchOptions(
        models=models,
        data=data,
        attributes=attributes,
        out=out,
        suite=suite,
        size=size,
        settings=settings,
        seeds=seeds,
        budget=budget,
        checkpoint=checkpoint,
        samples=samples,
        sampling_steps=sampling_steps,
        directions=directions,
        external=external,
        intersection=intersection,
        inception=inception,
        extractor=extractor,
        lpips=lpips,
        label_maps=label_maps,
        table=table,
        track=track,
        execution=execution,
        cache_gib=cache_gib,
        allow_download=allow_download,
        only=only,
        collect=collect,
        force=force,
        no_trial=no_trial,
    )
    ready = ready_bench(options)
    ready.announce()
    if dry_run:
        for line in ready.plan.lines(states_of(ready.plan)):
            console.say(line)
        console.say(execution.line())
        return
    sys.exit(ready.run())
