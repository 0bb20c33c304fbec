"""The contract between translators and everything that trains, saves, runs and compares them.

A translator is a module with networks, a list of phases and a way to generate. It holds no optimiser, device,
path, step counter or logger: those belong to the trainer. `docs/adding_a_model.md` builds one from scratch.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from i2i.config import Section
from i2i.data.batches import Batch
from i2i.errors import UserError, unknown
from i2i.interop.family import Reference
from i2i.labels import LabelSpace
from i2i.utils.text import option, set_list

Scratch = dict[str, Tensor]
"""What one phase leaves for a later one; made fresh by the trainer for every micro-batch."""

Generate = Callable[[Tensor, slice], Tensor]
"""Translates some of the images of a batch."""

INFERENCE_NOISE_SEED = 0
ROUNDING = 1e-3  # by which a translation may leave [-1, 1]; an 8-bit level is 8e-3


class Coverage(Enum):
    """Which directions one trained translator serves."""

    DIRECTION = "direction"  # one ordered pair of domains
    PAIR = "pair"  # one pair, both ways
    ALL = "all"  # every ordered pair of all domains


@dataclass(frozen=True)
class Task:
    """What one training run learns: facts about the data, nothing about the method.

    Attributes:
        domains: names; their order is the order of the model's indices.
        directions: ordered pairs (source, target) of names.
        labels: the columns by which pictures are labelled; their domains are `domains`.
        image_size: height and width in pixels.
        channels: colour channels of every image.
    """

    domains: tuple[str, ...]
    directions: tuple[tuple[str, str], ...]
    labels: LabelSpace
    image_size: tuple[int, int]
    channels: int = 3

    @classmethod
    def covering(
        cls,
        coverage: Coverage,
        domains: LabelSpace | Sequence[str],
        image_size: tuple[int, int],
        channels: int = 3,
    ) -> "Task":
        """The task of one training of that coverage over `domains`, names or a whole label space.

        Raises:
            UserError: for fewer than two domains, or more than two with a coverage that serves one pair.
        """
        labels = domains if isinstance(domains, LabelSpace) else LabelSpace.of_domains(domains)
        names = labels.domains
        if len(names) < 2:
            raise UserError(f"translation needs at least two domains, found only {', '.join(names) or 'none'}")
        if coverage is Coverage.ALL:
            return cls(names, labels.directions, labels, image_size, channels)
        if len(names) != 2:
            raise UserError(
                f"this model learns one pair of domains at a time and the data has {', '.join(names)}: "
                f"choose two with {set_list('data.domains', names[:2])}"
            )
        directions = (names,) if coverage is Coverage.DIRECTION else (names, names[::-1])
        return cls(names, directions, LabelSpace.of_domains(names), image_size, channels)

    def index(self, domain: str) -> int:
        """Index of a domain name; UserError for a name the task does not have."""
        if domain not in self.domains:
            raise unknown("domain", domain, self.domains)
        return self.domains.index(domain)


class ModelConfig(Section):
    """Settings of a translator. Subclasses add fields with defaults that are the paper's."""


@dataclass(frozen=True)
class Adam:
    """Settings of a phase's optimiser (Kingma and Ba 2015)."""

    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)


@dataclass(frozen=True)
class Losses:
    """Outcome of one phase on one micro-batch.

    Attributes:
        total: scalar to differentiate.
        terms: its parts for the log, without their weights.
    """

    total: Tensor
    terms: Mapping[str, Tensor]


@dataclass(frozen=True)
class Phase:
    """One optimiser's turn within a training step.

    Attributes:
        name: unique within the model; names the optimiser in checkpoints and the losses in logs.
        networks: attributes of the translator whose parameters this phase, and no other, trains.
        loss: computes the losses on a micro-batch.
        optimiser: settings of the optimiser.
        every: the phase runs in step s (from 0) when (s + 1) % every == 0.
    """

    name: str
    networks: tuple[str, ...]
    loss: Callable[[Any, Scratch], Losses]
    optimiser: Adam
    every: int = 1

    def runs_in(self, step: int) -> bool:
        """Whether the phase takes its turn in `step`, counted from 0."""
        return (step + 1) % self.every == 0


@dataclass(frozen=True)
class Inference:
    """How a translator runs when it translates; recorded in checkpoints and printed by the bench.

    Attributes:
        dropout: whether dropout stays on. Its noise is one fixed draw, the same for every picture.
        image_statistics: whether batch norms use the statistics of the picture itself, as training with
            batches of one does, in place of their running ones.
    """

    dropout: bool = False
    image_statistics: bool = False

    @property
    def one_by_one(self) -> bool:
        """Whether pictures must pass singly for the result not to depend on their neighbours."""
        return self.dropout or self.image_statistics

    def __str__(self) -> str:
        noise = "dropout on" if self.dropout else "dropout off"
        return f"{noise}, batch norm by the picture's own statistics" if self.image_statistics else noise


