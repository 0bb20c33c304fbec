"""Run folders and the checkpoints in them.

    RUN/config.yaml                        what runs
    RUN/metrics.jsonl, RUN/samples/        how it went
    RUN/checkpoints/STEP/model.safetensors, training.pt, checkpoint.json; with train.ema also ema.safetensors, with
                         train.best_by also best.safetensors; data.json lists the pictures that were learnt from
    RUN/validation.csv                     with train.best_by: the scores of the validation split

A checkpoint is written under a temporary name, synced and renamed, so at any moment the newest one with a
plain name is complete. Nothing is pickled: weights are safetensors, the rest loads with `weights_only=True`.
checkpoint.json holds checksums of the other files and of itself, which are compared whenever one is loaded, and the
checkpoint before the newest is kept. Checkpoints of before there were checksums are read without.
"""

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors.torch import save_file
from torch import Tensor

from i2i import registry
from i2i._version import __version__
from i2i.checkpoint_meta import FORMAT, Budget, Meta, read_meta
from i2i.config import Settings, TrainConfig, validate
from i2i.data.data_record import DataRecord
from i2i.data.decoding.images import Preprocess
from i2i.errors import Damaged, UserError, unknown, unreadable
from i2i.tensor_files import Shapes, first_difference, load_finite, shapes_in, shapes_of
from i2i.translator import Task, Translator
from i2i.utils.atomic_write import replacing, replacing_folder, sync_to_disk
from i2i.utils.checksums import SEAL, checksum, sealed
from i2i.utils.disk_full import one_error_when_full
from i2i.utils.memory import is_out_of_memory
from i2i.utils.text import option

EXPORTED_META = "config.json"  # beside exported weights, in place of checkpoint.json
CHECKPOINTS = "checkpoints"
Weights = Literal["last", "ema", "best"]
"""Which weights translate: of the last step, the moving average of train.ema, or the best by train.best_by."""

KEPT = 2
"""Checkpoints that a run folder holds: the newest, and the one before in case that is damaged."""

DAMAGED = "damaged-"
"""How names begin of checkpoints that are set aside."""

NO_OTHER = "remove {run} and train or import again"

DATA = "data.json"
OF_FILES = ("files", SEAL, "data_fingerprint")
"""Entries of checkpoint.json that tell of the files beside it, and not of the translator."""

