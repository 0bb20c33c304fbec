"""What `i2i train` can be asked for: a new training run, one that goes on, or one from the weights of another."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from i2i import registry
from i2i.api.progress import counting
from i2i.api.settings import data_settings, registered, sized
from i2i.config import RunConfig, Settings, merge, parse_assignments
from i2i.custom_models import is_source
from i2i.data.audit.skip_bad import Skipped, find_bad, record, without
from i2i.data.layouts import DataSet
from i2i.data.layouts.image_folder import is_hidden
from i2i.data.open import is_drawn, open_data, places_of
from i2i.data.synthetic.embedded import EMBEDDED
from i2i.errors import UserError
from i2i.presets.training import base_settings, default_suite
from i2i.runs.checkpoint import Checkpoint
from i2i.runs.folder import looks_like_a_run, newest_checkpoint
from i2i.runs.load import require_checkpoint
from i2i.training.budget import in_images
from i2i.training.describe import describe_start
from i2i.training.resume import open_for_resume
from i2i.training.setup import run_config, starting_domains, starting_settings, task_of, with_pixel_formats
from i2i.translator import Coverage, Task
from i2i.utils import console
from i2i.utils.given_paths import check_folder, lies_in, refuse_among_inputs
from i2i.utils.joined_names import join_names
from i2i.utils.text import option
from i2i.utils.wording import some


@dataclass(frozen=True)
class Options:
    """What the command line says of what is to be trained; None, or False, where it says nothing."""

    model: str | None = None
    data: list[str] | None = None
    attributes: str | None = None
    config: str | None = None
    size: str | None = None
    settings: list[str] | None = None
    out: Path | None = None
    resume: Path | None = None
    init: Path | None = None
    on_nan: str | None = None
    accept_data: bool = False
    cache_gib: float | None = None
    skip_bad: bool = False
    allow_download: bool = False

    @property
    def located(self) -> Settings:
        """Which data, as `data` settings."""
        return data_settings(self.data, self.attributes, self.cache_gib, self.allow_download)

    @property
    def changes(self) -> Settings:
        """What --set, --size and --on-nan say."""
        on_fault: Settings = {"train": {"on_nan": self.on_nan}} if self.on_nan else {}
        return merge(parse_assignments(sized(self.settings, self.size)), on_fault)


@dataclass(frozen=True)
class Ready:
    """A training run of which everything is known and checked.

    Attributes:
        folder: of the run.
        config: what to train.
        task: what it learns.
        data: what it learns from.
        start: checkpoint of another run whose weights it starts with.
        note: what else the user should know.
        resumed: whether it goes on.
        skipped: what a new one leaves out.
    """

    folder: Path
    config: RunConfig
    task: Task
    data: DataSet
    start: Checkpoint | None = None
    note: str = ""
    resumed: bool = False
    skipped: Skipped = field(default_factory=dict)

    def begin(self) -> None:
        """To be called once no other training run can begin in the folder."""
        if not self.resumed:
            check_new(self.folder)
            record(self.folder, self.skipped, self.data.root)


@dataclass(frozen=True)
class Resume:
    """A training run that goes on.

    Attributes:
        folder: of the run.
        changes: what is different from now on.
    """

    folder: Path
    changes: Settings

    @classmethod
    def of(cls, folder: Path, options: Options) -> Self:
        """UserError for options that a run folder decides; a custom model has to be named, so that it is imported."""
        named = options.model if options.model and not is_source(options.model) else None
        decided = {
            "--model": named,
            "--attributes": options.attributes,
            "--config": options.config,
            "--size": options.size,
            "--out": options.out,
            "--init": options.init,
            "--skip-bad": options.skip_bad,
        }
        given = [name for name, value in decided.items() if value]
        if given:
            raise UserError(
                "--resume takes everything from the run folder but --data, where the data have moved, and a longer "
                f"budget by --set: leave out {' and '.join(given)}"
            )
        registered(options.model)
        located = options.located
        if "sets" in located or "path" in located:
            located = {"path": None, "sets": None, **located}
        return cls(folder, merge(options.changes, {"data": located}) if located else options.changes)

    def ready(self) -> Ready:
        """The training run as its checkpoint says; UserError as `open_for_resume`."""
        return Ready(self.folder, *open_for_resume(self.folder, self.changes), resumed=True)


@dataclass(frozen=True)
class New:
    """A new training run.

    Attributes:
        model: name of the translator; None: as `base` says.
        base: name or file of the settings to start from.
        data: which data, as `data` settings.
        changes: settings over all others.
        out: its folder; None: named after model and data.
        skip_bad: whether images that cannot be read are left out.
    """

    model: str | None
    base: str | None
    data: Settings
    changes: Settings
    out: Path | None
    skip_bad: bool

    @classmethod
    def of(cls, options: Options) -> Self:
        """UserError for options that are about a training run that goes on."""
        if options.accept_data:
            raise UserError("--accept-data says how to go on with a training: give it with --resume RUN")
        model = registered(options.model)
        return cls(model, options.config, options.located, options.changes, options.out, options.skip_bad)

    def ready(self) -> Ready:
        """UserError for settings that do not fit, data that cannot be opened or learnt from, or a folder in use."""
        config = self.settings_over({})
        if "domains" not in self._located:
            config = _with_a_pair(config)
        return self.on_data(config, _open_data(config))

    def settings_over(self, taken: Settings) -> RunConfig:
        """The settings of the run, with those that are taken from another between the base and the changes."""
        base: Settings = {}
        name = self.model
        if self.base or is_drawn(self._located):
            name, base = base_settings(self.base or default_suite(self._located), self.model, self._located)
        if not name:
            raise UserError("which model? Choose one with --model; `i2i models` lists them")
        if "name" in self.changes.get("model", {}):
            raise UserError("--set model.name chooses no model: use --model")
        return run_config(name, merge(base, taken, {"data": self.data}, self.changes))

    def on_data(self, config: RunConfig, data: DataSet) -> Ready:
        """The run on data that are open."""
        skipped, readable = _readable(config, data) if self.skip_bad else ({}, data)
        config = with_pixel_formats(in_images(config, readable), readable)
        task = task_of(config, readable)
        folder = self.out or Path("runs") / join_names((config.name, readable.name), "-")
        check_unused(folder, config)
        return Ready(folder, config, task, readable, skipped=skipped)

    @property
    def _located(self) -> Settings:
        return merge(self.data, self.changes.get("data", {}))


@dataclass(frozen=True)
class Init:
    """A new training run that starts with the weights of another.

    Attributes:
        folder: of the other.
        start: its checkpoint.
        new: the new one.
    """

    folder: Path
    start: Checkpoint
    new: New

    @classmethod
    def of(cls, folder: Path, options: Options) -> Self:
        """UserError if there are no weights, they are another model's, or as `New.of`."""
        start = require_checkpoint(folder)
        new, started = New.of(options), start.settings["model"]["name"]
        if new.model not in (None, started):
            raise UserError(f"--model {new.model} cannot start with the weights of {started}: leave --model out")
        return cls(folder, start, replace(new, model=started))

    def ready(self) -> Ready:
        """UserError as `New.ready`, or if the weights do not fit."""
        config = self.new.settings_over(starting_settings(self.start))
        config, data = starting_domains(config, _open_data(config), self.start)
        ready = self.new.on_data(config, data)
        note = describe_start(self.folder, self.start, ready.config, ready.task)
        return replace(ready, start=self.start, note=note)


