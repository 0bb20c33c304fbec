"""Settings of a training: typed, frozen, documented field by field, and printed as they run."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from enum import Enum
from functools import lru_cache
from pathlib import Path
from reprlib import Repr
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo

from i2i.errors import UserError, did_you_mean, unknown
from i2i.utils.split_names import canonical_split
from i2i.utils.text import option

Settings = dict[str, Any]
"""Nested settings as YAML gives them, before they are checked."""

YAML_ERRORS = (yaml.YAMLError, ValueError, KeyError, IndexError, AttributeError, TypeError, RecursionError)
"""What PyYAML raises for texts that are no YAML; the plain ones come from values such as `!!float` without a number."""

Model = TypeVar("Model", bound=BaseModel)

Fit = Literal["crop", "resize", "pad"]
"""How an image file of other proportions is fitted to the size: its edges go, it is squeezed, or it gets a border."""

BUDGETS = ("images", "updates", "seconds", "epochs")
"""What a budget can be counted in. They replace one another: of several the one said last holds."""

DEFAULT_IMAGES = 200_000

# Bounds that nobody meets but by a slip of the hand: it should be told at once, and not by the memory that it takes.
MOST_COUNTED = 10**12
MOST_SECONDS = 10**9
MOST_SCENES = 10**6
LARGEST_SIDE = 4_096
LARGEST_BATCH = 65_536
LARGEST_CACHE = 10**6
MOST_BANDS = 32
LARGEST_SEED = 2**63 - 1
MOST_DIGITS = 100
"""Of an integer in YAML; Python itself refuses to write out larger ones than some thousands."""


def _is_list(kind: object) -> bool:
    """Whether a field takes a list of plain values of any length."""
    if get_origin(kind) in (Union, UnionType):
        return any(map(_is_list, get_args(kind)))
    inner = get_args(kind)
    return get_origin(kind) in (tuple, list) and inner[1:] in ((), (...,)) and not _is_list(inner[0])


EARLIER_WORDS = {("test_statistics", "picture"): "image"}
"""Settings of models with values that were written otherwise: files of then are read, and keys keep their words."""

_WORDS_OF_KEYS = {(name, now): then for (name, then), now in EARLIER_WORDS.items()}


def in_words(model: Settings, words: Mapping[tuple[str, str], str]) -> Settings:
    """Settings of a model, with other words for some values."""
    return {name: words.get((name, value), value) if isinstance(value, str) else value for name, value in model.items()}


class InKey(Enum):
    """Whether a setting decides what is learnt, and so enters the key by which results of before are found.

    A setting that is new is `WHERE_CHANGED` if its default is what was done before, so that those results stay found.
    A model's settings are `ALWAYS` unless they say something else: `rate: Annotated[float, InKey.WHERE_CHANGED] = 0.1`.
    """

    ALWAYS = "always"
    NEVER = "never"  # where data lie, and how often is reported; a run that rolls back has a result where others fail
    WHERE_CHANGED = "where it is not the default"
    WHERE_EVALUATED = "where train.best_by asks for evaluations"


def in_key(setting: FieldInfo) -> InKey:
    """What a setting says of itself, or `ALWAYS`."""
    return next((said for said in setting.metadata if isinstance(said, InKey)), InKey.ALWAYS)


class Section(BaseModel):
    """Base of all sections: unknown keys are errors and nothing changes after construction."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _listed(cls, value: object, info: ValidationInfo) -> object:
        """A list as users type it, `a,b`."""
        if not isinstance(value, str) or not _is_list(cls.model_fields[str(info.field_name)].annotation):
            return value
        return tuple(name.strip() for name in value.split(","))


def one_budget(settings: object) -> object:
    """Settings with exactly one of `BUDGETS`: for the validators of sections that hold them."""
    if not isinstance(settings, dict):
        return settings
    given = [kind for kind in BUDGETS if settings.get(kind) is not None]
    if len(given) > 1:
        named = ", ".join(f"{kind}={_shown(settings[kind])}" for kind in given)
        raise ValueError(f"a budget is counted in one unit: choose one of {named}")
    return settings if given else {**settings, "images": DEFAULT_IMAGES}


Band = Annotated[int, Field(ge=0, lt=MOST_BANDS)]
Limits = tuple[float, float]
"""The least and the largest of some values."""


