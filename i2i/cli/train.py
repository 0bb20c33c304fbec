"""`i2i train`: a new training, one that goes on, or one that starts with the weights of another."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2i.cli.options import (
    AttributesOption,
    CacheOption,
    DataOption,
    DeviceOption,
    DryRunOption,
    SetOption,
    SizeOption,
    SkipBadOption,
    data_settings,
    registered,
    sized,
)
from i2i.cli.progress import counting
from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.joined_names import join_names
from i2i.utils.places import check_folder
from i2i.utils.text import argument, option

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from i2i.config import RunConfig, Settings
    from i2i.data.audit.skip_bad import Skipped
    from i2i.data.layouts import DataSet
    from i2i.distributed.process_group import Processes
    from i2i.runs.checkpoint import Checkpoint
    from i2i.translator import Task


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
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Go on with a training; a longer budget by --set, data that have moved by --data."
        ),
    ] = None,
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

        i2i train --resume runs/cyclegan-photos --data /new/place/photos --set train.images=400000

        i2i train --init runs/stargan-seasons --data photos/

        i2i train --model mine.py:MyModel

        torchrun --nproc-per-node 2 -m i2i train --model stargan
    """
    from i2i.data.audit.skip_bad import record
    from i2i.distributed.process_group import joined
    from i2i.runs.load import require_checkpoint
    from i2i.training.budget import in_images
    from i2i.training.describe import describe_start
    from i2i.training.device import choose_device
    from i2i.training.resume import open_for_resume
    from i2i.training.run import refuse_unlike_settings
    from i2i.training.setup import starting_domains, task_of

    if tensorboard:
        _require_tensorboard()
    chosen = choose_device(device)
    with joined(chosen) as processes:
        start = require_checkpoint(init) if init is not None else None
        skipped: Skipped | None = None
        given, model = model, registered(model)
        on_fault: Settings = {"train": {"on_nan": on_nan}} if on_nan else {}
        if resume is not None:
            named = model is not None and model == given  # and no class of one's own, which has to be imported
            if named or attributes or config or size or out or init or skip_bad:
                raise UserError(
                    "--resume takes everything from the run folder but --data, where the data have moved, and a longer "
                    "budget by --set: leave the other options out"
                )
            run_config, task, data_set = open_for_resume(resume, _changes(data, cache_gib, settings, on_fault))
            run = resume
        else:
            if accept_data:
                raise UserError("--accept-data says how to go on with a training: give it with --resume RUN")
            located = data_settings(data, attributes, cache_gib)
            run_config = _new_run(model, config, located, sized(settings, size), start, on_fault)
            data_set = _open_data(run_config)
            if start is not None:
                run_config, data_set = starting_domains(run_config, data_set, start)
            skipped, data_set = _readable(run_config, data_set) if skip_bad else ({}, data_set)
            run_config = in_images(run_config, data_set)
            task = task_of(run_config, data_set)
            run = out or Path("runs") / join_names((run_config.name, data_set.name), "-")
            _check_new(run)
        facts = {"--resume": resume is not None, "--dry-run": dry_run, "--accept-data": accept_data}
        refuse_unlike_settings(processes, run_config, task, chosen, facts)
        if init is not None and start is not None:
            console.note(describe_start(init, start, run_config, task))
        if dry_run:
            _print_training(run, run_config, task, data_set)
            return

        def begin() -> None:
            """Once no other training can begin in the folder."""
            if skipped is not None:
                _check_new(run)
                record(run, skipped, data_set.root)

        if skipped is not None:
            left_out = skipped
            processes.once(lambda: _warn(run_config, data_set, left_out))
        _train(run, run_config, task, data_set, chosen, tensorboard, start, accept_data, processes, begin, given)


def _changes(
    data: list[str] | None, cache_gib: float | None, assignments: list[str] | None, on_fault: "Settings"
) -> "Settings":
    """What is to be different from now on in a training that goes on."""
    from i2i.config import merge, parse_assignments

    located = data_settings(data, None, cache_gib)
    if "sets" in located or "path" in located:
        located = {"path": None, "sets": None, **located}
    changes = merge(parse_assignments(assignments or []), on_fault)
    return merge(changes, {"data": located}) if located else changes


def _require_tensorboard() -> None:
    if find_spec("tensorboard") is None:
        raise UserError("--tensorboard needs TensorBoard, which is not installed: pip install 'i2i[tensorboard]'")


def _new_run(
    model: str | None,
    config: str | None,
    data: "Settings",
    assignments: list[str],
    start: "Checkpoint | None",
    on_fault: "Settings",
) -> "RunConfig":
    from i2i.benchmarks.suite.overrides import base_settings, default_suite
    from i2i.config import merge, parse_assignments
    from i2i.data.open import is_drawn
    from i2i.training.setup import run_config, starting_settings

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
    made = run_config(name, merge(base, taken, {"data": data}, changes, on_fault))
    return made if start or "domains" in located else _with_a_pair(made)