WEIGHT_FILES: Mapping[str, tuple[str, ...]] = {
    "last": ("model.safetensors",),
    "ema": ("model.safetensors", "ema.safetensors"),
    "best": ("best.safetensors",),
}
"""Where weights of each kind lie; what a later file holds takes the place of what an earlier one does."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk.

    Attributes:
        folder: where its files lie.
        facts: contents of checkpoint.json.
        remedy: what to do about a file that cannot be loaded, for messages.
    """

    folder: Path
    facts: Meta
    remedy: str

    @cached_property
    def meta(self) -> Mapping[str, Any]:
        """What checkpoint.json says, as plain JSON values."""
        return self.facts.model_dump(mode="json", exclude_unset=True)

    @property
    def position(self) -> "Position":
        """How far training was."""
        facts = self.facts
        return Position(facts.step, facts.steps, facts.images, facts.seconds)

    @property
    def finished(self) -> bool:
        """Whether training reached its budget."""
        return self.position.finished

    @property
    def rollbacks(self) -> int:
        """How often training has returned to a checkpoint because something was not finite."""
        return self.facts.rollbacks

    @property
    def processes(self) -> int:
        """How many processes trained together."""
        return self.facts.processes

    @property
    def averaged(self) -> bool:
        """Whether a moving average of the weights was kept."""
        return self.facts.averaged

    @property
    def settings(self) -> Settings:
        """Resolved settings of the run."""
        return dict(self.facts.settings)

    @property
    def budget(self) -> tuple[str, float]:
        """The unit of the training's budget, and its amount."""
        train = {key: value for key, value in self.settings["train"].items() if key in TrainConfig.model_fields}
        return TrainConfig.model_validate(train).budget

    @property
    def task(self) -> Task:
        """The task the model learnt."""
        return self.facts.task.task()

    @property
    def preprocess(self) -> Preprocess:
        """How its pictures became images; where that does not say how they were fitted, they were cropped."""
        told = {name: self.settings["data"][name] for name in ("fit", "background") if name in self.settings["data"]}
        return Preprocess(self.task.image_size, self.task.channels, **told)

    @property
    def imported(self) -> bool:
        """Whether its weights came from files of a reference implementation, and no training here."""
        return self.facts.origin is not None

    @property
    def fresh(self) -> tuple[str, ...]:
        """Networks that nothing has trained yet: those that were not among the imported files."""
        return self.facts.origin.fresh if self.facts.origin is not None else ()

    def weights(self, kind: Weights = "last") -> Mapping[str, Tensor]:
        """Parameters and buffers of the translator; with `ema`, averages in place of those that translate."""
        return {name: value for file in self._weight_files(kind) for name, value in self._tensors(file).items()}

    def shapes(self, kind: Weights = "last") -> Shapes:
        """Shapes of what `weights` gives, read off the files' headers alone."""
        return {name: shape for file in self._weight_files(kind) for name, shape in self._shapes(file).items()}

    def average(self) -> dict[str, Tensor]:
        """Averaged parameters, and buffers, of the networks that translate; UserError if the run keeps none."""
        return self._tensors(self._weight_files("ema")[-1])

    @property
    def best(self) -> "Best | None":
        """The weights that were best on the validation split, if any were looked for."""
        facts = self.facts.best
        if facts is None:
            return None
        return Best(facts.step, facts.images, facts.metric, facts.value, weights=self.weights("best"))

    def _weight_files(self, kind: Weights) -> tuple[str, ...]:
        run = self.folder.parent.parent
        if kind == "ema" and not self.averaged:
            raise UserError(
                f"{run} has no averaged weights: take --weights last, or train a model with --set train.ema=0.999"
            )
        if kind == "best" and self.facts.best is None:
            raise UserError(
                f"{run} has no best weights: take --weights last, or train a model with --set train.best_by=psnr"
            )
        return WEIGHT_FILES[kind]

    def _tensors(self, name: str) -> dict[str, Tensor]:
        path = self._sound(name)
        with self._loading(path):
            return load_finite(path)

    def _shapes(self, name: str) -> Shapes:
        path = self.folder / name
        with self._loading(path):
            return shapes_in(path)

    def training(self) -> dict[str, Any]:
        """States of the optimisers and of the translator's own training, as they were written."""
        path = self._sound("training.pt")
        with self._loading(path):
            state = torch.load(path, map_location="cpu", weights_only=True)
            if not isinstance(state, dict):
                raise ValueError("it holds no states")
            return state

    @contextmanager
    def fitting(self, name: str) -> Iterator[None]:
        """A block that takes over what a file holds; `Damaged` where that does not fit, whatever the reason."""
        with self._loading(self.folder / name):
            yield

    def data(self) -> DataRecord | None:
        """The pictures that were learnt from; None if they were not written down."""
        if self.facts.data_fingerprint is None:
            return None
        path = self._sound(DATA)
        with self._loading(path):
            return DataRecord.from_text(path.read_text(encoding="utf-8"))

    def check(self) -> None:
        """Compare every file with its checksum, or if there are none load it.

        Raises:
            Damaged: for the first that differs.
            UserError: if one cannot be read just now.
        """
        for name in self.facts.files or {}:
            self._sound(name)
        if self.facts.files is None:
            self.weights()
            self.training()

    def _sound(self, name: str) -> Path:
        """Path of a file that is as it was written."""
        path = self.folder / name
        expected = (self.facts.files or {}).get(name)
        with self._loading(path):
            if expected is not None and checksum(path) != expected:
                raise ValueError("its checksum is not that of what was written")
        return path

    @contextmanager
    def _loading(self, path: Path) -> Iterator[None]:
        """A block that reads a file: what was read and does not add up is `Damaged`, and nothing else is."""
        try:
            yield
        except OSError as error:
            raise unreadable(path, error, self.remedy) from None
        except (UserError, MemoryError):
            raise
        except Exception as error:  # of torch and safetensors, which have no class in common
            if is_out_of_memory(error):
                raise
            raise Damaged(f"{path} cannot be loaded ({_reason(error)})", self.remedy) from None


def _reason(error: Exception) -> str:
    """What is the matter with a file, in one line."""
    if isinstance(error, KeyError):
        return f"it lacks {str(error)[:100]}"
    return " ".join(str(error).split())[:300] or type(error).__name__