def rising(limits: Limits | None) -> Limits | None:
    """A range or window; ValueError for one that is empty or upside down."""
    if limits is not None and not limits[0] < limits[1]:
        raise ValueError(f"{limits[0]:g} to {limits[1]:g} is empty or upside down: give the lower end first")
    return limits


class PixelFormat(Section):
    """What the values of a domain's images are, where images are taken as their files hold them, not as 8 bits.

    Attributes:
        file: what translations into the domain are written as.
        dtype: of the values in files.
        channels: how many the model sees.
        range: what becomes -1 and 1 for models; values beyond are cut off.
        fill: what stands for values that are not finite; None: there must be none.
        take: which channels of a file are read, from 0; None: all.
        bands: which of the model's channels are shown, one as grey or three as red, green and blue; None: the first.
        window: what is shown as black and as white; None: the range.
    """

    file: Literal["png", "tiff", "npy"]
    dtype: Literal["uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64"]
    channels: int = Field(ge=1, le=MOST_BANDS)
    range: Annotated[Limits, AfterValidator(rising)]
    fill: float | None = None
    take: tuple[Band, ...] | None = None
    bands: tuple[Band, ...] | None = None
    window: Annotated[Limits | None, AfterValidator(rising)] = None

    @model_validator(mode="after")
    def _fits_itself(self) -> "PixelFormat":
        if self.bands is not None and (len(self.bands) not in (1, 3) or max(self.bands) >= self.channels):
            raise ValueError(f"bands {list(self.bands)} are not one or three of {self.channels} channels, from 0")
        if self.take is not None and len(self.take) != self.channels:
            raise ValueError(f"take {list(self.take)} does not name {self.channels} channels")
        if self.file == "png" and (self.dtype not in ("uint8", "uint16") or self.channels > 4):
            raise ValueError(f"a PNG file does not hold {self.channels} channels of {self.dtype}")
        return self