def case_of(options: Options) -> New | Resume | Init:
    """Which of them the options ask for; UserError for an option that does not fit it."""
    if options.resume is not None:
        return Resume.of(options.resume, options)
    return New.of(options) if options.init is None else Init.of(options.init, options)


def check_new(run: Path) -> None:
    """UserError unless a training run can begin in the folder."""
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


LOGS = (".log", ".txt", ".out", ".err")
"""How files end to which shells and schedulers send what a command says."""


def check_unused(run: Path, config: RunConfig) -> None:
    """UserError unless a run folder can be made, or a training that wrote no checkpoint can begin again in it.

    Nor may it be a data folder, lie in one or hold one: sample grids would be taken for images of the data. A log
    of the command that trains may be there already.
    """
    places = [place for place in places_of(config.data) if place.is_dir()]
    refuse_among_inputs(run, places)
    for place in places:
        if lies_in(place, run):
            raise UserError(f"--out {run} holds {place}, which is read: choose another place, outside of it")
    check_new(run)
    found = [path for path in run.iterdir() if not is_hidden(path.name)] if run.exists() else []
    there = sorted(path.name for path in found if path.suffix not in LOGS)
    if there and not looks_like_a_run(run):
        raise UserError(f"{run} is not empty, it holds {some(there)}: choose another --out or remove it")


def _with_a_pair(config: RunConfig) -> RunConfig:
    """The first two domains of a built-in dataset for a model that learns one pair: the user has not chosen any."""
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


def _open_data(config: RunConfig) -> DataSet:
    with counting("drawing the built-in dataset") as progress:
        return open_data(config.data, progress)


def _readable(config: RunConfig, data: DataSet) -> tuple[Skipped, DataSet]:
    """What cannot be read of the splits that a training takes, and the data without it."""
    splits = [config.data.train_split, *([config.data.val_split] if config.train.best_by else [])]
    with counting("looking for bad images") as progress:
        skipped = find_bad(data, splits, progress)
    return skipped, without(data, skipped)