@dataclass(frozen=True)
class Position:
    """How far a training is: steps done and to do, real pictures shown, seconds spent in steps.

    Where a training ends after a time, the steps to do are an estimate until it has ended.
    """

    step: int
    steps: int
    images: int
    seconds: float

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.step >= self.steps


@dataclass(frozen=True)
class Best:
    """The weights that were best so far.

    Attributes:
        step, images: how far training was.
        metric, value: what they are best by, and how good they were.
        weights: parameters and buffers of the translator, on the CPU.
    """

    step: int
    images: int
    metric: str
    value: float
    weights: Mapping[str, Tensor]

    def facts(self) -> dict[str, Any]:
        """All but the weights."""
        return {"step": self.step, "images": self.images, "metric": self.metric, "value": self.value}


def checkpoint_folder(run: Path, position: Position) -> Path:
    """Where the checkpoint of that step lies."""
    return run / CHECKPOINTS / f"{position.step:08d}"


def save_checkpoint(
    run: Path,
    translator: Translator,
    settings: Settings,
    position: Position,
    optimisers: Mapping[str, Mapping[str, Any]],
    average: Mapping[str, Tensor] | None = None,
    origin: Mapping[str, Any] | None = None,
    best: Best | None = None,
    data: DataRecord | None = None,
    rollbacks: int = 0,
    others: Sequence[Mapping[str, Tensor]] = (),
    log: Mapping[str, Any] | None = None,
    budgets: Sequence[Budget] = (),
) -> Path:
    """Write a checkpoint, then remove those before the one before it; returns its folder.

    `average` are averaged weights, `best` those that were best, where the run keeps some; `origin` tells of imported
    weights: the files with their hashes, and which networks are `fresh`; `data` lists the pictures that are learnt
    from, `rollbacks` counts the returns to an earlier checkpoint, `others` are the translator's training states in
    the other processes that train with this one, `log` is what the next line of the log has so far, and `budgets` are
    those that the training had before it was extended.

    Raises:
        OSError: if it cannot be written, with ENOSPC where the disk is full; nothing of it is left then.
    """
    parent = run / CHECKPOINTS
    parent.mkdir(parents=True, exist_ok=True)
    final = checkpoint_folder(run, position)
    if final.exists():
        return final  # the same step of the same run is the same state
    _remove_leftovers(parent)
    meta = meta_of(translator, settings, position, average is not None, origin)
    if best is not None:
        meta["best"] = best.facts()
    if rollbacks:
        meta["rollbacks"] = rollbacks
    if others:
        meta["processes"] = 1 + len(others)
    if budgets:
        meta["budgets"] = [budget.model_dump(exclude_none=True) for budget in budgets]
    if data is not None:
        meta["data_fingerprint"] = data.fingerprint
    weights = {"model": translator.state_dict(), "ema": average, "best": None if best is None else best.weights}
    training = {"optimisers": dict(optimisers), "translator": translator.training_state(), "log": dict(log or {})}
    if others:
        training["others"] = list(others)
    with replacing_folder(final, sync=True) as partial, one_error_when_full(parent):
        _write(partial, weights, training, data, meta)
    for older in _checkpoint_folders(run)[:-KEPT]:
        # Out of sight before it goes: a half-removed folder must not look like a checkpoint.
        doomed = older.rename(older.with_name(f".{older.name}.old"))
        shutil.rmtree(doomed)
    return final


def _write(
    folder: Path,
    weights: Mapping[str, Mapping[str, Tensor] | None],
    training: Mapping[str, Any],
    data: DataRecord | None,
    meta: Mapping[str, Any],
) -> None:
    """Write all files of a checkpoint into the empty `folder`, synced, checkpoint.json last."""
    for name, tensors in weights.items():
        if tensors is not None:
            # Of itself safetensors makes files that nobody else may read.
            with replacing(folder / f"{name}.safetensors", sync=False) as partial:
                save_file(_plain(tensors), partial)
    torch.save(training, folder / "training.pt")
    if data is not None:
        (folder / DATA).write_text(data.text, encoding="utf-8")
    files = {path.name: checksum(path) for path in sorted(folder.iterdir())}
    (folder / "checkpoint.json").write_bytes(sealed({**meta, "files": files}))
    for path in (*folder.iterdir(), folder):
        sync_to_disk(path)


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _remove_leftovers(parent: Path) -> None:
    """What processes left that were killed while they wrote or removed a checkpoint."""
    for path in (*parent.glob(".*.part"), *parent.glob(".*.old")):
        shutil.rmtree(path, ignore_errors=True)


