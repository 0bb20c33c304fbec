"""The command line. Heavy libraries are imported inside the commands, so that help is quick."""

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from i2i import __version__
from i2i.errors import ExportError, TrainingError, UserError, refuse_file

if TYPE_CHECKING:
    from i2i.checkpoint import Checkpoint, Weights
    from i2i.config import RunConfig, Settings
    from i2i.data.layouts import DataSet
    from i2i.data.skipping import Skipped
    from i2i.translator import Task

app = typer.Typer(
    name="i2i",
    help="Train image-to-image translators and compare them on the same data by the same measures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="Data sets.", no_args_is_help=True)
app.add_typer(data_app, name="data")
configs_app = typer.Typer()
app.add_typer(configs_app, name="configs")
weights_app = typer.Typer()
app.add_typer(weights_app, name="weights")

DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="[NAME=]DIR",
        help="Data folder, archive or manifest; several with names to learn jointly; none: the embedded set.",
    ),
]
AttributesOption = Annotated[
    str | None, typer.Option(metavar="A,B,...", help="Attributes to learn, from the list in the data folder.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change a setting, e.g. train.images=20000."),
]
DeviceOption = Annotated[str | None, typer.Option(help="cuda, cuda:1, mps or cpu; by default the best there is.")]
ExtractorOption = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="Features for distances: timm:NAME[:FILE], torchvision:NAME:FILE, inception[:FILE] or classifier:FILE.",
    ),
]
SizeOption = Annotated[
    str | None, typer.Option(help="Image size, pixels: N or HEIGHTxWIDTH; short for --set data.image_size=...")
]
OwnModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="FILE.py:CLASS", help="The class, if the run was trained with one of your own."),
]
LpipsOption = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="LPIPS by alex, vgg or squeeze[:BACKBONE[:HEADS]]; by default alex if its weights are in the caches.",
    ),
]
CacheOption = Annotated[
    float | None,
    typer.Option("--cache-gib", metavar="N", help="Keep decoded pictures on disk up to N GiB; 0: none."),
]
SkipBadOption = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out pictures that cannot be read; which is told and recorded.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print what would run, and run nothing.")]


def main() -> None:
    """Entry point: errors that users can act on are printed in a line or two, without a traceback."""
    try:
        app()
    except UserError as error:
        _fail(str(error), 2)
    except (TrainingError, ExportError) as error:
        _fail(str(error), getattr(error, "status", 1))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _fail(f"the disk of {error.filename or 'the output'} is full: make room and run it again", 1)


def _fail(message: str, status: int) -> None:
    print(f"i2i: {message}", file=sys.stderr)
    sys.exit(status)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"i2i {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command()
def models(pattern: Annotated[str, typer.Argument(help="Shell pattern such as 'star*'.")] = "*") -> None:
    """List the translators."""
    from i2i import registry

    found = registry.names(pattern)
    if not found:
        raise UserError(f"no model matches {pattern!r}; there are {', '.join(registry.names())}")
    for name in found:
        cls = registry.get(name)
        summary = (sys.modules[cls.__module__].__doc__ or cls.__doc__ or "").strip().splitlines()[0]
        print(f"{name:<10} one model per {_COVERAGE_WORDS[cls.coverage.value]:<14} {summary}")


_COVERAGE_WORDS = {"direction": "direction", "pair": "pair", "all": "set of domains"}


