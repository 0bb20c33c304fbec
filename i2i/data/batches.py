"""What a training step is given: each kind of batch draws itself from the images."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from i2i.data.layouts import DataSet
from i2i.data.training_images import TrainingImages, Views, pools_of
from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.utils.text import set_list

__all__ = ["Batch", "LabelledBatch", "PairedBatch", "ReferenceBatch", "TwiceBatch", "UnpairedBatch"]

EVERY = slice(None)


@dataclass(frozen=True)
class Batch(ABC):
    """Tensors that share their first dimension; images are [B, C, H, W] in [-1, 1].

    `images_per_item` is how many real images one item of the batch holds; budgets are counted in them. `references` is
    how many it holds besides, of which only the style is looked at; they are reported, and no budget counts them.
    """

    images_per_item: ClassVar[int] = 1
    references: ClassVar[int] = 0

    @classmethod
    @abstractmethod
    def draw(cls, source: TrainingImages, domains: tuple[str, ...], size: int, step: int, rows: slice = EVERY) -> Self:
        """The batch of `size` items for `step`, or some of its rows.

        A pure function of the arguments and the source's seed: rows are what they are in the whole batch.
        """

    @classmethod
    def unsuitable(cls, data: DataSet) -> str | None:
        """Why such batches cannot be drawn from `data`, or None if they can."""
        return None

    def to(self, device: torch.device, memory_format: torch.memory_format) -> Self:
        """A copy on `device`, image tensors in `memory_format`."""
        return type(self)(*(_moved(tensor, device, memory_format) for tensor in self._tensors()))

    def clone(self) -> Self:
        """A copy in memory of its own."""
        return type(self)(*(tensor.clone() for tensor in self._tensors()))

    def copy_(self, other: Self) -> None:
        """Take over the values of a batch of the same shapes on the same device."""
        torch._foreach_copy_(self._tensors(), other._tensors())

    def keep_for(self, stream: torch.cuda.Stream) -> None:
        """Let no other use of the GPU's memory have that of this batch before the stream has read it."""
        for tensor in self._tensors():
            tensor.record_stream(stream)

    def split(self, parts: int) -> list[Self]:
        """Equal micro-batches, for the accumulation of gradients."""
        pieces = zip(*(tensor.chunk(parts) for tensor in self._tensors()), strict=True)
        return [type(self)(*piece) for piece in pieces]

    def _tensors(self) -> list[Tensor]:
        return [getattr(self, field.name) for field in fields(self)]


@dataclass(frozen=True)
class PairedBatch(Batch):
    """`source` and `target` images of the same scenes, cropped and flipped alike."""

    images_per_item: ClassVar[int] = 2
    source: Tensor
    target: Tensor

    @classmethod
    def draw(cls, source: TrainingImages, domains: tuple[str, ...], size: int, step: int, rows: slice = EVERY) -> Self:
        positions = source.order("pairs", source.count(domains[0]), step, size)[rows]
        views = source.views("pairs", step, size)[rows]
        return cls(*(source.images(domain, positions, views) for domain in _two(domains, cls)))

    @classmethod
    def unsuitable(cls, data: DataSet) -> str | None:
        if data.paired:
            return None
        remedy = data.hint or "give both images of a pair one name, or take a model that needs none, such as cyclegan"
        return f"it learns from aligned pairs and {data.name} has none: {remedy}"


@dataclass(frozen=True)
class UnpairedBatch(Batch):
    """Images `a` and `b` of two domains, drawn independently."""

    images_per_item: ClassVar[int] = 2
    a: Tensor
    b: Tensor

    @classmethod
    def draw(cls, source: TrainingImages, domains: tuple[str, ...], size: int, step: int, rows: slice = EVERY) -> Self:
        return cls(*(cls._side(source, domain, size, step, rows) for domain in _two(domains, cls)))

    @staticmethod
    def _side(
        source: TrainingImages, domain: str, size: int, step: int, rows: slice, stream: str | None = None
    ) -> Tensor:
        """Images of a domain, whose order and augmentation another `stream` makes others."""
        stream = stream or domain
        positions = source.order(stream, source.count(domain), step, size)[rows]
        return source.images(domain, positions, source.views(stream, step, size)[rows])


@dataclass(frozen=True)
class TwiceBatch(UnpairedBatch):
    """Images `a` and `again` of one domain and `b` of another, all drawn independently."""

    images_per_item: ClassVar[int] = 3
    again: Tensor

    @classmethod
    def draw(cls, source: TrainingImages, domains: tuple[str, ...], size: int, step: int, rows: slice = EVERY) -> Self:
        a, b = (cls._side(source, domain, size, step, rows) for domain in _two(domains, cls))
        return cls(a, b, cls._side(source, domains[0], size, step, rows, f"{domains[0]} again"))