def newest_checkpoint(run: Path) -> Checkpoint | None:
    """The newest complete checkpoint of a run folder, or None.

    Raises:
        Damaged: if its checkpoint.json is; its other files are looked at when they are loaded.
        UserError: for one of another format.
    """
    folders = _checkpoint_folders(run)
    return _open(run, folders[-1]) if folders else None


def sound_checkpoint(run: Path) -> tuple[Checkpoint | None, tuple[Damaged, ...]]:
    """The newest checkpoint of which every file is as it was written, and what is wrong with those after it.

    Raises:
        Damaged: if there are checkpoints and none is sound.
        UserError: for one of another format.
    """
    damages: list[Damaged] = []
    for folder in reversed(_checkpoint_folders(run)):
        try:
            checkpoint = _open(run, folder)
            checkpoint.check()
        except Damaged as damage:
            damages.append(damage)
        else:
            return checkpoint, tuple(damages)
    if len(damages) > 1:
        raise Damaged(f"{damages[0].what}, and so is the one before it", NO_OTHER.format(run=run))
    if damages:
        raise damages[0]
    return None, ()


def set_aside_damaged(run: Path) -> str | None:
    """Rename what comes after the newest sound checkpoint, so that training goes on from that; one line if it has.

    Raises:
        Damaged, UserError: as `sound_checkpoint`.
    """
    sound, damages = sound_checkpoint(run)
    if sound is None or not damages:
        return None
    for folder in _checkpoint_folders(run):
        if int(folder.name) > int(sound.folder.name):
            place = folder.with_name(DAMAGED + folder.name)
            shutil.rmtree(place, ignore_errors=True)
            folder.rename(place)
    return f"{damages[0].what}: going on from step {sound.position.step}; the damaged one is kept as {place}"


def _open(run: Path, folder: Path) -> Checkpoint:
    earlier = [other for other in _checkpoint_folders(run) if int(other.name) < int(folder.name)]
    remedy = (
        f"remove {folder} to use that of step {int(earlier[-1].name)}, or train on from there with "
        f"i2i train {option('--resume', run)}"
        if earlier
        else f"there is none before it; {NO_OTHER.format(run=run)}"
    )
    return Checkpoint(folder, read_meta(folder / "checkpoint.json", remedy), remedy)


def require_checkpoint(run: Path) -> Checkpoint:
    """The newest checkpoint, or what was exported there; UserError if the folder is neither or has none yet."""
    if not run.is_dir():
        raise UserError(f"there is no run folder {run}; train one with: i2i train --model NAME {option('--out', run)}")
    checkpoint = newest_checkpoint(run) or _exported(run)
    if checkpoint is None:
        raise UserError(f"{run} has no checkpoint yet; train it with: i2i train --model NAME {option('--out', run)}")
    return checkpoint


def _exported(folder: Path) -> Checkpoint | None:
    """What `i2i export --format hub` or `safetensors` wrote into the folder."""
    if not all((folder / name).is_file() for name in (EXPORTED_META, "model.safetensors")):
        return None
    remedy = "download or export it again"
    return Checkpoint(folder, read_meta(folder / EXPORTED_META, remedy), remedy)


def load_translator(
    run: Path, device: torch.device | str = "cpu", weights: Weights = "last"
) -> tuple[Translator, Preprocess]:
    """The trained translator of a run folder and the preprocessing it was trained with.

    Args:
        run: the run folder.
        device: where it is going to translate.
        weights: `last` for those of the last step, `ema` for their moving average, `best` for the best on the
            validation split.

    Raises:
        UserError: if there is no checkpoint, it is of another format, it does not fit the model, or it does not keep
            such weights.
    """
    _check_kind(weights)
    return restore(require_checkpoint(run), device, weights)