class Translator(nn.Module, ABC):
    """A method that translates images between domains.

    Class attributes:
        coverage: what one trained instance serves.
        batch: the kind of batch its losses take.
        batch_size: the paper's, used unless the settings say otherwise.
        generators: attributes of the networks that `generate` runs, whose weights train.ema averages; none: it has
            no such average.
        Config: its settings.
        test_settings: settings that make it small enough for the contract suite.
        labelled: whether label vectors lead its translations (`generate_labels`) and not domains (`generate`).
        reference: the public implementation whose files it can take and give, if there is one.

    `multiple` is what image height and width must be multiples of, `untrained` names networks that nothing has
    trained: those of an imported model that were not among the files.
    """

    coverage: ClassVar[Coverage]
    batch: ClassVar[type[Batch]]
    batch_size: ClassVar[int] = 1
    generators: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[ModelConfig]] = ModelConfig
    test_settings: ClassVar[Mapping[str, Any]] = {}
    labelled: ClassVar[bool] = False
    reference: ClassVar[Reference | None] = None
    multiple: int = 1
    untrained: tuple[str, ...] = ()

    def __init__(self, config: ModelConfig, task: Task) -> None:
        """Build the networks on the CPU, initialised from torch's global stream."""
        super().__init__()
        self.config = config
        self.task = task

    @abstractmethod
    def phases(self) -> tuple[Phase, ...]:
        """The turns of a training step in order of execution; none for a method that learns nothing."""

    def generate(self, images: Tensor, source: int, target: int) -> Tensor:
        """Translate [B, C, H, W] in [-1, 1] between domains given by index; same shape and range."""
        raise NotImplementedError(f"{type(self).__name__} defines no generate")

    def generate_labels(self, images: Tensor, labels: Tensor) -> Tensor:
        """Translate [B, C, H, W] in [-1, 1] as label vectors [B, task.labels.width] say; for `labelled` models."""
        raise NotImplementedError(f"{type(self).__name__} defines no generate_labels")

    def recognise(self, images: Tensor) -> Tensor | None:
        """Class logits [B, task.labels.classes] of images; None from a model that judges none."""
        return None

    @property
    def inference(self) -> Inference:
        """How the model runs when it translates."""
        return Inference()

    def prepare(self, pictures: Callable[[str], Iterator[Tensor]]) -> None:
        """Look at the training data once, before the first step.

        `pictures(domain)` iterates over its training images in batches [B, C, H, W] in [-1, 1].
        """

    def training_state(self) -> dict[str, Tensor]:
        """What training needs to go on besides parameters and buffers, such as image pools."""
        return {}

    def load_training_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `training_state` gave; ValueError for tensors that do not fit."""

    @final
    def translate(
        self, images: Tensor, source: str | None, target: str, attributes: Sequence[str] | None = None
    ) -> Tensor:
        """Translate images [B, C, H, W], float in [-1, 1], from domain `source` to domain `target`.

        The result has the same shape and range and does not depend on how pictures are batched. Neither
        training mode, weights, buffers nor torch's random stream are changed.

        Args:
            images: what to translate.
            source: the domain of the images; None for a labelled model that need not know.
            target: a domain or, for a labelled model, several changes such as `Blond_Hair,-Male`.
            attributes: what each picture has in the target's data set, such as `Black_Hair,Young`. Only where the
                target leaves attributes as they are; without it a model that can tell looks at the pictures.

        Raises:
            UserError: for an unknown domain or direction, or images of a shape, type or range that the
                model does not take (other floats than those of its weights are converted); the text lists what
                is allowed. Also if what the model generates is no such tensor: of another shape or type, or outside
                [-1, 1].
        """
        for domain in (target,) if source is None else (source, target):
            if not isinstance(domain, str):
                raise UserError(f"domains are given by name, one of {', '.join(self.task.domains)}, not as {domain!r}")
        if source is not None and (target in self.task.domains or not self.labelled):
            self._check_direction(source, target)
        images = self._taken(images)
        with torch.no_grad(), self._inference_mode():
            generate = self._labelled(images, target, attributes) if self.labelled else self._between(source, target)
            if not self.inference.one_by_one:
                return self._checked(generate(images, slice(None)), images)
            some = [slice(i, i + 1) for i in range(len(images))]
            return torch.cat([self._checked(self._alone(generate, images, one), images[one]) for one in some])

    @final
    def describe(self, images: Tensor, target: str) -> list[str]:
        """What a labelled model sees in each of images [B, C, H, W], in the words that `translate` takes.

        Args:
            images: of the size of the training.
            target: whose data set the words are of.

        Raises:
            UserError: for images that the model does not take, or a model that cannot tell.
        """
        images = self._taken(images)
        columns = self.task.labels.set_of(target).columns
        with torch.no_grad(), self._inference_mode():
            rows = self._recognised(images, target)
        return [",".join(name for name, own in zip(columns, row, strict=True) if own) for row in rows.tolist()]

    def _between(self, source: str | None, target: str) -> Generate:
        if source is None:
            raise UserError(f"say which domain the pictures are of, one of {', '.join(self.task.domains)}")
        indices = self.task.index(source), self.task.index(target)
        return lambda images, some: self.generate(images[some], *indices)

    def _labelled(self, images: Tensor, target: str, attributes: Sequence[str] | None) -> Generate:
        labels = self._target_labels(images, target, attributes).to(images.device).expand(len(images), -1)
        return lambda images, some: self.generate_labels(images[some], labels[some])

    def _target_labels(self, images: Tensor, target: str, attributes: Sequence[str] | None) -> Tensor:
        space = self.task.labels
        if space.decides(target):
            return space.towards(target)
        if attributes is None:
            return space.towards(target, self._recognised(images, target))
        if len(attributes) != len(images):
            raise UserError(f"{len(attributes)} descriptions do not fit {len(images)} images")
        return space.towards(target, space.described(target, attributes))

    def _recognised(self, images: Tensor, target: str) -> Tensor:
        """What the pictures have in the target's data set, as the model sees it."""
        logits = self.recognise(images)
        if logits is None:
            columns = self.task.labels.set_of(target).columns
            raise UserError(
                f"this model cannot tell what the pictures have of {', '.join(columns)}: say it with --source, "
                f"as in {option('--source', columns[0])}"
            )
        return self.task.labels.judged(target, logits)

    @staticmethod
    def _alone(generate: Generate, images: Tensor, some: slice) -> Tensor:
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
            torch.manual_seed(INFERENCE_NOISE_SEED)
            return generate(images, some)

    def _checked(self, translated: object, images: Tensor) -> Tensor:
        """What a model has generated, if it is what the contract asks for; nan is left to those who use it."""
        method = f"{type(self).__name__}.{'generate_labels' if self.labelled else 'generate'}"
        asked = f"it must give a floating point tensor {list(images.shape)} in [-1, 1]"
        if not isinstance(translated, Tensor):
            raise UserError(f"{method} gives {type(translated).__name__}: {asked}")
        if translated.shape != images.shape or not translated.is_floating_point():
            raise UserError(f"{method} gives {translated.dtype} {list(translated.shape)}: {asked}")
        if bool(translated.abs().amax() > 1.0 + ROUNDING):
            low, high = float(translated.min()), float(translated.max())
            raise UserError(f"{method} gives values from {low:.3g} to {high:.3g}: {asked}, as by tanh or clamp")
        return translated

    @contextmanager
    def _inference_mode(self) -> Iterator[None]:
        modules = list(self.modules())
        training = [module.training for module in modules]
        tracking = [getattr(module, "track_running_stats", None) for module in modules]
        for module in modules:
            if isinstance(module, nn.modules.dropout._DropoutNd):
                module.training = self.inference.dropout
            elif isinstance(module, nn.BatchNorm2d) and self.inference.image_statistics:
                # Training mode without tracking: the picture's statistics, and no trace of it afterwards.
                module.training, module.track_running_stats = True, False
            else:
                module.training = False
        try:
            yield
        finally:
            for module, mode, tracks in zip(modules, training, tracking, strict=True):
                module.training = mode
                if tracks is not None:
                    module.track_running_stats = tracks

    def _check_direction(self, source: str, target: str) -> None:
        for domain in (source, target):
            self.task.index(domain)
        if (source, target) not in self.task.directions:
            allowed = ", ".join(f"{a} to {b}" for a, b in self.task.directions)
            raise UserError(f"this model does not translate {source} to {target}; it translates {allowed}")

    def _taken(self, images: Tensor) -> Tensor:
        """The images in the precision of the weights, if the model takes them."""
        self._check_images(images)
        weight = next(self.parameters(), None)
        return images if weight is None else images.to(weight.dtype)

    def _check_images(self, images: Tensor) -> None:
        if not isinstance(images, Tensor):
            raise UserError(
                f"images must be a torch.Tensor, got {type(images).__name__}: torch.from_numpy takes arrays"
            )
        channels = self.task.channels
        if images.ndim != 4 or images.shape[1] != channels:
            raise UserError(f"images must have shape [B, {channels}, H, W], got {list(images.shape)}")
        if not len(images):
            raise UserError(f"there are no images: the batch has shape {list(images.shape)}")
        if not images.is_floating_point():
            raise UserError(f"images must be floating point in [-1, 1], got {images.dtype}")
        check_size((images.shape[2], images.shape[3]), self.multiple)
        if not bool(images.abs().amax() <= 1.0):
            low, high = float(images.min()), float(images.max())
            raise UserError(f"images must lie in [-1, 1], got values from {low:.3g} to {high:.3g}")


def check_size(image_size: tuple[int, int], multiple: int) -> None:
    """UserError unless height and width are positive multiples of `multiple`."""
    if all(side > 0 and side % multiple == 0 for side in image_size):
        return
    height, width = image_size
    near = [max(multiple, round(side / multiple) * multiple) for side in image_size]
    size = str(near[0]) if near[0] == near[1] else f"{near[0]}x{near[1]}"
    raise UserError(
        f"an image of {height}x{width} pixels does not divide by {multiple}, which this model needs: "
        f"use --set data.image_size={size}"
    )