def _with_a_pair(config: "RunConfig") -> "RunConfig":
    """The first two domains of a drawn set for a model that learns one pair: the user has not chosen any."""
    from i2i import registry
    from i2i.config import merge
    from i2i.data.synthetic.embedded import EMBEDDED
    from i2i.training.setup import run_config
    from i2i.translator import Coverage

    data = config.data
    if data.path or data.sets or data.embedded not in EMBEDDED or registry.get(config.name).coverage is Coverage.ALL:
        return config
    domains = list(data.domains or EMBEDDED[data.embedded].domains)
    if len(domains) <= 2:
        return config
    console.note(
        f"{config.name} learns one pair of domains: the first two of {data.embedded}, {domains[0]} and {domains[1]}; "
        "others with --set data.domains=A,B"
    )
    return run_config(config.name, merge(config.settings(), {"data": {"domains": domains[:2]}}))


def _same_model(model: str | None, started: str) -> str:
    if model not in (None, started):
        raise UserError(f"--model {model} cannot start with the weights of {started}: leave --model out")
    return started


def _open_data(config: "RunConfig") -> "DataSet":
    from i2i.data.open import open_data

    with counting("drawing the embedded set") as progress:
        return open_data(config.data, progress)


def _readable(config: "RunConfig", data: "DataSet") -> "tuple[Skipped, DataSet]":
    """What cannot be read of the splits that a training takes, and the data without it."""
    from i2i.data.audit.skip_bad import find_bad, without

    splits = [config.data.train_split, *([config.data.val_split] if config.train.best_by else [])]
    with counting("looking for bad pictures") as progress:
        skipped = find_bad(data, splits, progress)
    return skipped, without(data, skipped)


def _check_new(run: Path) -> None:
    from i2i.runs.checkpoint import newest_checkpoint

    check_folder(run)
    checkpoint = newest_checkpoint(run)
    if checkpoint is not None and checkpoint.imported:
        raise UserError(
            f"{run} holds imported weights: start with them by {option('--init', run)}, into another folder with --out"
        )
    if checkpoint is not None:
        raise UserError(
            f"{run} holds a training already: go on with {option('--resume', run)}, or choose another folder with --out"
        )


def _print_training(run: Path, config: "RunConfig", task: "Task", data: "DataSet") -> None:
    from i2i.config import to_yaml
    from i2i.training.describe import describe

    console.say(f"# {describe(config, task)}\n# data: {data.recognised}\n# run folder: {run}")
    console.say(to_yaml(config.settings()), end="")


def _warn(config: "RunConfig", data: "DataSet", skipped: "Skipped") -> None:
    """Tell what is left out, and what a quick look at the data finds."""
    from i2i.data.audit import quick_check, skip_bad

    told = skip_bad.lines(skipped, data.root) if skipped else []
    told += quick_check.warnings(data, config.data)
    for line in told:
        console.note(f"warning: {line}" if not line.startswith(" ") else line)


def _train(
    run: Path,
    config: "RunConfig",
    task: "Task",
    data: "DataSet",
    device: "torch.device",
    tensorboard: bool,
    start: "Checkpoint | None",
    accept_data: bool,
    processes: "Processes",
    begin: "Callable[[], None]",
    given: str | None,
) -> None:
    from i2i import custom_models
    from i2i.runs.load import require_checkpoint
    from i2i.training.callbacks import ProgressLine, TensorBoardLog, duration
    from i2i.training.describe import counted, describe, describe_fit
    from i2i.training.events import Observer
    from i2i.training.run import train_run
    from i2i.training.trainer import Trainer

    together = f"by {counted(processes.count)}, the first " if processes.count > 1 else ""
    console.note(f"{describe(config, task)}\ndata: {data.recognised}\n{describe_fit(config, task, data)}")
    console.note(f"{together}on {device}, into {run}")

    def observers(trainer: Trainer) -> tuple[Observer, ...]:
        uncached = trainer.pictures.decoded_when_drawn
        if uncached:
            console.note(
                f"{uncached} pictures have no place in the cache and are decoded whenever they are shown: "
                "a larger --cache-gib may be faster",
            )
        if trainer.position.step:
            console.note(f"resuming at step {trainer.position.step} of {trainer.position.steps}")
        return (line, *((TensorBoardLog(run),) if tensorboard else ()))

    with ProgressLine(config.name) as line:
        train_run(
            run,
            config,
            task,
            data,
            device,
            observers,
            line.on_loading,
            start,
            accept_data=accept_data,
            processes=processes,
            when_held=begin,
        )
    position = require_checkpoint(run).position
    own = f" {option('--model', given)}" if given and custom_models.is_source(given) else ""
    console.say(
        f"trained {position.steps} steps on {position.images} images in {duration(position.seconds)}: {run}\n"
        f"translate with: i2i translate {argument(run)} PICTURES {option('--target', task.directions[0][1])}{own}"
        " --out out/"
    )