def restore(
    checkpoint: Checkpoint, device: torch.device | str = "cpu", weights: Weights = "last"
) -> tuple[Translator, Preprocess]:
    """The translator of a checkpoint, in evaluation mode, and its preprocessing; UserError if they do not fit.

    Before any memory is taken for it, its shapes are compared with those that the files tell.
    """
    _check_kind(weights)
    model = dict(checkpoint.settings["model"])
    cls = registry.get(model.pop("name"))
    config, task = validate(cls.Config, model, "model"), checkpoint.task
    _check_coverage(checkpoint, cls)
    with checkpoint.fitting("checkpoint.json"), torch.device("meta"):
        blank = cls(config, task)
    refuse_unlike(checkpoint, blank, weights)
    translator = cls(config, task)
    load_weights(translator, checkpoint, weights)
    translator.untrained = checkpoint.fresh
    # As in training: dropout draws its mask in memory order.
    last = checkpoint.settings["train"].get("channels_last", True)
    memory_format = torch.channels_last if last else torch.contiguous_format
    translator.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
    return translator.eval(), checkpoint.preprocess


def _check_coverage(checkpoint: Checkpoint, cls: type[Translator]) -> None:
    """UserError unless the model can learn the task that the checkpoint tells."""
    task = checkpoint.task
    with checkpoint.fitting("checkpoint.json"):
        possible = Task.covering(cls.coverage, task.labels, task.image_size, task.channels)
    beyond = [direction for direction in task.directions if direction not in possible.directions]
    if beyond:
        raise UserError(f"{checkpoint.folder}: {registry.name_of(cls)} does not translate {' to '.join(beyond[0])}")


def refuse_unlike(checkpoint: Checkpoint, translator: Translator, weights: Weights = "last") -> None:
    """UserError if a checkpoint's weights have other names or shapes than a translator's, which takes no memory."""
    difference = first_difference(checkpoint.shapes(weights), shapes_of(translator))
    if difference:
        raise UserError(f"{checkpoint.folder} does not fit this model: {difference}; {checkpoint.remedy}")


def _check_kind(weights: str) -> None:
    if weights not in get_args(Weights):
        raise unknown("weights", weights, get_args(Weights))


def load_weights(translator: Translator, checkpoint: Checkpoint, weights: Weights = "last") -> None:
    """Put the checkpoint's weights into a translator built from its settings."""
    try:
        translator.load_state_dict(checkpoint.weights(weights))
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{checkpoint.folder} does not fit this model: {reason}") from None


def starting_weights(translator: Translator, checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The weights of another run with which the training of `translator` can start.

    Networks that nothing has trained yet are left out.

    Raises:
        UserError: if the others do not have the same weights in the same shapes.
    """
    own = {name: value.shape for name, value in translator.state_dict().items()}
    weights = {name: value for name, value in checkpoint.weights().items() if not _in(name, checkpoint.fresh)}
    for name in own | weights:
        theirs = weights[name].shape if name in weights else None
        if theirs != own.get(name) and not (theirs is None and _in(name, checkpoint.fresh)):
            shapes = [list(shape) if shape is not None else "absent" for shape in (theirs, own.get(name))]
            raise UserError(
                f"{checkpoint.folder} does not fit this training: its {name} is {shapes[0]} and here {shapes[1]}. "
                "Leave out settings that change the networks, and take as many domains and the same image size"
            )
    return weights


def _in(name: str, networks: Collection[str]) -> bool:
    return name.partition(".")[0] in networks


def meta_of(
    translator: Translator,
    settings: Settings,
    position: Position,
    averaged: bool = False,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What is written beside a translator's weights, such that `restore` can build it again."""
    task = translator.task
    return {
        "format": FORMAT,
        "i2i": __version__,
        "torch": torch.__version__,
        **asdict(position),
        "inference": str(translator.inference),
        "averaged": averaged,
        "parameters": sum(parameter.numel() for parameter in translator.parameters()),
        "task": {
            "domains": task.domains,
            "directions": task.directions,
            "labels": task.labels.settings(),
            "image_size": task.image_size,
            "channels": task.channels,
        },
        "settings": settings,
        **({"origin": dict(origin)} if origin is not None else {}),
    }


def _checkpoint_folders(run: Path) -> list[Path]:
    parent = run / CHECKPOINTS
    try:
        found = list(parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:  # not "there is none": a new training must not start over what cannot be seen just now
        raise unreadable(parent, error, "") from None
    return sorted((path for path in found if _is_step(path.name) and path.is_dir()), key=lambda path: int(path.name))


def _is_step(name: str) -> bool:
    return name.isascii() and name.isdecimal()
