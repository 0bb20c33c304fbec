"""Run folders from checkpoints of the public reference implementations."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from i2i import registry
from i2i.config import RunConfig, Settings, merge, to_yaml
from i2i.data.open import labels_of
from i2i.errors import UserError
from i2i.interop.assign import assign
from i2i.interop.family import Family, Place, Reference, ReferenceFile
from i2i.interop.renaming import from_reference
from i2i.interop.state_dicts import read_networks
from i2i.labels import LabelSpace
from i2i.runs.checkpoint import Position
from i2i.runs.save import save_checkpoint
from i2i.runs.tensor_files import refuse_not_finite
from i2i.training.setup import run_config
from i2i.training.trainer import build_translator
from i2i.translator import Coverage, Task, Translator, check_size
from i2i.utils import text
from i2i.utils.atomic_write import write_text
from i2i.utils.fingerprint import sha256
from i2i.utils.given_paths import check_folder

Weights = dict[str, torch.Tensor]
LABELS = "labels"
"""Section of what the files tell about the label space."""


@dataclass(frozen=True)
class Imported:
    """What an import has found and made.

    Attributes:
        run: the run folder.
        translator: what is in it.
        networks: network by where it lay.
        inferred: settings that were inferred from the files.
        assumed: settings that change translations and that no file says.
        fresh: networks that no file holds.
    """

    run: Path
    translator: Translator
    networks: Mapping[Place, str]
    inferred: Mapping[str, Any]
    assumed: Mapping[str, Any]
    fresh: tuple[str, ...]

    def lines(self) -> list[str]:
        """What a user wants to know of it."""
        task = self.translator.task
        height, width = task.image_size
        directions = " and ".join(f"{source} to {target}" for source, target in task.directions)
        if len(task.domains) > 2:
            directions = f"all directions between {', '.join(task.domains)}"
        groups = [" or ".join(g) for one in task.labels.sets if one.has_attributes for g in one.exclusive]
        lines = [
            f"imported into {self.run}: {registry.name_of(type(self.translator))}, {directions}, {height}x{width} px",
            *(f"  {place} is {network}" for place, network in self.networks.items()),
            f"inferred from the files: {_listed(self.inferred)}",
        ]
        if task.labels.has_attributes:
            lines.append(
                "the labels are attributes that an image can have together"
                + (f", but for {'; '.join(groups)}" if groups else "")
                + "; other groups: --set data.exclusive=[[A,B],[C,D]]"
            )
        if self.assumed:
            lines.append(f"assumed, since no file says: {_listed(self.assumed)}")
        if self.fresh:
            lines.append(f"not among the files, so a training starts afresh with: {', '.join(self.fresh)}")
        lines.append(f"translates with {self.translator.inference}")
        target = task.directions[0][1]
        command = f"i2i translate {text.argument(self.run)} IMAGES {text.option('--target', target)} --out out/"
        return [*lines, f"translate with: {command}"]


def import_run(files: Sequence[Path], model: str, domains: Sequence[str], changes: Settings, run: Path) -> Imported:
    """Make a run folder of a reference implementation's checkpoint.

    Args:
        files: state dicts as the reference saves them, one per network or several in one file. Which is which is
            inferred from the names that the reference gives them, otherwise from their order among generators and
            among discriminators.
        model: name of the translator.
        domains: names of its domains in the order of the training: a generator of one direction leads from the
            first to the second, and labels stand for domains in this order.
        changes: nested settings, for what the files do not tell.
        run: folder to write; it must not hold anything yet.

    Raises:
        UserError: if a file cannot be taken as it is, the files do not fit each other, the model, the domains or the
            settings, or the folder is in use. Then nothing has been written.
    """
    cls = registry.get(model)
    reference = _reference(model, cls)
    _refuse_used(run)
    _check_names(domains, changes)
    contents = _contents(model, reference, files)
    parts = _parts(model, reference, contents)
    _refuse_incomplete(model, cls, reference, parts.values())
    inferred = _infer(parts, contents)
    config = _configure(model, reference, inferred, changes)
    space = labels_of(domains, config.data)
    _check_labels(model, cls, space, inferred)
    translator = build_translator(config, _task(config, cls, space, parts.values()))
    check_size(translator.task.image_size, translator.multiple)
    children = {name for name, _ in translator.named_children()}
    for place, part in parts.items():
        if part.network not in children:
            raise UserError(f"{place} holds {part.network}, which these settings do without: leave one of them out")
        translator.get_submodule(part.network).load_state_dict(_weights(place, part, translator, contents[place]))
    networks = {place: part.network for place, part in parts.items()}
    fresh = tuple(part.network for part in reference.files.values() if part.network not in networks.values())
    _write(run, translator, config, networks, fresh)
    return Imported(run, translator, networks, inferred, _assumed(config, reference, inferred, changes), fresh)


def _contents(model: str, reference: Reference, files: Sequence[Path]) -> dict[Place, Weights]:
    """The state dict of every network in the files."""
    if len(set(files)) < len(files):
        twice = next(path for path in files if files.count(path) > 1)
        raise UserError(f"a file is given twice, {twice}: name it once")
    ignored = {name for bundle in reference.bundles for name in bundle.ignored}
    read = {Place(path, name): state for path in files for name, state in read_networks(path).items()}
    contents = {place: state for place, state in read.items() if place.entry not in ignored}
    known = {"", *(name for bundle in reference.bundles for name in bundle.networks)}
    for place, state in contents.items():
        if place.entry not in known:
            raise UserError(
                f"{place} is none of the networks in files of {model}, which are {', '.join(reference.file_names())}"
                + _hint(place)
            )
        _refuse_not_finite(place, state)
    return contents


def _hint(place: Place) -> str:
    """Which models have files with a network of this name, and what to do then; empty if none has."""
    owners = [
        name
        for name in registry.names()
        if (reference := registry.get(name).reference)
        and any(place.entry in bundle.networks for bundle in reference.bundles)
    ]
    return f"; files of {' or '.join(owners)} hold one: take it with {_model(owners)}" if owners else ""


def _model(owners: Sequence[str]) -> str:
    return text.option("--model", owners[0])


def _refuse_not_finite(place: Place, state: Weights) -> None:
    try:
        refuse_not_finite(state)
    except ValueError as error:
        raise UserError(f"{place} cannot be imported: {error}, and every image would come out black") from None


def _reference(model: str, cls: type[Translator]) -> Reference:
    if cls.reference is None:
        able = [name for name in registry.names() if registry.get(name).reference]
        raise UserError(f"{model} has no reference implementation to import from; {', '.join(able)} have")
    return cls.reference


def _refuse_used(run: Path) -> None:
    check_folder(run)
    if run.exists() and any(run.iterdir()):
        raise UserError(f"{run} is not empty: choose another folder with --out")


def _check_names(domains: Sequence[str], changes: Settings) -> None:
    repeated = [domain for domain, times in Counter(domains).items() if times > 1]
    if repeated or not all(domains):
        raise UserError(f"--domains {','.join(domains)} must be different names with commas between them")
    for section, name, option in (("model", "name", "--model"), ("data", "domains", "--domains")):
        if name in (changes.get(section) or {}):
            raise UserError(f"--set {section}.{name} has no effect here: use {option}")


def _parts(model: str, reference: Reference, contents: Mapping[Place, Weights]) -> dict[Place, ReferenceFile]:
    """What lies in each place; UserError if that is not clear, or nothing of this model."""
    families = {place: _family(place, state, reference) for place, state in contents.items()}
    for place, family in families.items():
        if family not in {part.family for part in reference.files.values()}:
            owners = _owners(family)
            raise UserError(
                f"{place} is {family.title} of {' or '.join(owners)}, not of {model}: take it with {_model(owners)}"
            )
    return {place: reference.files[name] for place, name in assign(model, reference, families).items()}


def _refuse_incomplete(
    model: str, cls: type[Translator], reference: Reference, parts: Collection[ReferenceFile]
) -> None:
    """UserError if a network is missing without which nothing translates; one of a single direction may be."""
    held = {part.network for part in parts}
    missing = [
        name
        for name, part in reference.files.items()
        if part.network in cls.generators and part.direction is None and part.network not in held
    ]
    if missing:
        raise UserError(
            f"{' and '.join(missing)} of {model} are not among the files, and without them nothing translates: "
            f"give them too, as in {', '.join(reference.file_names())}"
        )


def _family(place: Place, state: Weights, expected: Reference) -> Family:
    """The family of a network: of those expected, or else of all that any model has."""
    others = [other for name in registry.names() if (other := registry.get(name).reference)]
    for reference in (expected, *others):
        for part in reference.files.values():
            if part.family.recognizes(state):
                return part.family
    first = ", ".join(list(state)[:3])
    raise UserError(f"{place} holds no network of a reference implementation that i2i knows: it begins with {first}")


def _owners(family: Family) -> list[str]:
    return [
        name
        for name in registry.names()
        if (reference := registry.get(name).reference) and family in [part.family for part in reference.files.values()]
    ]


def _infer(parts: Mapping[Place, ReferenceFile], contents: Mapping[Place, Weights]) -> dict[str, object]:
    """What keys and shapes settle; UserError if two networks differ."""
    inferred: dict[str, Any] = {}
    inferred_from: dict[str, Place] = {}
    for place, part in parts.items():
        try:
            arguments = part.family.read(contents[place])
        except UserError as error:
            raise UserError(f"{place} cannot be imported: {error}") from None
        for argument, setting in part.infers.items():
            if argument not in arguments:
                continue
            value = arguments[argument]
            if setting in inferred and inferred[setting] != value:
                raise _differing(setting, {inferred_from[setting]: inferred[setting], place: value})
            inferred[setting], inferred_from[setting] = value, place
    return inferred


def _differing(setting: str, values: Mapping[Place, object]) -> UserError:
    said = " and ".join(f"{place} has {setting}={value}" for place, value in values.items())
    return UserError(f"{said}: they are not of one training")


def _check_labels(model: str, cls: type[Translator], space: LabelSpace, inferred: Mapping[str, object]) -> None:
    columns = [one.prefix + column for one in space.sets for column in one.columns]
    given = f"--domains names {len(columns)} ({', '.join(columns)})"
    if cls.coverage is not Coverage.ALL and len(columns) != 2:
        raise UserError(f"{model} translates between two domains and {given}: name the first and the second")
    for name, here in ((f"{LABELS}.width", space.width), (f"{LABELS}.classes", space.classes)):
        if inferred.get(name, here) != here:
            mask = f", with a mask of {len(space.sets)} data sets {space.width}" if len(space.sets) > 1 else ""
            raise UserError(
                f"the files are for {inferred[name]} labels and {given}{mask}: name as many, in the labels' order; "
                "those of a joint training as dataset/name, with a mask of one more label per data set"
            )


def _configure(model: str, reference: Reference, inferred: Mapping[str, object], changes: Settings) -> RunConfig:
    """The config that the files tell, with changes to what they do not tell."""
    settings = {name: value for name, value in inferred.items() if not name.startswith(f"{LABELS}.")}
    by_files = _nested({"data.image_size": reference.usual_size(inferred)} | settings)
    expected, config = run_config(model, by_files), run_config(model, merge(by_files, changes))
    for setting in settings:
        if _get(config, setting) != _get(expected, setting):
            asked, told = _written(_get(config, setting)), _written(inferred[setting])
            raise UserError(f"{setting}={asked} does not fit the files, which tell {told}: leave it out")
    return config


def _task(config: RunConfig, cls: type[Translator], space: LabelSpace, parts: Iterable[ReferenceFile]) -> Task:
    """The task of the directions that the generators at hand serve."""
    labels = space if cls.coverage is Coverage.ALL else space.domains
    task = Task.covering(cls.coverage, labels, config.data.image_size, config.data.channels)
    served = {part.direction for part in parts if part.family.generator}
    if None in served:
        return task
    domains = task.domains
    return replace(task, directions=tuple((domains[i], domains[j]) for i, j in sorted(filter(None, served))))


def _weights(place: Place, part: ReferenceFile, translator: Translator, state: Weights) -> Weights:
    try:
        return from_reference(part.family, translator.get_submodule(part.network), state)
    except UserError as error:
        raise UserError(f"{place} does not fit {part.network}: {error}") from None


def _write(
    run: Path, translator: Translator, config: RunConfig, networks: Mapping[Place, str], fresh: Sequence[str]
) -> None:
    sums = {path: sha256(path) for path in {place.path for place in networks}}
    files = [
        {"name": place.path.name, "sha256": sums[place.path], "network": network} for place, network in networks.items()
    ]
    origin = {"files": files, "fresh": list(fresh)}
    settings = config.settings()
    save_checkpoint(run, translator, settings, Position(0, 0, 0, 0.0), {}, origin=origin)
    write_text(run / "config.yaml", to_yaml(settings))


def _assumed(
    config: RunConfig, reference: Reference, inferred: Mapping[str, object], changes: Mapping[str, Mapping[str, object]]
) -> dict[str, object]:
    names = ("data.image_size", *(f"model.{name}" for name in reference.assumed))
    given = {f"{section}.{name}" for section, values in changes.items() for name in values}
    return {name: _get(config, name) for name in names if name not in inferred and name not in given}


def _nested(dotted: Mapping[str, object]) -> Settings:
    settings: Settings = {}
    for name, value in dotted.items():
        section, _, rest = name.partition(".")
        settings.setdefault(section, {})[rest] = value
    return settings


def _get(config: RunConfig, setting: str) -> object:
    section, name = setting.split(".")
    return getattr(getattr(config, section), name)


def _listed(settings: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={_written(value)}" for name, value in settings.items())


def _written(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
