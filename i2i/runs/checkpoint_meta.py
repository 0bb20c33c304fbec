"""What is written beside a translator's weights: checkpoint.json of run folders, config.json of exported folders.

These files come from anywhere, and a checksum that they hold of themselves says nothing of their contents. So they are
read here alone, and whatever passes has the types, bounds and relations below.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from i2i._version import __version__
from i2i.config import LARGEST_SIDE, MOST_BANDS, MOST_COUNTED, DataConfig, Settings, TrainConfig, validate
from i2i.errors import Damaged, UserError, unreadable
from i2i.labels import LabelSet, LabelSpace
from i2i.translator import Task
from i2i.utils.checksums import SEAL, checksum_matches
from i2i.utils.json_documents import from_json
from i2i.utils.safe_paths import plain_name

FORMAT = 2
MOST_STEPS = 1_000 * MOST_COUNTED
"""Updates can be counted up to `MOST_COUNTED`, and a step need not update every network."""

Count = Annotated[int, Field(ge=0, le=MOST_STEPS)]
Channels = Annotated[int, Field(ge=1, le=MOST_BANDS)]
Side = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]


class _Part(BaseModel):
    """Types are not converted; entries of later versions are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class _Labels(_Part):
    name: str
    columns: tuple[str, ...] = Field(min_length=1)
    exclusive: tuple[tuple[str, ...], ...]

    def label_set(self) -> LabelSet:
        return LabelSet(self.columns, self.exclusive, self.name)


class _Task(_Part):
    domains: tuple[str, ...] = Field(min_length=2)
    directions: tuple[tuple[str, str], ...] = Field(min_length=1)
    labels: tuple[_Labels, ...] = Field(min_length=1)
    image_size: tuple[Side, Side]
    channels: Channels
    unlike: tuple[tuple[str, Channels], ...] = ()

    @model_validator(mode="after")
    def _fits_itself(self) -> "_Task":
        if self.task().labels.domains != self.domains:
            raise ValueError("the domains are not those of the labels")
        if self.unlike and (
            [domain for domain, _ in self.unlike] != list(self.domains) or self.unlike[0][1] != self.channels
        ):
            raise ValueError("the channels by domain are not those of its domains")
        if any(source == target or {source, target} - {*self.domains} for source, target in self.directions):
            raise ValueError("a direction does not lead from one of the domains to another")
        return self

    def task(self) -> Task:
        try:
            labels = LabelSpace(tuple(one.label_set() for one in self.labels))
        except UserError as error:
            raise ValueError(str(error)) from None
        return Task(self.domains, self.directions, labels, self.image_size, self.channels, self.unlike)


class _Origin(_Part):
    """Of imported weights: the files they came from, and which networks nothing has trained yet."""

    files: tuple[dict[str, Any], ...]
    fresh: tuple[str, ...]


class _Best(_Part):
    step: Count
    images: Count
    metric: str
    value: float


class Budget(_Part):
    """A budget that a training had before it was extended: one of images, updates and seconds, until `step`."""

    step: Count
    images: float | None = None
    updates: float | None = None
    seconds: float | None = None


def _known_settings(settings: Settings) -> Settings:
    """Settings as they were written; ValueError unless those that are known have values that they can have."""
    sections = [settings.get(name) for name in ("model", "data", "train")]
    if not all(isinstance(section, dict) for section in sections):
        raise ValueError("it must hold the sections model, data and train")
    if not isinstance(settings["model"].get("name"), str):
        raise ValueError("model.name must name a model")
    for name, kind in (("data", DataConfig), ("train", TrainConfig)):
        known = {key: value for key, value in settings[name].items() if key in kind.model_fields}
        try:
            validate(kind, known, name)
        except UserError as error:
            raise ValueError(str(error)) from None
    return settings


FileName = Annotated[str, AfterValidator(lambda name: _plain(name))]


def _plain(name: str) -> str:
    try:
        return plain_name(name, "files")
    except UserError as error:
        raise ValueError(str(error)) from None


class Meta(_Part):
    """The entries of checkpoint.json and config.json.

    Attributes:
        step, steps, images, seconds: how far training is, as `Position` has it.
        inference: how the translator runs when it translates, in words.
        averaged: whether a moving average of the weights lies beside them.
        parameters: how many numbers are learnt.
        best: of the weights that were best on the validation split.
        origin: of imported weights alone.
        budgets: that held before the one of the settings, where a training was extended.
        files: checksums of the files beside a checkpoint, by name; None: of before there were any.
    """

    format: Literal[2]
    i2i: str = "unknown version"
    step: Count
    steps: Count
    images: Count
    seconds: Annotated[FiniteFloat, Field(ge=0)]
    inference: str
    averaged: bool = False
    parameters: Count
    task: _Task
    settings: Annotated[dict[str, Any], AfterValidator(_known_settings)]
    best: _Best | None = None
    origin: _Origin | None = None
    budgets: tuple[Budget, ...] = ()
    rollbacks: Annotated[int, Field(ge=0, le=1_000)] = 0
    processes: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    references: Count = 0
    data_fingerprint: str | None = None
    files: dict[FileName, str] | None = None

    @model_validator(mode="after")
    def _sizes_agree(self) -> "Meta":
        data, task = self.settings["data"], self.task.task()
        if tuple(data.get("image_size", task.image_size)) != task.image_size or _channels(data, task) != {
            domain: task.channels_of(domain) for domain in task.domains
        }:
            raise ValueError("the settings and the task tell different sizes or channels of images")
        return self


def _channels(data: Settings, task: Task) -> dict[str, int]:
    """Channels by domain, as `data` settings tell them; as the task does where they do not."""
    formats = data.get("pixel_formats")
    if formats is None:
        return {domain: data.get("channels", task.channels_of(domain)) for domain in task.domains}
    return {domain: formats.get(domain, {}).get("channels") for domain in task.domains}


def read_meta(path: Path, remedy: str) -> Meta:
    """The JSON beside a translator's weights.

    Raises:
        Damaged: if it is not what i2i writes there, with the entry that is wrong.
        UserError: if it cannot be read just now, or is of another format.
    """
    try:
        written = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error, remedy) from None
    meta = _json_object(path, written, remedy)
    if (SEAL in meta or "files" in meta) and not checksum_matches(written, meta):
        raise Damaged(f"{path} cannot be used (it has changed since it was written)", remedy)
    if meta.get("format") != FORMAT:
        raise UserError(
            f"{path} has checkpoint format {_short(meta.get('format'))} and i2i {__version__} reads {FORMAT}: "
            f"use the i2i that wrote it ({_short(meta.get('i2i', 'unknown version'))}) or train again"
        )
    try:
        return from_json(Meta, written)
    except ValidationError as error:
        raise Damaged(f"{path} cannot be used ({first_fault(error)})", remedy) from None


def _short(value: object) -> str:
    return str(value)[:40]


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong with a file's contents: `entry: what is the matter`."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])[:100]
    message = fault["msg"].removeprefix("Value error, ")[:300]
    return f"{place}: {message}" if place else message


def _json_object(path: Path, written: bytes, remedy: str) -> Mapping[str, object]:
    try:
        meta = json.loads(written.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path} cannot be read ({error})", remedy) from None
    if not isinstance(meta, dict):
        raise Damaged(f"{path} is no checkpoint of i2i", remedy)
    return meta
