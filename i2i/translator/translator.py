"""The contract between translators and everything that trains, saves, runs and compares them.

A translator is a module with networks, settings of optimizers, a list of phases and a way to generate. It holds no
device, path, step counter or logger: those belong to the trainer. `docs/adding_a_model.md` builds one from scratch.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self, final

import torch
from torch import Tensor, nn

from i2i.config import Section
from i2i.data.batches import Batch
from i2i.errors import UserError
from i2i.interop.family import Reference
from i2i.translator.phases import Optimizer, Phase
from i2i.translator.request import LARGEST_SEED, End, Noise, Request, seed_of
from i2i.translator.schedules import LinearDecay, Schedule
from i2i.translator.task import Coverage, Task, check_size
from i2i.utils.text import option

TAKES = ("labels", "noise", "reference", "sampling_steps")
"""What a translator can say that it takes, besides images and domains."""
HOW_GIVEN = {"noise": "seeds, --samples", "reference": "--reference", "sampling_steps": "--sampling-steps"}

ROUNDING = 1e-3  # by which a translation may leave [-1, 1]; an 8-bit level is 8e-3


class ModelConfig(Section):
    """Settings of a translator. Subclasses add fields with defaults that are the paper's."""


class Translator(nn.Module, ABC):
    """A method that translates images between domains.

    Class attributes:
        coverage: what one trained instance serves.
        batch: the kind of batch its losses take.
        defaults: the paper's settings of `train`, such as batch_size, ema or accumulate, used where none are given.
        generators: attributes of the networks that `generate` runs, whose weights train.ema averages; none: it
            averages all networks that are trained.
        translates_with: which weights translate by default: those of the last step or, as some papers
            have it, their average, where a training keeps one.
        Config: its settings.
        test_settings: settings that make it small enough for the contract suite.
        unlike_channels: whether its domains may have different numbers of channels, `task.channels_of`; else all images
            have `task.channels`.
        takes: what it asks of a request besides domains, some of `TAKES`: with "labels" label vectors lead its
            translations, so that the source need not be known and the target may be several changes. Where this
            hangs on settings the class names all that it may take, and `__init__` leaves out what it does not.
        frozen: attributes of networks that nothing trains, such as a perceptual one: they stay in evaluation mode and
            are neither saved nor counted, so that `__init__` has to give them their weights.
        reference: the public implementation whose files it can take and give, if there is one.
        channels_last: kinds of devices, as torch names them, with the precisions in which NHWC was measured there to
            train faster than NCHW.
        schedule: how the learning rates change over a training; `train.decay_from` replaces it.

    `schedule` may also be set in `__init__`. `multiple` is what image height and width must be multiples of, and
    `most_sampling_steps` the most steps that it can take; None: there is no such bound. A model that takes images of
    its training's size alone says in `bound_to_size` what to do with others: the end of an error.
    `untrained` names networks that nothing has trained: those of an imported model that were not among the files.
    """

    coverage: ClassVar[Coverage]
    batch: ClassVar[type[Batch]]
    defaults: ClassVar[Mapping[str, Any]] = {}
    generators: ClassVar[tuple[str, ...]] = ()
    translates_with: ClassVar[Literal["last", "ema"]] = "last"
    Config: ClassVar[type[ModelConfig]] = ModelConfig
    test_settings: ClassVar[Mapping[str, Any]] = {}
    unlike_channels: ClassVar[bool] = False
    takes: frozenset[str] = frozenset()
    frozen: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[Reference | None] = None
    channels_last: ClassVar[frozenset[tuple[str, str]]] = frozenset()
    schedule: Schedule = LinearDecay()
    multiple: int = 1
    bound_to_size: str = ""
    most_sampling_steps: int | None = None
    untrained: tuple[str, ...] = ()

    def __init__(self, config: ModelConfig, task: Task) -> None:
        """Build the networks on the CPU, initialised from torch's global stream."""
        super().__init__()
        self.config = config
        self.task = task
        self.register_state_dict_post_hook(_without_frozen)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(_not_missing_frozen)  # type: ignore[no-untyped-call]

    def train(self, mode: bool = True) -> Self:
        """Training or evaluation mode of all networks but those that are frozen."""
        super().train(mode)
        for name in self.frozen:
            self.get_submodule(name).requires_grad_(False).eval()
        return self

    @final
    def learned_parameters(self) -> dict[str, nn.Parameter]:
        """All parameters by name but those of frozen networks."""
        return {name: value for name, value in self.named_parameters() if not _is_frozen(self, name)}

    @final
    @classmethod
    def train_defaults(cls) -> dict[str, Any]:
        """The method's own settings of `train`: `defaults`, and for others than those what its schedule says."""
        linear = {"decay_from": cls.schedule.start} if isinstance(cls.schedule, LinearDecay) else {}
        return {"batch_size": 1, **linear, **cls.defaults}

    def optimizers(self) -> Mapping[str, Optimizer]:
        """By name, the settings of the optimizers; none for a method that learns nothing."""
        return {}

    @abstractmethod
    def phases(self) -> tuple[Phase, ...]:
        """The turns of a training step in order of execution; none for a method that learns nothing."""

    @abstractmethod
    def generate(self, images: Tensor, request: Request) -> Tensor:
        """Translate [B, C, H, W] in [-1, 1] as requested; same shape, but for the target's channels, and range.

        All is in evaluation mode and without gradients. The result of an image must not depend on those beside it.
        """

    def requested_style(self, images: Tensor, request: Request) -> Tensor | None:
        """The style [B, length] that `generate` puts on images; where `request.style` is given it takes that instead.

        None from a model that has no styles. Of a model that has some, what lies between two of them is one too.
        """
        return None

    def recognize(self, images: Tensor) -> Tensor | None:
        """Class logits [B, task.labels.classes] of images; None from a model without a classifier."""
        return None

    @property
    def inference(self) -> str:
        """How the model runs when it translates, in a few words; stands in checkpoints and beside its scores."""
        return "dropout off"

    def exportable(self) -> tuple["Translator", tuple[str, ...]]:
        """A copy whose `generate` is plain tensor arithmetic of any batch, and sentences on what it does otherwise."""
        return deepcopy(self), ()

    def prepare(self, images_of: Callable[[str], Iterator[Tensor]]) -> None:
        """Look at the training data once, before the first step.

        `images_of(domain)` iterates over its training images in batches [B, C, H, W] in [-1, 1].
        """

    def training_state(self) -> dict[str, Tensor]:
        """What training needs to go on besides parameters and buffers, such as image pools."""
        return {}

    def load_training_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `training_state` gave; ValueError for tensors that do not fit."""

    @final
    def translate(
        self,
        images: Tensor,
        source: str | None,
        target: str,
        attributes: Sequence[str] | None = None,
        *,
        seeds: Sequence[int] | None = None,
        reference: Tensor | None = None,
        sampling_steps: int | None = None,
    ) -> Tensor:
        """Translate images [B, C, H, W], float in [-1, 1], from domain `source` to domain `target`.

        The result has the same shape, with the target's channels, and range and does not depend on how images are
        batched. Neither training mode, weights, buffers nor torch's random stream are changed.

        Args:
            images: what to translate.
            source: the domain of the images; None for a model that takes labels and need not know.
            target: a domain or, for a model that takes labels, several changes such as `Blond_Hair,-Male`.
            attributes: what each image has in the target's data set, such as `Black_Hair,Young`. Only where the
                target leaves attributes as they are; without it a model that can tell looks at the images.
            seeds: of the noise of each image, for a model that takes noise; None: 0 for all.
            reference: images of the target domain [B, C, H, W], or one for all, float in [-1, 1] and of the size of
                the training, whose style the translations take, for a model that takes them.
            sampling_steps: at least 1, for a model that takes them; None: its own number.

        Raises:
            UserError: for an unknown domain or direction, or images of a shape, type or range that the
                model does not take (other floats than those of its weights are converted), or what it does not take
                at all; the text lists what is allowed. Also if what the model generates is no such tensor: of another
                shape or type, or outside [-1, 1].
        """
        self.check_asked(source, target, {"noise": seeds, "reference": reference, "sampling_steps": sampling_steps})
        images = self._taken(images, domain=source)
        with torch.no_grad(), self._inference_mode():
            request = self._request(images, source, target, attributes, seeds, reference, sampling_steps)
            return self._checked(self.generate(images, request), images, target)

    @final
    def interpolate(
        self,
        images: Tensor,
        source: str | None,
        ends: tuple[End, End],
        shares: Sequence[float],
        attributes: Sequence[str] | None = None,
        sampling_steps: int | None = None,
    ) -> Tensor:
        """Translations [S, B, C, H, W] of images [B, C, H, W] between two ends, which share 0 and 1 give to the bit.

        What leads the translations is mixed: label vectors, or styles.

        Args:
            images: [B, C, H, W], as `translate` takes them.
            source: domain of the images; None where the model need not know.
            ends: two targets, each with seeds and a reference for a model that takes them.
            shares: of the second end, each from 0 to 1.
            attributes: of the images, as `translate` takes them.
            sampling_steps: of an iterative model.

        Raises:
            UserError: as `translate`, from a model that is led by neither labels nor styles, or for two targets of
                which it has a network each.
        """
        for end in ends:
            given = {"noise": end.seeds, "reference": end.reference, "sampling_steps": sampling_steps}
            at_home = end.target == source and self.coverage is Coverage.ALL
            self.check_asked(None if at_home else source, end.target, given)
        self.check_between([end.target for end in ends])
        _check_shares(shares)
        images, target = self._taken(images, domain=source), ends[0].target

        def asked() -> list[Request]:
            """Made each time, so that each share has the noise that a translation has."""
            return [
                self._request(images, source, end.target, attributes, end.seeds, end.reference, sampling_steps)
                for end in ends
            ]

        def at(share: float) -> Tensor:
            if share in (0, 1):
                return self._checked(self.generate(images, asked()[int(share)]), images, target)
            return self._checked(
                self.generate(images, self._between(images, asked(), share, asked()[0])), images, target
            )

        with torch.no_grad(), self._inference_mode():
            return torch.stack([at(share) for share in shares])

    @final
    def check_between(self, targets: Sequence[str]) -> None:
        """UserError unless there is something between translations to these two targets."""
        if not self.interpolates:
            raise UserError(
                "this model is led by neither labels nor styles, so there is nothing between two of its translations: "
                "take one that is, such as stargan, stargan-v2 or munit"
            )
        first, second = targets
        if first != second and "labels" not in self.takes and self.coverage is not Coverage.ALL:
            raise UserError(
                f"this model has networks of its own for {first} and for {second}, and nothing lies between them: "
                "take two seeds or two reference images of one target"
            )

    @property
    def interpolates(self) -> bool:
        """Whether there is anything between two of its translations."""
        return "labels" in self.takes or type(self).requested_style is not Translator.requested_style

    @final
    def seeds_of(self, names: Iterable[str], seed: int = 0) -> list[int] | None:
        """Seeds for the noise of image files, from their names without suffix; None where the model takes no noise.

        Another `seed` gives all of them other noise.
        """
        return [seed_of(name, seed) for name in names] if "noise" in self.takes else None

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
            rows = self._recognized(images, target)
        return [",".join(name for name, own in zip(columns, row, strict=True) if own) for row in rows.tolist()]

    @final
    def check_bound(self, image_size: tuple[int, int] | None, what: str = "images") -> None:
        """UserError for another height and width, or None for any, if the model is bound to those of its training."""
        if not self.bound_to_size or image_size == self.task.image_size:
            return
        own, given = (f"{height}x{width}" for height, width in (self.task.image_size, image_size or (0, 0)))
        named = f"of {given}" if image_size else "of any size"
        raise UserError(f"this model takes {what} of {own} pixels alone, not {named}: {self.bound_to_size}")

    @final
    def check_sampling_steps(self, steps: object) -> None:
        """UserError unless the model takes so many sampling steps."""
        self._check_taken({"sampling_steps"})
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise UserError(f"sampling_steps is {steps!r}: give a whole number of at least 1, or leave it out")
        if self.most_sampling_steps is not None and steps > self.most_sampling_steps:
            raise UserError(
                f"sampling_steps is {steps} and this model's schedule has {self.most_sampling_steps}: "
                "give at most as many, or leave it out"
            )

    @final
    def check_asked(self, source: str | None, target: str, given: Mapping[str, object]) -> None:
        """UserError for a direction that the model does not have, or what it does not take; without translating.

        Args:
            source: domain of the images; None: it is not said.
            target: domain, or changes of attributes.
            given: what is asked for beside, by the names in `TAKES`; None: it is not.
        """
        for domain in (target,) if source is None else (source, target):
            if not isinstance(domain, str):
                raise UserError(f"domains are given by name, one of {', '.join(self.task.domains)}, not as {domain!r}")
        if source is not None and (target in self.task.domains or "labels" not in self.takes):
            self._check_direction(source, target)
        self._check_taken({name for name, value in given.items() if value is not None})
        if (steps := given.get("sampling_steps")) is not None:
            self.check_sampling_steps(steps)

    def _request(
        self,
        images: Tensor,
        source: str | None,
        target: str,
        attributes: Sequence[str] | None,
        seeds: Sequence[int] | None,
        reference: Tensor | None,
        sampling_steps: int | None,
    ) -> Request:
        return Request(
            *self._domains(source, target),
            Noise(self._seeds(seeds, len(images)), images.device),
            self._labels(images, target, attributes) if "labels" in self.takes else None,
            None if reference is None else self._reference(reference, images, target),
            sampling_steps,
        )

    def _between(self, images: Tensor, ends: Sequence[Request], share: float, fresh: Request) -> Request:
        """The fresh request, led by what lies at a share of the way between the ends."""
        first, second = ends
        if first.labels is not None and second.labels is not None:
            return replace(fresh, target=None, labels=first.labels.lerp(second.labels, share))
        one, other = (_given(self.requested_style(images, request)) for request in ends)
        return replace(fresh, style=one.lerp(other, share))

    def _check_taken(self, given: set[str]) -> None:
        unwanted = [f"{name} ({HOW_GIVEN[name]})" for name in TAKES if name in given - self.takes]
        if unwanted:
            allowed = ", ".join(name for name in TAKES if name in self.takes) or "nothing but images and domains"
            raise UserError(f"this model takes no {', no '.join(unwanted)}; it takes {allowed}: leave the rest out")

    def _domains(self, source: str | None, target: str) -> tuple[int | None, int | None]:
        if source is None and "labels" not in self.takes:
            raise UserError(f"say which domain the images are of, one of {', '.join(self.task.domains)}")
        index = {domain: place for place, domain in enumerate(self.task.domains)}
        return index.get(source or ""), index.get(target)

    @staticmethod
    def _seeds(seeds: Sequence[int] | None, count: int) -> list[int]:
        if seeds is None:
            return [0] * count
        if len(seeds) != count:
            raise UserError(f"{len(seeds)} seeds do not fit {count} images: give one for each")
        for seed in seeds:
            if not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
                raise UserError(f"a seed is {seed!r}: give whole numbers from 0 to {LARGEST_SEED}")
        return list(seeds)

    def _reference(self, reference: Tensor, images: Tensor, target: str) -> Tensor:
        """The reference images, one for each."""
        given = self._taken(reference, "reference images", target).to(images.device)
        (height, width), size = self.task.image_size, (given.shape[2], given.shape[3])
        if size != (height, width):
            raise UserError(
                f"reference images have {size[0]}x{size[1]} pixels and this model takes after images of "
                f"{height}x{width}, the size of its training: scale and crop them to it"
            )
        if len(given) not in (1, len(images)):
            raise UserError(f"{len(given)} reference images do not fit {len(images)} images: give one for each, or one")
        return given.expand(len(images), -1, -1, -1)

    def _labels(self, images: Tensor, target: str, attributes: Sequence[str] | None) -> Tensor:
        return self._target_labels(images, target, attributes).to(images.device).expand(len(images), -1)

    def _target_labels(self, images: Tensor, target: str, attributes: Sequence[str] | None) -> Tensor:
        space = self.task.labels
        if space.decides(target):
            return space.towards(target)
        if attributes is None:
            return space.towards(target, self._recognized(images, target))
        if len(attributes) != len(images):
            raise UserError(f"{len(attributes)} descriptions do not fit {len(images)} images")
        return space.towards(target, space.described(target, attributes))

    def _recognized(self, images: Tensor, target: str) -> Tensor:
        """What the images have in the target's data set, as the model sees it."""
        logits = self.recognize(images)
        if logits is None:
            columns = self.task.labels.set_of(target).columns
            raise UserError(
                f"this model cannot tell what the images have of {', '.join(columns)}: say it with --source, "
                f"as in {option('--source', columns[0])}"
            )
        return self.task.labels.classified(target, logits)

    def _checked(self, translated: object, images: Tensor, target: str) -> Tensor:
        """What a model has generated, if it is what the contract asks for; nan is left to those who use it."""
        method, shape = f"{type(self).__name__}.generate", [*images.shape]
        shape[1] = self.task.channels_of(target)
        asked = f"it must give a floating point tensor {shape} in [-1, 1]"
        if not isinstance(translated, Tensor):
            raise UserError(f"{method} gives {type(translated).__name__}: {asked}")
        if list(translated.shape) != shape or not translated.is_floating_point():
            raise UserError(f"{method} gives {translated.dtype} {list(translated.shape)}: {asked}")
        if bool(translated.abs().amax() > 1.0 + ROUNDING):
            low, high = float(translated.min()), float(translated.max())
            raise UserError(f"{method} gives values from {low:.3g} to {high:.3g}: {asked}, as by tanh or clamp")
        return translated

    @contextmanager
    def _inference_mode(self) -> Iterator[None]:
        modes = [(module, module.training) for module in self.modules()]
        self.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode

    def _check_direction(self, source: str, target: str) -> None:
        for domain in (source, target):
            self.task.index(domain)
        if (source, target) not in self.task.directions:
            allowed = ", ".join(f"{a} to {b}" for a, b in self.task.directions)
            raise UserError(f"this model does not translate {source} to {target}; it translates {allowed}")

    def _taken(self, images: Tensor, what: str = "images", domain: str | None = None) -> Tensor:
        """The images in the precision of the weights, if the model takes them."""
        self._check_images(images, what, self.task.channels if domain is None else self.task.channels_of(domain))
        weight = next(self.parameters(), None)
        return images if weight is None else images.to(weight.dtype)

    def _check_images(self, images: Tensor, what: str, channels: int) -> None:
        if not isinstance(images, Tensor):
            raise UserError(
                f"{what} must be a torch.Tensor, got {type(images).__name__}: torch.from_numpy takes arrays"
            )
        if images.ndim != 4 or images.shape[1] != channels:
            raise UserError(f"{what} must have shape [B, {channels}, H, W], got {list(images.shape)}")
        if not len(images):
            raise UserError(f"there are no {what}: the batch has shape {list(images.shape)}")
        if not images.is_floating_point():
            raise UserError(f"{what} must be floating point in [-1, 1], got {images.dtype}")
        check_size((images.shape[2], images.shape[3]), self.multiple, "resize it to {size}")
        self.check_bound((images.shape[2], images.shape[3]), what)
        if not bool(images.abs().amax() <= 1.0):
            low, high = float(images.min()), float(images.max())
            raise UserError(f"{what} must lie in [-1, 1], got values from {low:.3g} to {high:.3g}")


def _check_shares(shares: Sequence[float]) -> None:
    for share in shares:
        if not 0 <= share <= 1:
            raise UserError(f"a share is {share!r}: give numbers from 0 to 1")


def _given(style: Tensor | None) -> Tensor:
    if style is None:
        raise UserError(
            "requested_style gives None: a model that has it must give a style [B, length] for every request"
        )
    return style


def _is_frozen(translator: nn.Module, name: str) -> bool:
    return name.partition(".")[0] in getattr(translator, "frozen", ())


def _without_frozen(translator: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    for name in [name for name in state if _is_frozen(translator, name.removeprefix(prefix))]:
        del state[name]


def _not_missing_frozen(translator: nn.Module, keys: Any) -> None:
    keys.missing_keys[:] = [name for name in keys.missing_keys if not _is_frozen(translator, name)]