class DataConfig(Section):
    """Which image files, and how they become images of one size."""

    path: Annotated[Path | None, InKey.NEVER] = Field(
        None, description="data folder, archive or manifest; None: the built-in dataset"
    )
    layout: Annotated[str | None, InKey.NEVER] = Field(
        None, description="how the data are laid out; None: as recognised"
    )
    paired: Annotated[bool | None, InKey.NEVER] = Field(
        None, description="whether equal names are pairs; None: as the card or the names say"
    )
    sets: Annotated[dict[str, str] | None, InKey.NEVER] = Field(
        None, description="several folders by name, learnt together; embedded:NAME for a built-in dataset"
    )
    embedded: Annotated[str, InKey.NEVER] = Field(
        "seasons", description="name of the built-in dataset (seasons, styles), when there is no path"
    )
    scenes: Annotated[int, InKey.NEVER] = Field(
        400, ge=1, le=MOST_SCENES, description="training scenes of the built-in dataset"
    )
    test_scenes: Annotated[int, InKey.NEVER] = Field(
        60, ge=2, le=MOST_SCENES, description="test scenes of the built-in dataset"
    )
    val_scenes: Annotated[int, InKey.NEVER] = Field(
        0, ge=0, le=MOST_SCENES, description="validation scenes of the built-in dataset; 0: no such split"
    )
    image_size: Annotated[tuple[int, int], InKey.ALWAYS] = Field(
        (256, 256), description="height and width, pixels; N, HxW or [H, W]"
    )
    channels: Annotated[Literal[1, 3], InKey.ALWAYS] = Field(3, description="3: RGB, 1: greyscale")
    pixel_formats: Annotated[dict[str, PixelFormat] | None, InKey.WHERE_CHANGED] = Field(
        None, description="by domain, of data beyond 8-bit RGB, as card and files say it; None: 8 bits"
    )
    fit: Annotated[Fit, InKey.ALWAYS] = Field(
        "crop", description="other proportions: crop the edges, resize without keeping them, or pad"
    )
    background: Annotated[str, InKey.ALWAYS] = Field(
        "white", description="colour behind transparency and of padding, e.g. black or rgb(9, 9, 9)"
    )
    domains: Annotated[tuple[str, ...] | None, InKey.ALWAYS] = Field(
        None, description="only these domains, in this order"
    )
    attributes: Annotated[tuple[str, ...] | None, InKey.ALWAYS] = Field(
        None, description="of a list; None: those of StarGAN's paper"
    )
    exclusive: Annotated[tuple[tuple[str, ...], ...] | None, InKey.ALWAYS] = Field(
        None, description="groups of attributes that replace one another; None: hair colours"
    )
    columns: Annotated[tuple[str, ...] | None, InKey.NEVER] = Field(
        None,
        description="of a table of Hugging Face: IMAGE,CLASS or DOMAIN=IMAGE,DOMAIN=IMAGE; None: as the card says, or "
        "where there is one way only",
    )
    zoom: Annotated[float, InKey.ALWAYS] = Field(
        286 / 256, ge=1, le=4, description="training crops come from images this much larger"
    )
    flip: Annotated[bool, InKey.ALWAYS] = Field(True, description="mirror half of the training images")
    cache_gib: Annotated[float, InKey.NEVER] = Field(
        8.0, ge=0, le=LARGEST_CACHE, description="bound of the decoded images on disk, GiB; 0: none are kept"
    )
    train_split: Annotated[str, InKey.ALWAYS] = "train"
    test_split: Annotated[str, InKey.ALWAYS] = "test"
    val_split: Annotated[str, InKey.WHERE_EVALUATED] = Field("val", description="for train.best_by")

    def channels_of(self, domain: str) -> int:
        """Channels of the images of a domain, as models see them."""
        return self.channels if self.pixel_formats is None else self.pixel_formats[domain].channels

    @model_serializer(mode="wrap")
    def _serialized(self, handler: SerializerFunctionWrapHandler) -> Settings:
        """Formats only where there are some: what is written of 8-bit data stays as it was."""
        settings: Settings = handler(self)
        return {name: value for name, value in settings.items() if name != "pixel_formats" or value is not None}

    @field_validator("train_split", "test_split", "val_split")
    @classmethod
    def _spelled(cls, value: str) -> str:
        return canonical_split(value)

    @field_validator("image_size", mode="before")
    @classmethod
    def _size(cls, value: object) -> object:
        if isinstance(value, str):
            sides = value.lower().split("x")
            if len(sides) > 2 or not all(side.strip().isdecimal() for side in sides):
                raise ValueError("write N, HxW or [H, W]")
            return int(sides[0]), int(sides[-1])
        return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("image_size")
    @classmethod
    def _positive(cls, value: tuple[int, int]) -> tuple[int, int]:
        if min(value) < 8:
            raise ValueError("image sides must be at least 8 pixels")
        if max(value) > LARGEST_SIDE:
            raise ValueError(f"image sides must be at most {LARGEST_SIDE:,} pixels")
        return value

    @field_validator("background")
    @classmethod
    def _opaque(cls, value: str) -> str:
        from PIL import ImageColor  # here, so that listing settings does not wait for it

        try:
            bands = len(ImageColor.getrgb(value))
        except ValueError:
            bands = 0
        if bands != 3:
            raise ValueError("name an opaque colour, such as white, black, '#808080' or rgb(128, 128, 128)")
        return value

    @field_validator("sets")
    @classmethod
    def _named(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        for name in value or ():
            if not name or "/" in name or "," in name:
                raise ValueError(f"{name!r} is no name for a data set: leave out / and ,")
        if value is not None and len(value) < 2:
            raise ValueError("give at least two data sets, or data.path for a single one")
        return value


class TrainConfig(Section):
    """How long and how a translator is trained."""

    images: Annotated[int | None, InKey.WHERE_CHANGED] = Field(
        None,
        ge=1,
        le=MOST_COUNTED,
        description="budget: real images shown, a pair counting as two; 200,000 where none is given",
    )
    updates: Annotated[int | None, InKey.WHERE_CHANGED] = Field(
        None, ge=1, le=MOST_COUNTED, description="budget: updates of the generators, in place of images"
    )
    seconds: Annotated[float | None, InKey.WHERE_CHANGED] = Field(
        None, gt=0, le=MOST_SECONDS, description="budget: time in training steps, in place of images"
    )
    epochs: Annotated[float | None, InKey.WHERE_CHANGED] = Field(
        None,
        gt=0,
        le=MOST_COUNTED,
        description="budget: times the images of the training split; told in images once the data are open",
    )
    batch_size: Annotated[int | None, InKey.ALWAYS] = Field(
        None, ge=1, le=LARGEST_BATCH, description="items per step; None: the method's own"
    )
    accumulate: Annotated[int, InKey.ALWAYS] = Field(
        1, ge=1, le=LARGEST_BATCH, description="micro-batches per step; must divide the batch size"
    )
    precision: Annotated[Literal["auto", "fp32", "bf16"], InKey.ALWAYS] = Field(
        "auto", description="bf16: autocast of the networks; auto: bf16 where the device computes it natively"
    )
    channels_last: Annotated[Literal["auto"] | bool, InKey.ALWAYS] = Field(
        "auto", description="NHWC memory format; auto: where it was measured to be faster for the model"
    )
    graphs: Annotated[Literal["auto", "on", "off"], InKey.NEVER] = Field(
        "auto", description="training steps as CUDA graphs; auto: where they can be, on: or not at all"
    )
    compile: Annotated[Literal["off", "auto"], InKey.NEVER] = Field(
        "off", description="generators fused by torch.compile; auto: on a GPU, after a minute or more of compiling"
    )
    seed: Annotated[int, InKey.ALWAYS] = Field(0, ge=0, le=LARGEST_SEED)
    decay_from: Annotated[float | None, InKey.ALWAYS] = Field(
        None,
        ge=0,
        le=1,
        description="share of training after which the rate falls to 0; None: the method's own schedule",
    )
    zoom_until: Annotated[float, InKey.WHERE_CHANGED] = Field(
        1.0,
        ge=0,
        le=1,
        description="share of training after which images are no longer zoomed (data.zoom) and cropped at random",
    )
    ema: Annotated[float, InKey.ALWAYS] = Field(
        0.0, ge=0, lt=1, description="decay per step of the generators' averaged weights; 0: none"
    )
    ema_warmup: Annotated[bool, InKey.WHERE_CHANGED] = Field(
        True, description="a smaller decay in the first steps, to forget the untrained weights"
    )
    ema_statistics: Annotated[bool, InKey.WHERE_CHANGED] = Field(
        False, description="running statistics of batch norms are averaged as the weights are, in place of copied"
    )
    log_every: Annotated[int, InKey.NEVER] = Field(
        50, ge=1, le=MOST_COUNTED, description="steps between lines of metrics.jsonl"
    )
    sample_every: Annotated[int, InKey.NEVER] = Field(
        1000, ge=0, le=MOST_COUNTED, description="steps between sample grids; 0: only at the end"
    )
    checkpoint_every: Annotated[int, InKey.NEVER] = Field(
        1000, ge=1, le=MOST_COUNTED, description="steps between checkpoints"
    )
    on_nan: Annotated[Literal["stop", "rollback"], InKey.NEVER] = Field(
        "stop",
        description="when a loss or gradient is not finite; rollback: return to the last checkpoint and go on with "
        "another order of the data, three times at most",
    )
    best_by: Annotated[str | None, InKey.WHERE_CHANGED] = Field(
        None, description="also keep the weights that are best by this metric on the validation split"
    )
    evaluations: Annotated[int, InKey.WHERE_EVALUATED] = Field(
        10, ge=1, le=MOST_COUNTED, description="how often that is looked at, evenly over the training"
    )

    _one_budget = model_validator(mode="before")(one_budget)

    @field_validator("graphs", "compile", mode="before")
    @classmethod
    def _yaml_word(cls, value: object) -> object:
        """YAML reads the words on and off as true and false."""
        return ("on" if value else "off") if isinstance(value, bool) else value

    @property
    def budget(self) -> tuple[str, float]:
        """The unit of the budget, one of `BUDGETS`, and its amount."""
        return budget_of(self)


class RunConfig(Section):
    """Everything that decides what a training learns.

    `model` is the validated config of the translator named `name`.
    """

    name: str
    model: BaseModel
    data: DataConfig
    train: TrainConfig

    def settings(self) -> Settings:
        """Plain nested settings, such that `build_run` of them gives an equal config."""
        return {
            "model": {"name": self.name, **self.model.model_dump(mode="json")},
            "data": self.data.model_dump(mode="json"),
            "train": self.train.model_dump(mode="json"),
        }

    def key(self, data_fingerprint: str) -> str:
        """Hash of all that decides the result, 16 hex digits; where the data lies is left out."""
        settings = self.essentials()
        return stable_hash([{**settings, "model": in_words(settings["model"], _WORDS_OF_KEYS)}, data_fingerprint])

    def essentials(self) -> Settings:
        """The settings that decide the result, as `InKey` says of each."""
        settings = self.settings()
        for section, values in (("model", self.model), ("data", self.data), ("train", self.train)):
            for name, field in type(values).model_fields.items():
                if not self._decides(field, getattr(values, name)):
                    settings[section].pop(name, None)  # formats are written only where there are some
        return settings

    def _decides(self, setting: FieldInfo, value: object) -> bool:
        match in_key(setting):
            case InKey.NEVER:
                return False
            case InKey.WHERE_CHANGED:
                return bool(value != setting.get_default(call_default_factory=True))
            case InKey.WHERE_EVALUATED:
                return self.train.best_by is not None
        return True


def budget_of(section: object) -> tuple[str, float]:
    """Unit and amount of the budget of a section that has one of `BUDGETS`."""
    return next((kind, amount) for kind in BUDGETS if (amount := getattr(section, kind)) is not None)


def build_run(
    settings: Mapping[str, object], name: str, model_config: type[BaseModel], defaults: Mapping[str, object]
) -> RunConfig:
    """Validate nested settings for the translator `name`.

    Args:
        settings: sections `model`, `data` and `train`, each optional.
        name: the translator's name.
        model_config: class of its settings.
        defaults: the method's own settings of `train`, for those that are not given; a batch size is among them.

    Raises:
        UserError: naming the setting, what is wrong with it and, for an unknown one, the nearest names.
    """
    for section in settings:
        if section not in ("model", "data", "train"):
            raise unknown("setting", str(section), ("model", "data", "train"))
    model, data, train = (section_of(settings, section) for section in ("model", "data", "train"))
    model.pop("name", None)
    train = {**defaults, **{name: value for name, value in train.items() if value is not None}}
    config = RunConfig(
        name=name,
        model=validate(model_config, model, "model"),
        data=validate(DataConfig, data, "data"),
        train=validate(TrainConfig, train, "train"),
    )
    size, parts = config.train.batch_size or 1, config.train.accumulate
    if size % parts:
        raise UserError(
            f"train.accumulate={parts} does not divide train.batch_size={size}: change one of the two, as with "
            f"{option('--set', f'train.accumulate={math.gcd(size, parts)}')}"
        )
    return config


def validate(section: type[Model], settings: Mapping[str, object], prefix: str) -> Model:
    """An instance of `section`; UserError with dotted names for whatever does not fit."""
    try:
        return section.model_validate(settings)
    except ValidationError as error:
        # A misspelt name first: it explains why another is missing.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        path = [str(part) for part in first["loc"] if not str(part).startswith("function-")]
        if first["type"] == "extra_forbidden":
            *parents, name = path
            known = _fields(section, parents)
            raise unknown(f"setting {'.'.join([prefix, *parents])}:", name, known) from None
        message = first["msg"].removeprefix("Value error, ")
        # A check of settings together names settings and values in its message.
        together = first["type"] == "value_error" and isinstance(first["input"], Mapping)
        value = "" if together else f"={_shown(first['input'])}"
        if first["type"] == "literal_error":
            message += did_you_mean(str(first["input"]), re.findall("'([^']*)'", first["ctx"]["expected"]))
        raise UserError(f"setting {'.'.join([prefix, *path])}{value} does not fit: {message}") from None


def _shown(value: object) -> str:
    """A value for an error's text, shortened: a few lines of YAML can stand for billions of items."""
    shortened = Repr()
    shortened.maxlevel = 3
    shortened.maxstring = shortened.maxother = shortened.maxlong = 200
    return shortened.repr(value)


def section_of(settings: Mapping[str, object], name: str, prefix: str = "") -> Settings:
    """A section of nested settings, {} where there is none; UserError, with the prefix of its name, if it is none."""
    section = settings.get(name)
    if section is not None and not isinstance(section, Mapping):
        raise UserError(
            f"setting {prefix}{name}={_shown(section)} does not fit: it must hold settings, as in {name}: {{...}}"
        )
    return dict(section or {})


def _fields(section: Any, parents: Iterable[str]) -> Iterable[str]:
    """The names of settings in a section below another, which may stand in a list or mapping, or be left out."""
    for parent in parents:
        if hasattr(section, "model_fields"):
            section = _given(section.model_fields[parent].annotation)
        else:
            section = next(kind for kind in get_args(section) if hasattr(kind, "model_fields"))
    return list(section.model_fields)


def _given(annotation: Any) -> Any:
    """A type that may also be None, without that."""
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 and type(None) in get_args(annotation) else annotation


class RepeatedKey(yaml.YAMLError):
    """A mapping of a YAML text has a key twice, of which PyYAML would take the last."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, but for integers of any length and keys that are given twice."""

    def compose_mapping_node(self, anchor: object) -> yaml.MappingNode:
        """As PyYAML's; what `<<` merges, which may be replaced by the mapping's own keys, comes in later."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)  # type: ignore[arg-type]  # a name, whatever the stubs say
        first: dict[tuple[str, str], yaml.Mark] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            before = first.setdefault((key.tag, key.value), key.start_mark)
            if before is not key.start_mark:
                first_line, line = before.line + 1, key.start_mark.line + 1
                place = f"in line {first_line} and in line {line}" if first_line != line else f"twice in line {line}"
                raise RepeatedKey(f"{key.value} is given {place}")
        return node

    def _integer(self, node: yaml.ScalarNode) -> int:
        value: int = self.construct_yaml_int(node)
        if abs(value) >= 10**MOST_DIGITS:
            raise yaml.constructor.ConstructorError(
                None, None, f"an integer has more than {MOST_DIGITS} digits", node.start_mark
            )
        return value


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader._integer)


def read_yaml(text: str | bytes) -> object:
    """The plain values of a YAML text, bytes in UTF-8 or UTF-16; one of `YAML_ERRORS` if it is none."""
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


@lru_cache(maxsize=64)
def _parsed(text: bytes) -> object:
    """As `read_yaml`, once for each text: many suites lie on the same base. Not to be changed."""
    return read_yaml(text)


def read_settings(path: Path) -> Settings:
    """Settings of a YAML file; UserError if it is missing or not a mapping."""
    try:
        settings = deepcopy(_parsed(path.read_bytes()))
    except OSError:
        raise UserError(f"there is no settings file {path}") from None
    except RepeatedKey as error:
        raise UserError(f"{path}: {error}: leave one out") from None
    except YAML_ERRORS as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(settings, dict):
        raise UserError(f"{path} must hold sections with settings, such as train: {{images: 1000}}")
    return settings


def parse_assignments(assignments: Iterable[str]) -> Settings:
    """Nested settings from `section.name=value` texts, values read as YAML.

    Raises:
        UserError: for a text of another form.
    """
    settings: Settings = {}
    for assignment in assignments:
        dotted, equals, text = assignment.partition("=")
        *sections, name = (part.strip() for part in dotted.split("."))
        if not (equals and sections and all((*sections, name))):
            raise UserError(f"--set {assignment!r} must look like section.name=value, e.g. train.images=20000")
        place = settings
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise UserError(f"--set {assignment!r}: another --set gives {section} itself a value; leave one out")
        place[name] = _value(assignment, text)
    return settings


def _value(assignment: str, text: str) -> object:
    try:
        return read_yaml(text)
    except RepeatedKey as error:
        raise UserError(f"--set {_shown(assignment)}: {error}: leave one out") from None
    except YAML_ERRORS as error:
        problem = getattr(error, "problem", None)
        reason = f" ({problem})" if problem else ""
        raise UserError(f"--set {_shown(assignment)}: the value is not valid YAML{reason}; quote it") from None


def merge(base: Mapping[str, object], *others: Mapping[str, object]) -> Settings:
    """`base` with the settings of `others` put over it, section by section; a budget replaces one in another unit."""
    merged = dict(base)
    for other in others:
        if any(other.get(kind) is not None for kind in BUDGETS):
            merged = {key: value for key, value in merged.items() if key not in BUDGETS}
        for key, value in other.items():
            known = merged.get(key)
            if isinstance(known, Mapping) and isinstance(value, Mapping):
                merged[key] = merge(known, value)
            else:
                merged[key] = value
    return merged


def to_yaml(settings: Mapping[str, object]) -> str:
    """Settings as YAML in the order given."""
    return str(yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True))


def stable_hash(value: object) -> str:
    """16 hex digits that depend on a JSON value alone."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
