"""What each model would make of a data set: whether it can be trained on it, and what that would take."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from i2i import custom_models, registry
from i2i.config import DataConfig, RunConfig, Settings, merge, validate
from i2i.custom_models import CustomModel
from i2i.data.audit.checks import Finding, InspectedData
from i2i.data.audit.contact_sheet import contact_sheet, write_sheet
from i2i.data.audit.report import Report, check, inspect_data, refused, with_findings
from i2i.data.audit.skip_bad import without
from i2i.data.audit.unrecognized import diagnose
from i2i.data.layouts import DataSet
from i2i.data.open import choices_of, located, open_data
from i2i.data.preparation.unsplit import read_undivided
from i2i.errors import NoLayout, TrainingError, UserError
from i2i.training.budget import in_images
from i2i.training.device import choose_device
from i2i.training.profiling import Trial, try_out
from i2i.training.setup import blank_translator, run_config, task_of, with_pixel_formats
from i2i.translator import Coverage, Task
from i2i.utils.atomic_write import write_text
from i2i.utils.progress import Progress
from i2i.utils.text import one_line
from i2i.utils.wording import duration

GIB = 2**30


@dataclass(frozen=True)
class Verdict:
    """What a model would make of the data.

    Attributes:
        model: its name.
        task: what it was tried for, such as `horse and zebra`.
        multiple: what image sides must be multiples of; None where it cannot be trained.
        trial: what was measured, unless it was not tried or could not be.
        images: bytes of the training images, decoded.
        budget: unit and amount of the training.
        reason: why it cannot be trained.
    """

    model: str
    task: str = ""
    multiple: int | None = None
    trial: Trial | None = None
    images: int = 0
    budget: tuple[str, float] | None = None
    reason: str | None = None

    def line(self) -> str:
        """For people to read, of one that can be trained."""
        fits = f"{self.model} ({self.task}): sides must be multiples of {self.multiple}, which these are"
        if self.trial is None or self.budget is None:
            return fits
        trial, (unit, amount) = self.trial, self.budget
        return (
            f"{fits}; estimate on {trial.device} for {amount:,g} {unit}: {duration(trial.seconds)}, {trial.steps:,} "
            f"steps of {trial.seconds_per_step:.3g} s; {trial.memory / GIB:.2f} GiB of memory, and "
            f"{self.images / GIB:.2f} GiB of images"
        )


def examine(
    settings: Settings,
    models: str | None = None,
    device: str | None = None,
    sheet: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    announce: Callable[[str], None] = lambda line: None,
) -> tuple[Report, list[Verdict]]:
    """Check a data folder and what models would make of it.

    Args:
        settings: sections `data`, which names the folder, `train` and `model`, the same for all models.
        models: names or custom models, `a,mine.py:MyModel`; None: all that learn something.
        device: where to try them; empty: the best there is; None: they are not tried.
        sheet: where to draw a contact sheet.
        seed: of the images on it.
        progress: called with files looked at and in total.
        announce: gets a line before each trial.

    Raises:
        UserError: for a folder that is missing, or settings and names that do not fit.
    """
    config = validate(DataConfig, settings.get("data", {}), "data")
    models_to_try = choose_models(models)
    chosen = choose_device(device or None) if device is not None else None
    place = None if config.path is None else located(config.path, config)
    if place is None or not place.exists():
        raise UserError(f"there is no data folder {config.path}")
    try:
        data = open_data(config)
    except NoLayout as error:
        return refused(
            str(error), config.image_size, diagnose(place, config.image_size), _undivided(config, progress)
        ), []
    except UserError as error:
        return refused(f"{config.path} cannot be used as it is", config.image_size, str(error)), []
    inspected = inspect_data(data, config, progress)
    report = check(inspected)
    if sheet is not None:
        write_sheet(sheet, contact_sheet(inspected, report.findings, seed))
    readable = without(data, {str(one.path) for one in inspected.inspections.values() if one.fault is not None})
    lost = _lost(data, readable, config.train_split)
    usable = {name: own for name, own in models_to_try.items() if not _learnt(name, data, settings) & lost.keys()}
    verdicts = assess(usable, readable, settings, chosen, announce)
    report = with_findings(report, list(lost.values())[:1])
    return with_models(report, verdicts, named=models is not None), verdicts


def _lost(data: DataSet, readable: DataSet, split: str) -> dict[str, Finding]:
    """Domains that have images in a split, but none that can be used, each with the finding that names them all."""
    had, has = data.splits.get(split, {}), readable.splits.get(split, {})
    names = [domain for domain in data.domains if had.get(domain) and not has.get(domain)]
    together = " together with its partner" if data.paired else ""
    text = (
        f"no image of {one_line(' and '.join(names))} in {split} can be read{together}: "
        "models that would learn from them were not tried"
    )
    return dict.fromkeys(names, Finding("unreadable domain", True, text))


def _learnt(name: str, data: DataSet, settings: Settings) -> set[str]:
    """The domains that a model would learn from."""
    return set(run_config(name, _for_one(name, data, settings)).data.domains or data.domains)


def _undivided(config: DataConfig, progress: Progress | None) -> InspectedData | None:
    """A look at data that only lack splits; None for others."""
    if config.path is None:
        return None
    try:
        data = read_undivided(located(config.path, config), choices_of(config))
    except UserError:
        return None
    return inspect_data(data, config.model_copy(update={"train_split": next(iter(data.splits))}), progress)


def choose_models(pattern: str | None) -> dict[str, CustomModel | None]:
    """Models of a list such as `a,mine.py:MyModel` by name, with where those of one's own come from.

    None: all that learn something.
    """
    if pattern is None:
        return {name: None for name in registry.names() if registry.get(name).generators}
    texts = [text.strip() for text in pattern.split(",")]
    owns = [custom_models.load(text) if custom_models.is_source(text) else None for text in texts]
    names = [own.name if own else text for own, text in zip(owns, texts, strict=True)]
    for name in names:
        registry.get(name)
    return dict(zip(names, owns, strict=True))


def assess(
    models: Mapping[str, CustomModel | None],
    data: DataSet,
    settings: Settings,
    device: torch.device | None,
    announce: Callable[[str], None] = lambda line: None,
) -> list[Verdict]:
    """Verdicts of models, each tried in a process of its own.

    Args:
        models: by name, with where those of one's own come from.
        data: what they would be trained on, without files that cannot be read.
        settings: sections `data`, `train` and `model` for all of them.
        device: where to try them; None: they are not tried.
        announce: gets a line before each trial.

    Raises:
        UserError: for a setting that a model does not have.
    """
    return [
        _assess(run_config(name, _for_one(name, data, settings)), data, device, announce, own)
        for name, own in models.items()
    ]


def _for_one(name: str, data: DataSet, settings: Settings) -> Settings:
    """The settings for one model; of more domains than it takes the first two."""
    pair = registry.get(name).coverage is not Coverage.ALL and len(data.domains) > 2
    return merge(settings, {"data": {"domains": list(data.domains[:2])}}) if pair else settings


def _assess(
    config: RunConfig,
    data: DataSet,
    device: torch.device | None,
    announce: Callable[[str], None],
    own: CustomModel | None,
) -> Verdict:
    shown = data.restricted(config.data.domains) if config.data.domains else data
    try:
        config = with_pixel_formats(in_images(config, shown), shown)
        task = task_of(config, shown)
        multiple = blank_translator(config, task).multiple
        if device is None:
            return Verdict(config.name, _words(task), multiple)
        announce(f"trying {config.name} on {device}")
        trial = try_out(config, task, shown, device, own)
    except UserError as error:
        return Verdict(config.name, reason=str(error))
    except TrainingError as error:
        return Verdict(config.name, reason=f"{config.name} was tried and failed: {error}")
    return Verdict(config.name, _words(task), multiple, trial, _images(config, task, shown), config.train.budget)


def _words(task: Task) -> str:
    return f"{len(task.domains)} domains" if len(task.domains) > 2 else one_line(" and ".join(task.domains))


def _images(config: RunConfig, task: Task, data: DataSet) -> int:
    """Bytes of the decoded training images."""
    files = {(p.path, p.half) for domain in task.domains for p in data.images(config.data.train_split, domain)}
    height, width = (round(side * config.data.zoom) for side in task.image_size)
    return len(files) * height * width * task.channels


def with_models(report: Report, verdicts: Sequence[Verdict], named: bool) -> Report:
    """The report, with a warning for models that were named and cannot be trained; a fault if none can."""
    none_can = all(one.reason is not None for one in verdicts)
    if named or none_can:
        return with_findings(report, [Finding("model", none_can, text) for text in _refusals(verdicts)])
    return report


def _refusals(verdicts: Sequence[Verdict]) -> list[str]:
    """Why some cannot be trained, a line per reason."""
    found: dict[str, list[str]] = {}
    for one in verdicts:
        if one.reason is not None:
            found.setdefault(one.reason, []).append(one.model)
    return [f"{', '.join(models)}: {reason}" for reason, models in found.items()]


def as_json(report: Report, verdicts: Sequence[Verdict]) -> dict[str, object]:
    """Report and verdicts as plain values."""
    return report.json() | {"models": [asdict(one) for one in verdicts]}


def write_json(path: Path, report: Report, verdicts: Sequence[Verdict]) -> None:
    """Write report and verdicts, complete or not at all."""
    write_text(path, json.dumps(as_json(report, verdicts), indent=1, ensure_ascii=False) + "\n")


def lines(report: Report, verdicts: Sequence[Verdict]) -> list[str]:
    """Report and verdicts for people to read; faults and warnings stand last."""
    said = report.lines()
    count = len(report.findings) or 1
    known = {finding.text for finding in report.findings}
    fitting = [one.line() for one in verdicts if one.reason is None]
    refusals = [text for text in _refusals(verdicts) if text not in known]
    return [*said[:-count], *fitting, *refusals, *said[-count:]]