@dataclass(frozen=True)
class LabelledBatch(Batch):
    """`images` of any domain and their label vectors `labels` [B, width of the label space].

    A batch holds equally many images of every data set, the first sets one more where that does not come out
    even; within a data set each image is as likely as any other.
    """

    images: Tensor
    labels: Tensor

    @classmethod
    def draw(cls, source: TrainingImages, domains: tuple[str, ...], size: int, step: int, rows: slice = EVERY) -> Self:
        space = source.labels.restricted(domains)
        count = len(space.sets)
        shares = [size // count + (position < size % count) for position in range(count)]
        starts = [sum(shares[:position]) for position in range(count)]
        parts = [
            cls._of_set(source, space, position, shares[position], step, own)
            for position, own in enumerate(
                _within(rows, start, share) for start, share in zip(starts, shares, strict=True)
            )
            if own.start < own.stop
        ]
        images, labels = zip(*parts, strict=True)
        return cls(torch.cat(images), torch.cat(labels))

    @staticmethod
    def _of_set(
        source: TrainingImages, space: LabelSpace, position: int, size: int, step: int, rows: slice
    ) -> tuple[Tensor, Tensor]:
        one = space.sets[position]
        stream, pools = f"all {one.name}".strip(), pools_of(one)
        places = source.order(stream, sum(source.size(pool) for pool in pools), step, size)[rows]
        images = source.take(pools, places, source.views(stream, step, size)[rows])
        return images, space.encode(position, source.rows(one, places))


@dataclass(frozen=True)
class ReferenceBatch(Batch):
    """`images` of any domain, and for each two references of another or the same one.

    Sources and targets are balanced: of as many items as there are domains, one is of each, whatever their sizes. Both
    references of an item are of its target domain and drawn independently.

    Attributes:
        images: what is translated.
        domains: indices [B] of their domains.
        targets: indices [B] of the domains of the references.
        first, second: the references [B, C, H, W].
    """

    references: ClassVar[int] = 2
    images: Tensor
    domains: Tensor
    targets: Tensor
    first: Tensor
    second: Tensor

    @classmethod
    def draw(cls, source: TrainingImages, domains: tuple[str, ...], size: int, step: int, rows: slice = EVERY) -> Self:
        own, targets = (source.order(stream, len(domains), step, size)[rows] for stream in ("sources", "targets"))
        rounds = (np.arange(step * size, (step + 1) * size) // len(domains))[rows]
        images, first, second = (
            _mixed(source, stream, domains, owners, rounds, source.views(stream, step, size)[rows])
            for stream, owners in (("image", own), ("first reference", targets), ("second reference", targets))
        )
        return cls(images, torch.from_numpy(own), torch.from_numpy(targets), first, second)


def _mixed(
    source: TrainingImages,
    stream: str,
    domains: tuple[str, ...],
    owners: np.ndarray,
    rounds: np.ndarray,
    views: Views,
) -> Tensor:
    """Images [B, C, H, W] of the domains numbered `owners`, of which each gives its next one in each round."""
    order, parts = [], []
    for number in np.unique(owners):
        domain, mine = domains[number], np.flatnonzero(owners == number)
        places = [source.order(f"{stream} {domain}", source.count(domain), turn, 1) for turn in rounds[mine]]
        order.append(mine)
        parts.append(source.images(domain, np.concatenate(places), views[mine]))
    return torch.cat(parts)[np.argsort(np.concatenate(order))]


def _two(domains: tuple[str, ...], kind: type[Batch]) -> tuple[str, ...]:
    if len(domains) != 2:
        raise UserError(
            f"{kind.__name__} holds images of two domains and the task has {len(domains)}: train a model with such "
            f"batches on two, as by {set_list('data.domains', domains[:2])}, or with the coverage of a pair"
        )
    return domains


def _within(rows: slice, start: int, size: int) -> slice:
    """The part of `rows` that lies in the `size` rows from `start` on, counted from there."""
    first, last, _ = rows.indices(start + size)
    return slice(max(first - start, 0), last - start)


def _moved(tensor: Tensor, device: torch.device, memory_format: torch.memory_format) -> Tensor:
    if tensor.ndim == 4:
        return tensor.to(device, memory_format=memory_format, non_blocking=True)
    return tensor.to(device, non_blocking=True)
