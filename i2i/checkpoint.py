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

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from i2i import __version__, registry
from i2i.atomic_write import sync_to_disk
from i2i.checksums import SEAL, checksum, is_sound, sealed
from i2i.config import Settings, validate
from i2i.data.images import Preprocess
from i2i.data.record import DataRecord
from i2i.disk import one_error_when_full
from i2i.errors import Damaged, UserError, unknown
from i2i.labels import LabelSpace
from i2i.translator import Task, Translator

FORMAT = 2
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

META = ("step", "steps", "images", "seconds", "inference", "parameters", "task", "settings")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk.

    Attributes:
        folder: where its files lie.
        meta: contents of checkpoint.json: format, i2i version, settings, task, inference, averaged, position, origin,
            checksums of the files, fingerprint of the data, rollbacks, processes.
        remedy: what to do about a file that cannot be loaded, for messages.
    """

    folder: Path
    meta: Mapping[str, Any]
    remedy: str

    @property
    def position(self) -> "Position":
        """How far training was."""
        meta = self.meta
        return Position(meta["step"], meta["steps"], meta["images"], meta["seconds"])

    @property
    def finished(self) -> bool:
        """Whether training reached its budget."""
        return self.position.finished

    @property
    def rollbacks(self) -> int:
        """How often training has returned to a checkpoint because something was not finite."""
        return int(self.meta.get("rollbacks", 0))

    @property
    def processes(self) -> int:
        """How many processes trained together."""
        return int(self.meta.get("processes", 1))

    @property
    def averaged(self) -> bool:
        """Whether a moving average of the weights was kept."""
        return bool(self.meta.get("averaged"))

    @property
    def settings(self) -> Settings:
        """Resolved settings of the run."""
        return dict(self.meta["settings"])

    @property
    def task(self) -> Task:
        """The task the model learnt."""
        task = self.meta["task"]
        return Task(
            tuple(task["domains"]),
            tuple((source, target) for source, target in task["directions"]),
            LabelSpace.from_settings(task["labels"]),
            (task["image_size"][0], task["image_size"][1]),
            task["channels"],
        )

    @property
    def preprocess(self) -> Preprocess:
        """How its pictures became images; where that does not say how they were fitted, they were cropped."""
        told = {name: self.settings["data"][name] for name in ("fit", "background") if name in self.settings["data"]}
        return Preprocess(self.task.image_size, self.task.channels, **told)

    @property
    def imported(self) -> bool:
        """Whether its weights came from files of a reference implementation, and no training here."""
        return "origin" in self.meta

    @property
    def fresh(self) -> tuple[str, ...]:
        """Networks that nothing has trained yet: those that were not among the imported files."""
        return tuple(self.meta["origin"]["fresh"]) if self.imported else ()

    def weights(self, kind: Weights = "last") -> Mapping[str, Tensor]:
        """Parameters and buffers of the translator; with `ema`, averages in place of those that translate."""
        if kind == "best":
            return self._best().weights
        last = self._tensors("model.safetensors")
        return last if kind == "last" else {**last, **self.average()}

    def average(self) -> dict[str, Tensor]:
        """Averaged parameters, and buffers, of the networks that translate; UserError if the run keeps none."""
        if not self.averaged:
            raise UserError(
                f"{self.folder.parent.parent} has no averaged weights: take --weights last, "
                "or train a model with --set train.ema=0.999"
            )
        return self._tensors("ema.safetensors")

    @property
    def best(self) -> "Best | None":
        """The weights that were best on the validation split, if any were looked for."""
        facts = self.meta.get("best")
        return None if facts is None else Best(**facts, weights=self._tensors("best.safetensors"))

    def _best(self) -> "Best":
        found = self.best
        if found is None:
            raise UserError(
                f"{self.folder.parent.parent} has no best weights: take --weights last, "
                "or train a model with --set train.best_by=psnr"
            )
        return found

    def _tensors(self, name: str) -> dict[str, Tensor]:
        path = self._sound(name)
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise self._damaged(path, error) from None

    def training(self) -> dict[str, Any]:
        """States of the optimisers and of the translator's own training."""
        path = self._sound("training.pt")
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise self._damaged(path, error) from None
        return state

    def data(self) -> DataRecord | None:
        """The pictures that were learnt from; None if they were not written down."""
        if "data_fingerprint" not in self.meta:
            return None
        path = self._sound(DATA)
        try:
            return DataRecord.from_text(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(path, error) from None

    def check(self) -> None:
        """Compare every file with its checksum, or if there are none load it; `Damaged` for the first that differs."""
        for name in self.meta.get("files", {}):
            self._sound(name)
        if "files" not in self.meta:
            self.weights()
            self.training()

    def _sound(self, name: str) -> Path:
        """Path of a file that is as it was written."""
        path = self.folder / name
        expected = self.meta.get("files", {}).get(name)
        try:
            if expected is not None and checksum(path) != expected:
                raise self._damaged(path, "its checksum is not that of what was written")
        except OSError as error:
            raise self._damaged(path, error) from None
        return path

    def _damaged(self, path: Path, reason: object) -> Damaged:
        return Damaged(f"{path} cannot be loaded ({reason})", self.remedy)


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
) -> Path:
    """Write a checkpoint, then remove those before the one before it; returns its folder.

    `average` are averaged weights, `best` those that were best, where the run keeps some; `origin` tells of imported
    weights: the files with their hashes, and which networks are `fresh`; `data` lists the pictures that are learnt
    from, `rollbacks` counts the returns to an earlier checkpoint, and `others` are the translator's training states in
    the other processes that train with this one.

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
    if data is not None:
        meta["data_fingerprint"] = data.fingerprint
    weights = {"model": translator.state_dict(), "ema": average, "best": None if best is None else best.weights}
    training = {"optimisers": dict(optimisers), "translator": translator.training_state()}
    if others:
        training["others"] = list(others)
    partial = parent / f".{final.name}.part"
    try:
        partial.mkdir()
        with one_error_when_full(parent):
            _write(partial, weights, training, data, meta)
        partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    sync_to_disk(parent)
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
            save_file(_plain(tensors), folder / f"{name}.safetensors")
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
        if folder.name > sound.folder.name:
            place = folder.with_name(DAMAGED + folder.name)
            shutil.rmtree(place, ignore_errors=True)
            folder.rename(place)
    return f"{damages[0].what}: going on from step {sound.position.step}; the damaged one is kept as {place}"


def _open(run: Path, folder: Path) -> Checkpoint:
    earlier = [other for other in _checkpoint_folders(run) if other.name < folder.name]
    remedy = (
        f"remove {folder} to use that of step {int(earlier[-1].name)}, or train on from there with "
        f"i2i train --resume {run}"
        if earlier
        else f"there is none before it; {NO_OTHER.format(run=run)}"
    )
    return Checkpoint(folder, read_meta(folder / "checkpoint.json", remedy), remedy)


def read_meta(path: Path, remedy: str) -> dict[str, Any]:
    """The JSON beside a translator's weights; `Damaged` if it is, UserError if it is of another format."""
    try:
        written = path.read_bytes()
        meta = json.loads(written)
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(f"{path} cannot be read ({error})", remedy) from None
    if not isinstance(meta, dict):
        raise Damaged(f"{path} is no checkpoint of i2i", remedy)
    if (SEAL in meta or "files" in meta) and not is_sound(written, meta):
        raise Damaged(f"{path} cannot be used (it has changed since it was written)", remedy)
    if meta.get("format") != FORMAT:
        raise UserError(
            f"{path} has checkpoint format {meta.get('format')!r} and i2i {__version__} reads {FORMAT}: "
            f"use the i2i that wrote it ({meta.get('i2i', 'unknown version')}) or train again"
        )
    missing = [name for name in META if name not in meta]
    if missing:
        raise Damaged(f"{path} lacks {', '.join(missing)}", remedy)
    return meta


def require_checkpoint(run: Path) -> Checkpoint:
    """The newest checkpoint, or what was exported there; UserError if the folder is neither or has none yet."""
    if not run.is_dir():
        raise UserError(f"there is no run folder {run}; train one with: i2i train --model NAME --out {run}")
    checkpoint = newest_checkpoint(run) or _exported(run)
    if checkpoint is None:
        raise UserError(f"{run} has no checkpoint yet; train it with: i2i train --model NAME --out {run}")
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
    """The translator of a checkpoint, in evaluation mode, and its preprocessing; UserError if they do not fit."""
    _check_kind(weights)
    model = dict(checkpoint.settings["model"])
    cls = registry.get(model.pop("name"))
    translator = cls(validate(cls.Config, model, "model"), checkpoint.task)
    load_weights(translator, checkpoint, weights)
    translator.untrained = checkpoint.fresh
    # As in training: dropout draws its mask in memory order.
    last = checkpoint.settings["train"]["channels_last"]
    memory_format = torch.channels_last if last else torch.contiguous_format
    translator.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
    return translator.eval(), checkpoint.preprocess


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
    return sorted(path for path in parent.glob("[0-9]*") if path.is_dir()) if parent.is_dir() else []