@app.command()
def train(
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE.py:CLASS", help="Which translator; see `i2i models`. Or one of your own."),
    ] = None,
    data: DataOption = None,
    attributes: AttributesOption = None,
    config: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Settings to start from; see `i2i configs`.")
    ] = None,
    size: SizeOption = None,
    settings: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/MODEL-DATA.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with a training.")] = None,
    init: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Start with the weights and the model settings of a run.")
    ] = None,
    on_nan: Annotated[
        str | None,
        typer.Option(
            metavar="stop|rollback",
            help="When a loss or gradient is not finite: stop, or return to the last checkpoint and go on with "
            "another data order, three times at most.",
        ),
    ] = None,
    accept_data: Annotated[
        bool, typer.Option("--accept-data", help="Resume though the pictures have changed since the checkpoint.")
    ] = False,
    device: DeviceOption = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write TensorBoard events.")] = False,
    cache_gib: CacheOption = None,
    skip_bad: SkipBadOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Train one translator.

    Without --data and --config the embedded set is used with the small networks of the seasons suite; with --data the
    model is the published one.

    Examples:

        i2i train --model stargan

        i2i train --model cyclegan --data photos/ --set train.images=200000 --set model.lambda_identity=5

        i2i train --model pix2pix --data streets/ --size 128x256 --set data.fit=resize

        i2i train --model stargan --data celeba/ --attributes Blond_Hair,Black_Hair,Male

        i2i train --model stargan --data faces=celeba/ --data moods=rafd/

        i2i train --resume runs/stargan-seasons --on-nan rollback

        i2i train --init runs/stargan-seasons --data photos/

        i2i train --model mine.py:MyModel
    """
    from i2i.checkpoint import require_checkpoint
    from i2i.runs import describe_start, open_for_resume, starting_domains, task_of

    start = require_checkpoint(init) if init is not None else None
    skipped: Skipped | None = None
    given, model = model, _registered(model)
    on_fault: Settings = {"train": {"on_nan": on_nan}} if on_nan else {}
    if resume is not None:
        named = model is not None and model == given  # and no class of one's own, which has to be imported
        chosen = named or data or attributes or config or size or settings or out or init or skip_bad
        if chosen or cache_gib is not None:
            raise UserError("--resume takes everything from the run folder: leave the other options out")
        run_config, task, data_set = open_for_resume(resume, on_fault)
        run = resume
    else:
        if accept_data:
            raise UserError("--accept-data says how to go on with a training: give it with --resume RUN")
        located = _data_settings(data, attributes, cache_gib)
        run_config = _new_run(model, config, located, _sized(settings, size), start, on_fault)
        data_set = _open_data(run_config)
        if start is not None:
            run_config, data_set = starting_domains(run_config, data_set, start)
        skipped, data_set = _readable(run_config, data_set) if skip_bad else ({}, data_set)
        task = task_of(run_config, data_set)
        run = out or Path("runs") / f"{run_config.name}-{data_set.name}"
        _check_new(run)
    if init is not None and start is not None:
        print(describe_start(init, start, run_config, task), file=sys.stderr)
    if dry_run:
        _print_training(run, run_config, task, data_set)
        return
    if skipped is not None:
        _before_training(run, run_config, data_set, skipped)
    _train(run, run_config, task, data_set, device, tensorboard, start, accept_data)


@app.command()
def translate(
    run: Annotated[Path, typer.Argument(help="Run folder of a training.")],
    inputs: Annotated[list[Path], typer.Argument(help="Pictures and folders of pictures.")],
    target: Annotated[
        str, typer.Option(help="Domain to translate to; of attributes the changes, e.g. +Blond_Hair,-Male.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the translations, PNG files of the inputs' names.")],
    source: Annotated[
        str | None, typer.Option(help="Domain of the inputs, for models that need to know it; or their attributes.")
    ] = None,
    weights: Annotated[
        str,
        typer.Option(
            metavar="last|ema|best",
            help="Those of the last step, their moving average (train.ema), or the best on the validation split "
            "(train.best_by).",
        ),
    ] = "last",
    full: Annotated[
        bool, typer.Option("--full-resolution", help="Keep the size of every picture; large ones pass in tiles.")
    ] = False,
    tile: Annotated[
        int | None, typer.Option(min=1, help="Side of tiles, pixels; by default only very large pictures need any.")
    ] = None,
    model: OwnModelOption = None,
    device: DeviceOption = None,
) -> None:
    """Translate pictures with a trained model.

    Examples:

        i2i translate runs/stargan-seasons photo.jpg folder/ --target winter --out out/

        i2i translate runs/celeba faces/ --target +Blond_Hair,-Male --out out/

        i2i translate runs/averaged photo.jpg --target winter --weights ema --out out/

        i2i translate runs/stargan-seasons big/*.tif --target winter --full-resolution --out out/

        i2i translate runs/mine photo.jpg --model mine.py:MyModel --target winter --out out/
    """
    from i2i.checkpoint import load_translator
    from i2i.data.fitting import fitting_line
    from i2i.inference import check_files, collect, full_resolution, resized, tiles_line, translate_files, translation
    from i2i.trainer import choose_device

    if tile is not None and not full:
        raise UserError("--tile is for translations at full resolution: add --full-resolution")
    refuse_file(out)
    _registered(model)
    files = collect(inputs)
    chosen = choose_device(device)
    translator, preprocess = load_translator(run, chosen, cast("Weights", weights))
    translate = translation(translator, source, target, chosen)
    convert = full_resolution(translate, preprocess, tile) if full else resized(translate, preprocess)
    sizes = check_files(files, out)
    print(tiles_line(sizes, tile) if full else fitting_line(sizes, preprocess), file=sys.stderr)
    with _counting("translating") as progress:
        translate_files(convert, files, out, progress)
    print(f"translated {len(files)} pictures to {target} in {out} ({translator.inference}, {weights} weights)")


@app.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(help="Checkpoints of a reference implementation, one per network.")],
    model: Annotated[str, typer.Option(help="Which translator they are of; see `i2i models`.")],
    domains: Annotated[str, typer.Option(metavar="A,B,...", help="Names of its domains, in the training's order.")],
    out: Annotated[Path, typer.Option(help="Run folder to write; it must not hold anything yet.")],
    size: Annotated[
        str | None, typer.Option(help="Image size, pixels: N or HEIGHTxWIDTH; by default the training's.")
    ] = None,
    settings: SetOption = None,
) -> None:
    """Make a run folder of official checkpoints, to translate with or to train on.

    What the files tell by their keys and shapes need not be set: blocks, width, norm, depth, labels, layers.

    Examples:

        i2i import latest_net_G_A.pth latest_net_G_B.pth --model cyclegan --domains horse,zebra --out runs/h2z

        i2i import 200000-G.ckpt --model stargan --domains Black_Hair,Blond_Hair,Brown_Hair,Male,Young --out runs/celeba
    """
    from i2i.config import merge, parse_assignments
    from i2i.imports import import_run

    changes = parse_assignments(settings or [])
    if size is not None:
        changes = merge(changes, {"data": {"image_size": size}})
    names = [name.strip() for name in domains.split(",")]
    for line in import_run(files, model, names, changes, out).lines():
        print(line)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Run folder of a training.")],
    format: Annotated[str, typer.Option(help="onnx, safetensors, hub, or reference: files of the authors' code.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must not hold anything yet.")],
    opset: Annotated[int | None, typer.Option(help="ONNX opset; by default the exporter's.")] = None,
    license: Annotated[
        str | None, typer.Option(metavar="ID", help="Licence for the model card, e.g. apache-2.0.")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A bench's results.csv, for the model card.")
    ] = None,
    row: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name in those results, if it has another there.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="last, ema for the moving average of train.ema, or best for train.best_by.")
    ] = None,
    push: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="Upload to this Hugging Face repository; format hub.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    model: OwnModelOption = None,
) -> None:
    """Write a trained translator for other programs: ONNX, safetensors with a model card, or the authors' code.

    Examples:

        i2i export runs/stargan-seasons --format onnx --out onnx/

        i2i export runs/h2z --format reference --out files/

        i2i export runs/h2z --format hub --out h2z/ --license apache-2.0 --scores bench/h2z/results.csv
    """
    from i2i import exports

    _registered(model)
    about_the_card = {"license": license, "scores": scores, "row": row}
    of_the_hub = {"push": push, "private": private or None}
    lines = exports.export(run, format, out, opset=opset, weights=weights, **about_the_card, **of_the_hub)
    for line in lines:
        print(line)
    print(f"exported {run} to {out}")


@app.command()
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
            help="images=N real pictures shown, updates=N of the generators, or seconds=S of training; "
            "per data set or per task (training).",
        ),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="RULE[:METRIC]",
            help="Which weights translate: last, ema, or best-on-val, by a metric of the validation split.",
        ),
    ] = None,
    directions: Annotated[
        str | None, typer.Option(metavar="A2B,...", help="Only these directions, e.g. summer2winter,winter2summer.")
    ] = None,
    external: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=DIR", help="Pictures made elsewhere, DIR/SOURCE2TARGET/STEM.png, to be scored too."),
    ] = None,
    intersection: Annotated[
        bool, typer.Option("--intersection", help="Score of --external what is there, instead of refusing it.")
    ] = False,
    inception: Annotated[
        Path | None, typer.Option(metavar="FILE", help="pytorch-fid's Inception weights, for FID.")
    ] = None,
    extractor: ExtractorOption = None,
    lpips: LpipsOption = None,
    table: Annotated[
        str, typer.Option(metavar="averaged|target|direction", help="What a line of the tables averages over.")
    ] = "averaged",
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
    only: Annotated[
        str | None, typer.Option(metavar="STAGE,...", help="Of train, translate, classifier, score and report.")
    ] = None,
    collect: Annotated[
        bool, typer.Option("--collect", help="Run nothing; write the report about what is there.")
    ] = False,
    force: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Do the work of these contestants anew.")
    ] = None,
    cache_gib: CacheOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Train, translate with and score several translators, and compare them in a table and a picture.

    What is already done in the results folder is not done again. A bench that --out names goes on with the settings it
    had; further options change them, --suite replaces them.

    Examples:

        i2i bench

        i2i bench --models cyclegan,stargan --data photos/ --out bench/mine

        i2i bench --seeds 0,1,2 --budget images=400000 --out bench/seeds

        i2i bench --out bench/seeds --collect

        i2i bench --budget seconds=600,per=task --checkpoint best-on-val:psnr --set data.val_scenes=40

        i2i bench --models +mine.py:MyModel --out bench/seasons

        i2i bench --external DRIT=results/drit --out bench/seasons
    """
    from i2i.benchmarks import grouping
    from i2i.benchmarks.execution import parse_stages, run_bench, states_of
    from i2i.benchmarks.executors import Crew
    from i2i.benchmarks.external import parse
    from i2i.benchmarks.plan import STAGES
    from i2i.benchmarks.prepare import prepare
    from i2i.benchmarks.recorded import recorded, relocated
    from i2i.benchmarks.suite import budget_assignments, checkpoint_assignments, default_suite, load_suite
    from i2i.config import merge, parse_assignments

    by = grouping.checked(table)
    crew = Crew(executor, workers, device, ray_address, gpus_per_job)
    changes = [*_sized(settings, size), *(budget_assignments(budget) if budget is not None else [])]
    changes += checkpoint_assignments(checkpoint) if checkpoint is not None else []
    if collect and only is not None:
        raise UserError("--collect is --only report: leave one out")
    stages = ("report",) if collect else STAGES if only is None else parse_stages(only)
    located = merge(_data_settings(data, attributes, cache_gib), parse_assignments(changes).get("data", {}))
    before = recorded(out) if out is not None and suite is None else None
    if before is None:
        chosen = load_suite(suite or default_suite(located), models, located, changes, seeds)
    else:
        chosen = load_suite(before.suite, models, relocated(located), changes, seeds)
        directions = directions or before.directions
        extractor = extractor if extractor or inception else before.extractor
        lpips = lpips or before.lpips
    chosen = chosen.with_external(parse(external or [], intersection))
    with _counting("drawing the embedded set") as progress:
        plan = prepare(chosen, out, directions, inception, progress, extractor, lpips)
    print(f"data: {plan.facts['recognised']}", file=sys.stderr)
    if dry_run:
        for line in plan.lines(states_of(plan)):
            print(line)
        return
    forced = [name.strip() for name in (force or "").split(",") if name.strip()]
    sys.exit(run_bench(plan, crew, stages, forced, by))


@app.command()
def score(
    fake: Annotated[Path, typer.Option(metavar="DIR", help="Folder of translations.")],
    real: Annotated[Path, typer.Option(metavar="DIR", help="Real pictures of the target domain.")],
    source: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The translated pictures, of the translations' names.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The right answers, of the translations' names.")
    ] = None,
    paired: Annotated[bool, typer.Option("--paired", help="The right answers are the pictures of --real.")] = False,
    extractor: ExtractorOption = None,
    lpips: LpipsOption = None,
    size: Annotated[
        str | None, typer.Option(help="Score at this size, pixels: N or HEIGHTxWIDTH; by default the translations'.")
    ] = None,
    intersection: Annotated[
        bool, typer.Option("--intersection", help="Leave out what has no counterpart of its name.")
    ] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the numbers here.")] = None,
    device: DeviceOption = None,
) -> None:
    """Score a folder of translations, whoever made them, by the measures of the bench.

    Without --extractor the distance is FID if pytorch-fid's Inception weights are in torch's cache, else left out.
    `i2i weights` tells what is there.

    Examples:

        i2i score --fake out/ --real photos/test/zebra --source photos/test/horse

        i2i score --fake out/ --real facades/test/photo --paired --extractor timm:resnet18:resnet18.pth
    """
    from i2i.checkpoint import sync_write
    from i2i.folder_scores import Folders, parse_size, score_folders
    from i2i.trainer import choose_device

    if paired and truth is not None:
        raise UserError("--paired takes the right answers from --real, --truth from a folder: leave one out")
    if json is not None and (json.is_dir() or any(place.is_file() for place in json.parents)):
        raise UserError(f"--json {json} is no place for a file: it is a folder, or lies in a file")
    folders = Folders(fake, real, source, real if paired else truth)
    scored = score_folders(folders, extractor, parse_size(size), intersection, choose_device(device), lpips)
    print(scored.text())
    if json is not None:
        sync_write(json, scored.json())


@app.command()
def report(
    results: Annotated[list[Path], typer.Argument(help="Results folders of benches.")],
    out: Annotated[Path | None, typer.Option(help="Folder for a report about all of them.")] = None,
) -> None:
    """Write the report of a bench anew, or one report of several benches.

    Several must have been made by the same protocol; if not, what differs is said. A contestant whose name several have
    gets the folder's name as a suffix, as in cyclegan@x.

    Examples:

        i2i report bench/x

        i2i report bench/x bench/y --out both/
    """
    from i2i.benchmarks.merging import merge
    from i2i.benchmarks.publish import publish
    from i2i.benchmarks.stored import Stored

    if out is None:
        if len(results) > 1:
            raise UserError("a report of several benches needs a folder of its own: --out both/")
        stored, warnings = Stored.load(results[0]), list[str]()
        stored.check_data()
    else:
        stored, warnings = merge(results, out)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    sys.exit(publish(stored.plan, stored.absent))


@app.command()
def grid(
    results: Annotated[Path, typer.Argument(help="Results folder of a bench.")],
    out: Annotated[Path, typer.Option(help="Picture to write, .pdf or .png.")],
    rows: Annotated[
        str, typer.Option(metavar="WAY[:N]", help="random:N, files:LIST, worst:N or disagree:N.")
    ] = "random",
    columns: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Of input, the contestants and target; by default all translators."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of random rows; it is printed on the picture.")] = 0,
) -> None:
    """Draw test pictures beside their translations by the contestants of a bench.

    Rows are random by default. files:LIST takes a text file with a picture's name per line, without suffix, or
    DIRECTION/NAME; worst:N those with the lowest PSNR, where there is ground truth; disagree:N those whose translations
    differ most. How they were chosen stands below the picture.

    Examples:

        i2i grid bench/seasons --out grid.pdf

        i2i grid bench/seasons --rows worst:8 --columns input,cyclegan,stargan,target --out worst.png
    """
    from i2i.benchmarks.grid import Finished, draw_grid
    from i2i.benchmarks.grid_rows import choose

    if out.suffix.lower() not in (".pdf", ".png"):
        raise UserError(f"--out {out} must end in .pdf or .png")
    refuse_file(out.parent)
    finished = Finished.load(results)
    shown = finished.columns(columns)
    chosen, note = choose(finished, rows, shown, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_grid(finished, shown, chosen, note, [out])
    print(f"{out}: {note}")


@configs_app.callback(invoke_without_command=True)
def configs(context: typer.Context) -> None:
    """List the settings that ship with the program; `configs show NAME` prints one.

    Those of the papers for their data sets are for `train --config NAME`, the suites for `bench --suite NAME`.
    """
    from i2i.benchmarks.shipped import listing

    if context.invoked_subcommand is None:
        print("\n".join(listing()))


@configs_app.command("show")
def show_config(name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Shipped settings, or a file.")]) -> None:
    """Print settings with every default filled in, as YAML.

    Example: i2i configs show pix2pix-facades
    """
    from i2i.benchmarks.resolved import resolved
    from i2i.config import to_yaml

    print(to_yaml(resolved(name)), end="")


@weights_app.callback(invoke_without_command=True)
def weights(
    context: typer.Context,
    extractor: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help="Also show this extractor's file and what its distance is called."),
    ] = None,
) -> None:
    """List the published weights that metrics take: found, missing, or with a checksum that differs.

    Nothing is fetched but by `weights get NAME`.
    """
    if context.invoked_subcommand is None:
        from i2i.weights_table import lines

        for line in lines(extractor or []):
            print(line)


@weights_app.command("get")
def get_weights(
    names: Annotated[list[str], typer.Argument(help="inception, lpips-alex, lpips-vgg or lpips-squeeze.")],
) -> None:
    """Fetch published weights into torch's cache, checked by their checksums.

    Example: i2i weights get inception lpips-alex
    """
    from i2i.weights_table import get

    for name in names:
        with _counting(f"fetching {name}") as progress:
            for line in get(name, progress):
                print(line)


@data_app.command("make")
def make_data(
    name: Annotated[str, typer.Argument(help="Name of the embedded set: seasons or styles.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must not hold anything yet.")],
    size: Annotated[str, typer.Option(help="Pixels: N or HEIGHTxWIDTH.")] = "256",
    scenes: Annotated[int, typer.Option(min=1, help="Training scenes.")] = 400,
    test_scenes: Annotated[int, typer.Option(min=1, help="Test scenes.")] = 60,
    val_scenes: Annotated[int, typer.Option(min=0, help="Validation scenes.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the scenes.")] = 0,
) -> None:
    """Draw an embedded data set into a folder.

    Example: i2i data make seasons --out seasons/ --size 128
    """
    from i2i.config import DataConfig, validate
    from i2i.data.embedded import make
    from i2i.data.layouts import scan

    image_size = validate(DataConfig, {"image_size": size}, "size").image_size
    with _counting(f"drawing {name}") as progress:
        make(name, out, image_size, scenes, test_scenes, seed, progress, val_scenes)
    print(scan(out))


@data_app.command("check")
def check_data(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The data.")],
    size: Annotated[str | None, typer.Option(help="Image size, pixels: N or HEIGHTxWIDTH; by default 256.")] = None,
    models: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Models or FILE.py:CLASS to try; by default all that learn."),
    ] = None,
    attributes: AttributesOption = None,
    settings: SetOption = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw a contact sheet: some pictures of each domain, and leaks."),
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write what was found here.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the pictures on the contact sheet.")] = 0,
    no_trial: Annotated[bool, typer.Option("--no-trial", help="Try no training steps: no times and memory.")] = False,
    device: DeviceOption = None,
) -> None:
    """Tell what a data folder holds, what is wrong with it, and what each model would take to be trained on it.

    Time and memory are measured: each model takes a few training steps in a process of its own. The status is 0 if
    nothing is wrong or there are warnings only, and 1 for faults: files that cannot be read, a domain without training
    pictures, equal files in several splits, a layout that is none, or no model that can be trained.

    Examples:

        i2i data check photos/

        i2i data check photos/ --size 128 --models cyclegan --sheet photos.png --json photos.json
    """
    from i2i.config import merge, parse_assignments
    from i2i.preflight import examine, lines, write_json

    for place in (sheet, json):
        if place is not None and (place.is_dir() or any(parent.is_file() for parent in place.parents)):
            raise UserError(f"{place} is no place for a file: it is a folder, or lies in a file")
    changes = merge(_data_settings([str(folder)], attributes, None), {"image_size": size} if size else {})
    with _counting("looking at the pictures") as progress:
        report, verdicts = examine(
            merge({"data": changes}, parse_assignments(settings or [])),
            models,
            None if no_trial else device or "",
            sheet,
            seed,
            progress,
            lambda line: print(line, file=sys.stderr),
        )
    print("\n".join(lines(report, verdicts)))
    if sheet is not None and report.files:
        print(f"contact sheet: {sheet}")
    if json is not None:
        write_json(json, report, verdicts)
    sys.exit(1 if report.faults else 0)


@data_app.command("prepare")
def prepare_data(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The data.")],
    size: Annotated[str, typer.Option(help="Pixels: N or HEIGHTxWIDTH.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it must not hold anything yet.")],
    split: Annotated[
        str | None, typer.Option(metavar="TRAIN,VAL,TEST", help="Shares, for data without splits.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the division into splits.")] = 0,
    format: Annotated[str, typer.Option(metavar="png|jpeg", help="JPEG is of quality 95.")] = "png",
    attributes: AttributesOption = None,
    settings: SetOption = None,
    skip_bad: SkipBadOption = False,
) -> None:
    """Decode and resize every picture once, into a clean folder that trains without further ado.

    Pairs stay pairs, and lists of attributes are written again. The new folder appears when it is complete.

    Examples:

        i2i data prepare photos/ --size 128 --out photos-128/

        i2i data prepare unsorted/ --size 128 --split 0.8,0.1,0.1 --out photos-128/
    """
    from i2i.config import merge, parse_assignments
    from i2i.preparation import prepare_folder

    changes = merge(_data_settings([str(folder)], attributes, None), {"image_size": size})
    with _counting("preparing pictures") as progress:
        told = prepare_folder(
            merge({"data": changes}, parse_assignments(settings or [])), out, split, seed, format, skip_bad, progress
        )
    print("\n".join(told))


def _readable(config: "RunConfig", data: "DataSet") -> "tuple[Skipped, DataSet]":
    """What cannot be read of the splits that a training takes, and the data without it."""
    from i2i.data.skipping import find_bad, without

    splits = [config.data.train_split, *([config.data.val_split] if config.train.best_by else [])]
    with _counting("looking for bad pictures") as progress:
        skipped = find_bad(data, splits, progress)
    return skipped, without(data, skipped)


def _before_training(run: Path, config: "RunConfig", data: "DataSet", skipped: "Skipped") -> None:
    """Tell and record what is left out, and what a quick look at the data finds."""
    from i2i.data import quick_check, skipping

    skipping.record(run, skipped)
    told = skipping.lines(skipped, data.root) if skipped else []
    told += quick_check.warnings(data, config.data)
    for line in told:
        print(f"warning: {line}" if not line.startswith(" ") else line, file=sys.stderr)


def _data_settings(data: list[str] | None, attributes: str | None, cache_gib: float | None) -> "Settings":
    """What --data, --attributes and --cache-gib say, as `data` settings."""
    from i2i.data.sources import settings_of

    others = {"attributes": attributes or None, "cache_gib": cache_gib}
    return settings_of(data or []) | {name: value for name, value in others.items() if value is not None}


def _sized(settings: list[str] | None, size: str | None) -> list[str]:
    """The assignments of --set and --size together."""
    return [*(settings or []), *([f"data.image_size={size}"] if size is not None else [])]


def _new_run(
    model: str | None,
    config: str | None,
    data: "Settings",
    assignments: list[str],
    start: "Checkpoint | None",
    on_fault: "Settings",
) -> "RunConfig":
    from i2i.benchmarks.suite import base_settings, default_suite
    from i2i.config import merge, parse_assignments
    from i2i.data.sources import is_drawn
    from i2i.runs import run_config, starting_settings

    taken: Settings = starting_settings(start) if start else {}
    if start:
        model = _same_model(model, taken["model"]["name"])
    changes = parse_assignments(assignments)
    located = merge(data, changes.get("data", {}))
    base: Settings = {}
    name = model
    if config or is_drawn(located):
        name, base = base_settings(config or default_suite(located), model, located)
    if not name:
        raise UserError("which model? Choose one with --model; `i2i models` lists them")
    if "name" in changes.get("model", {}):
        raise UserError("--set model.name chooses no model: use --model")
    return run_config(name, merge(base, taken, {"data": data}, changes, on_fault))


def _same_model(model: str | None, started: str) -> str:
    if model not in (None, started):
        raise UserError(f"--model {model} cannot start with the weights of {started}: leave --model out")
    return started


def _open_data(config: "RunConfig") -> "DataSet":
    from i2i.data.sources import open_data

    with _counting("drawing the embedded set") as progress:
        return open_data(config.data, progress)


def _check_new(run: Path) -> None:
    from i2i.checkpoint import newest_checkpoint

    refuse_file(run)
    checkpoint = newest_checkpoint(run)
    if checkpoint is not None and checkpoint.imported:
        raise UserError(
            f"{run} holds imported weights: start with them by --init {run}, into another folder with --out"
        )
    if checkpoint is not None:
        raise UserError(
            f"{run} holds a training already: go on with --resume {run}, or choose another folder with --out"
        )


def _print_training(run: Path, config: "RunConfig", task: "Task", data: "DataSet") -> None:
    from i2i.config import to_yaml
    from i2i.runs import describe

    print(f"# {describe(config, task)}\n# data: {data.recognised}\n# run folder: {run}")
    print(to_yaml(config.settings()), end="")


def _train(
    run: Path,
    config: "RunConfig",
    task: "Task",
    data: "DataSet",
    device: str | None,
    tensorboard: bool,
    start: "Checkpoint | None",
    accept_data: bool,
) -> None:
    from i2i.checkpoint import require_checkpoint
    from i2i.runs import describe, describe_fit, train_run
    from i2i.tracking import ProgressLine, TensorBoardLog, duration
    from i2i.trainer import Observer, Trainer, choose_device

    chosen = choose_device(device)
    print(f"{describe(config, task)}\ndata: {data.recognised}\n{describe_fit(config, task, data)}", file=sys.stderr)
    print(f"on {chosen}, into {run}", file=sys.stderr)

    def observers(trainer: Trainer) -> tuple[Observer, ...]:
        uncached = trainer.pictures.decoded_when_drawn
        if uncached:
            print(
                f"{uncached} pictures have no place in the cache and are decoded whenever they are shown: "
                "a larger --cache-gib may be faster",
                file=sys.stderr,
            )
        if trainer.position.step:
            print(f"resuming at step {trainer.position.step} of {trainer.position.steps}", file=sys.stderr)
        return (line, *((TensorBoardLog(run),) if tensorboard else ()))

    with ProgressLine(config.name) as line:
        train_run(run, config, task, data, chosen, observers, line.on_loading, start, accept_data=accept_data)
    position = require_checkpoint(run).position
    print(
        f"trained {position.steps} steps on {position.images} images in {duration(position.seconds)}: {run}\n"
        f"translate with: i2i translate {run} PICTURES --target {task.directions[0][1]} --out out/"
    )


def _registered(model: str | None) -> str | None:
    """The name of a model; a class of one's own is imported and registered first."""
    from i2i import own_models

    return own_models.load(model).name if model and own_models.is_source(model) else model


@contextmanager
def _counting(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function of (done, total) that moves a progress bar; nothing shows unless it is called."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    bars = Progress(console=console, transient=True, disable=not console.is_terminal)

    def update(done: int, total: int) -> None:
        if not bars.task_ids:
            bars.start()
            bars.add_task(title, total=total)
        bars.update(bars.task_ids[0], completed=done, total=total)

    try:
        yield update
    finally:
        bars.stop()
