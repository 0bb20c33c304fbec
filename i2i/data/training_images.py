"""The images of a training: decoded once, then drawn as a pure function of seed and step."""

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache
from typing import Self

import numpy as np
import torch
from torch import Tensor

from i2i.data.image_files.decode import Decoding, Pixels
from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.load_pixels import check_readable, decode_in_memory
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.image_files.value_range import as_tensor
from i2i.data.layouts import DataSet, ImageFile
from i2i.labels import LabelSet, LabelSpace
from i2i.utils.progress import Progress

RESIDENT = 0.25
"""Share of a GPU's free memory that images may take."""


class TrainingImages:
    """The training split, from which batches are drawn.

    Every epoch of a domain visits each of its images once, in an order of its own. Which images a step
    gets and how they are cropped and flipped depends on the seed and the step alone, so a resumed training
    sees what an undisturbed one would have.

    Images lie in pools: one for each domain, or one for all images of a data set with attributes, whose
    domains overlap.

    Args:
        pixels: uint8 [N, H', W', C] by pool, all of one size, at least that of `preprocess`; arrays, or what gives
            the same by positions. Where `preprocess` has formats, as they say.
        preprocess: size and channels of the images.
        flip: whether to mirror half of the images.
        seed: of order and augmentation.
        labels: what can be said of the images; None: the pools are domains.
        rows: for pools of images with attributes, what each has: 0 or 1, [N, columns].
        unzoomed: the same pixels in the size of `preprocess`, for `unzoomed`.
    """

    def __init__(
        self,
        pixels: Mapping[str, Pixels],
        preprocess: Preprocess,
        flip: bool = True,
        seed: int = 0,
        labels: LabelSpace | None = None,
        rows: Mapping[str, Tensor] | None = None,
        unzoomed: Mapping[str, Pixels] | None = None,
    ) -> None:
        self.preprocess, self.flip, self.seed = preprocess, flip, seed
        self.labels = labels or LabelSpace.of_domains(pixels)
        self._pixels, self._unzoomed = pixels, unzoomed
        self._rows = rows or {}
        self._device = torch.device("cpu")
        self._there: Mapping[str, Tensor] = {}
        self._unzoomed_there: Mapping[str, Tensor] = {}

    @classmethod
    def load(
        cls,
        data: DataSet,
        split: str,
        preprocess: Preprocess,
        zoom: float = 1.0,
        flip: bool = True,
        seed: int = 0,
        progress: Progress | None = None,
        cache: PixelCache | None = None,
        both_sizes: bool = False,
    ) -> Self:
        """The split of every domain of `data`.

        Images are loaded `zoom` times as large as the images and randomly cropped (286/256 in pix2pix and
        CycleGAN). `progress` is called with the images done and in total. With a `cache` they are mapped from
        there, and those that have no place in it are decoded whenever they are drawn; without one they are decoded
        into memory. With `both_sizes` they are also loaded as large as the images, for `unzoomed`.

        Raises:
            UserError: naming the first image that cannot be decoded.
        """
        pools, rows = pools_and_rows(data, split)
        zooms = (zoom, 1.0) if both_sizes and zoom > 1 else (zoom,)
        total, done, sizes = len(zooms) * sum(map(len, pools.values())), 0, list[dict[str, Pixels]]()
        for one in zooms:
            sizes.append({})
            for pool, images in pools.items():
                on_progress = progress and _counted_on(progress, done, total)
                sizes[-1][pool] = _pixels_of(Decoding(images, preprocess.of_domain(pool), one), cache, on_progress)
                done += len(images)
        return cls(sizes[0], preprocess, flip, seed, data.labels, rows, *sizes[1:])

    def on(self, device: torch.device, resident: float = RESIDENT) -> Self:
        """The same images, whose batches are cropped, flipped and normalised on `device` and lie there.

        Where they take at most the share `resident` of a GPU's free memory, their pixels lie there too.
        """
        moved = copy(self)
        moved._device = device
        sizes = [pixels for pixels in (self._pixels, self._unzoomed) if pixels is not None]
        if device.type == "cuda" and _has_room(device, sizes, resident):
            moved._there, moved._unzoomed_there = (_placed(one or {}, device) for one in (self._pixels, self._unzoomed))
        return moved

    def unzoomed(self) -> Self:
        """The same images without zoom, and so without random crops; themselves if they were loaded in one size."""
        if self._unzoomed is None:
            return self
        plain = copy(self)
        plain._pixels, plain._there = self._unzoomed, self._unzoomed_there
        return plain

    @property
    def decoded_when_drawn(self) -> int:
        """Number of images that the cache has no place for."""
        return sum(len(pixels) for pixels in self._pixels.values() if isinstance(pixels, Decoding))

    @classmethod
    def blank(cls, labels: LabelSpace, preprocess: Preprocess, channels: Mapping[str, int] | None = None) -> Self:
        """Two black images per pool, to try out what a batch looks like: with no attribute and with all of them.

        `channels` are those of domains that have others than `preprocess`.
        """
        own = channels or {}
        pools = {
            pool: np.zeros((2, *preprocess.image_size, own.get(pool, preprocess.channels)), dtype=np.uint8)
            for one in labels.sets
            for pool in pools_of(one)
        }
        rows = {
            one.name: torch.tensor([[0.0], [1.0]]).expand(2, len(one.columns))
            for one in labels.sets
            if one.has_attributes
        }
        return cls(pools, preprocess, labels=labels, rows=rows)

    def reseeded(self, seed: int) -> Self:
        """The same images, in another order and with other crops and flips."""
        other = copy(self)
        other.seed = seed
        return other

    def size(self, pool: str) -> int:
        """Number of images of a pool."""
        return len(self._pixels[pool])

    def rows(self, one: LabelSet, places: np.ndarray) -> Tensor:
        """What images of a set have of its columns: 0 or 1, [B, columns]; places as in `take`."""
        if one.has_attributes:
            return self._rows[one.name][torch.from_numpy(places)]
        owners, _ = self._owners(one.domains, places)
        return torch.eye(len(one.columns))[torch.from_numpy(owners)]

    def count(self, domain: str) -> int:
        """Number of images of a domain."""
        pool, members = self._members(domain)
        return self.size(pool) if members is None else len(members)

    def _members(self, domain: str) -> tuple[str, np.ndarray | None]:
        """The pool that holds a domain, and which of its images; None: all."""
        one = self.labels.set_of(domain)
        if not one.has_attributes:
            return domain, None
        return one.name, one.holds(domain, self._rows[one.name]).nonzero().flatten().numpy()

    def order(self, stream: str, count: int, step: int, size: int) -> np.ndarray:
        """Positions [size] below `count` that `step` gets from an endless run of shuffled epochs."""
        places = np.arange(step * size, (step + 1) * size)
        return np.array([_epoch(self.seed, stream, count, place // count)[place % count] for place in places])

    def views(self, stream: str, step: int, size: int) -> "Views":
        """The random crops and flips of `size` images in `step`."""
        rng = np.random.default_rng([self.seed, _number(stream), step, 1])
        height, width = self.preprocess.image_size
        full_height, full_width = next(iter(self._pixels.values())).shape[1:3]
        tops = rng.integers(0, full_height - height + 1, size)
        lefts = rng.integers(0, full_width - width + 1, size)
        flips = rng.random(size) < 0.5 if self.flip else np.zeros(size, dtype=bool)
        return Views(tops, lefts, flips, (height, width))

    def images(self, domain: str, positions: np.ndarray, views: "Views") -> Tensor:
        """Augmented images [B, C, H, W] in [-1, 1] of a domain."""
        pool, members = self._members(domain)
        return self.take((pool,), positions if members is None else members[positions], views)

    def take(self, pools: Sequence[str], places: np.ndarray, views: "Views") -> Tensor:
        """Augmented images [B, C, H, W] in [-1, 1] of the images at `places` of pools laid end to end."""
        if len(pools) > 1 and self.preprocess.formats:
            return self._taken_apart(pools, places, views)
        pixels = views.cut(self._gathered(pools, places)).permute(0, 3, 1, 2)
        return self.preprocess.of_domain(pools[0]).to_images(pixels)

    def _taken_apart(self, pools: Sequence[str], places: np.ndarray, views: "Views") -> Tensor:
        """The same of pools with formats of their own, each by itself."""
        owners, positions = self._owners(pools, places)
        order = np.argsort(owners, kind="stable")
        mine = [(pools[owner], np.flatnonzero(owners == owner)) for owner in np.unique(owners)]
        parts = torch.cat([self.take((pool,), positions[own], views[own]) for pool, own in mine])
        return parts[torch.from_numpy(np.argsort(order, kind="stable")).to(parts.device)]

    def _gathered(self, pools: Sequence[str], places: np.ndarray) -> Tensor:
        """[B, H', W', C] on the device, uint8 or as `as_tensor` has it."""
        if self._there:
            return self._gathered_there(pools, places)
        if len(pools) == 1:
            return _sent(self._pixels[pools[0]][places], self._device)
        owners, positions = self._owners(pools, places)
        pixels = np.empty((len(places), *self._pixels[pools[0]].shape[1:]), dtype=np.uint8)
        for owner in np.unique(owners):
            mine = owners == owner
            pixels[mine] = self._pixels[pools[owner]][positions[mine]]
        return _sent(pixels, self._device)

    def _gathered_there(self, pools: Sequence[str], places: np.ndarray) -> Tensor:
        """From pixels on the device; only positions go there."""
        owners, positions = self._owners(pools, places)
        order = np.argsort(owners, kind="stable")
        parts = [
            _at(self._there[pools[owner]], positions[order][owners[order] == owner]) for owner in np.unique(owners)
        ]
        return parts[0] if len(parts) == 1 else _at(torch.cat(parts), np.argsort(order, kind="stable"))

    def _owners(self, pools: Sequence[str], places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The number of the pool [B] that each place falls into, and the position [B] in it."""
        counts = [self.size(pool) for pool in pools]
        ends = np.cumsum(counts)
        owners = np.searchsorted(ends, places, side="right")
        return owners, places - (ends - counts)[owners]

    def centered(self, domain: str, batch_size: int = 64) -> Iterator[Tensor]:
        """All images of a domain in order, without augmentation, in batches [B, C, H, W] in [-1, 1]."""
        pool, members = self._members(domain)
        pixels, preprocess = self._pixels[pool], self.preprocess.of_domain(pool)
        places = np.arange(len(pixels)) if members is None else members
        height, width = self.preprocess.image_size
        top, left = (pixels.shape[1] - height) // 2, (pixels.shape[2] - width) // 2
        for start in range(0, len(places), batch_size):
            some = pixels[places[start : start + batch_size]]
            yield preprocess.to_images(some[:, top : top + height, left : left + width])


def pools_of(one: LabelSet) -> tuple[str, ...]:
    """The pools that hold the images of a label set."""
    return (one.name,) if one.has_attributes else one.domains


def labelled(data: DataSet, split: str) -> tuple[list[ImageFile], Tensor]:
    """Every image of a split once, and their label vectors [N, width]."""
    pools, rows = pools_and_rows(data, split)
    vectors = []
    for position, one in enumerate(data.labels.sets):
        for number, pool in enumerate(pools_of(one)):
            count = len(pools[pool])
            own = rows[pool] if one.has_attributes else torch.eye(len(one.columns))[[number] * count]
            vectors.append(data.labels.encode(position, own))
    return [image for images in pools.values() for image in images], torch.cat(vectors)


def pools_and_rows(data: DataSet, split: str) -> tuple[dict[str, tuple[ImageFile, ...]], dict[str, Tensor]]:
    """Images by pool, and the label rows of those with attributes."""
    pools: dict[str, tuple[ImageFile, ...]] = {}
    rows: dict[str, Tensor] = {}
    for one in data.labels.sets:
        by_domain = {domain: data.images(split, domain) for domain in one.domains}
        if one.has_attributes:
            every = {image.path: image for images in by_domain.values() for image in images}
            pools[one.name] = tuple(every[path] for path in sorted(every))
            rows[one.name] = torch.stack([one.described(",".join(p.attributes)) for p in pools[one.name]])
        else:
            pools |= by_domain
    return pools, rows


class Views:
    """Crops and flips for a batch: `tops`, `lefts`, `flips` [B] and the size (height, width) of the crop."""

    def __init__(self, tops: np.ndarray, lefts: np.ndarray, flips: np.ndarray, size: tuple[int, int]) -> None:
        self.tops, self.lefts, self.flips, self.size = tops, lefts, flips, size

    def __getitem__(self, rows: slice | np.ndarray) -> "Views":
        return Views(self.tops[rows], self.lefts[rows], self.flips[rows], self.size)

    def cut(self, pixels: Tensor) -> Tensor:
        """Apply to pixels [B, H', W', C]: [B, H, W, C] on the same device."""
        height, width = self.size
        mirrored = pixels.flip(2) if self.flips.any() else pixels
        last = pixels.shape[2] - width
        crops = [
            (mirrored if flip else pixels)[number, top : top + height, start : start + width]
            for number, (top, start, flip) in enumerate(
                zip(self.tops, np.where(self.flips, last - self.lefts, self.lefts), self.flips, strict=True)
            )
        ]
        return torch.stack(crops)


def _pixels_of(decoding: Decoding, cache: PixelCache | None, progress: Progress | None) -> Pixels:
    if cache is None:
        return decode_in_memory(decoding, progress)
    pixels = cache.pixels(decoding, progress)
    if pixels is not None:
        return pixels
    check_readable(decoding.images, progress)
    return decoding


def _counted_on(progress: Progress, before: int, total: int) -> Progress:
    """Progress of a part as that of the whole."""
    return lambda done, _: progress(before + done, total)


def _has_room(device: torch.device, sizes: Sequence[Mapping[str, Pixels]], share: float) -> bool:
    """Whether decoded pixels take at most a share of a GPU's free memory."""
    pools = [pixels for size in sizes for pixels in size.values()]
    if any(isinstance(pixels, Decoding) for pixels in pools):
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return sum(math.prod(pixels.shape) * pixels.dtype.itemsize for pixels in pools) <= share * free


def _placed(pixels: Mapping[str, Pixels], device: torch.device) -> dict[str, Tensor]:
    return {pool: as_tensor(np.array(own)).to(device) for pool, own in pixels.items()}


def _at(pixels: Tensor, positions: np.ndarray) -> Tensor:
    """Rows of pixels on a device. The copy of positions is not waited for: CUDA has read them when it returns."""
    return pixels[torch.from_numpy(positions).to(pixels.device, non_blocking=True)]


def _sent(pixels: np.ndarray, device: torch.device) -> Tensor:
    """On the device; the copy to an accelerator waits for nothing that is still to be computed there."""
    tensor = as_tensor(pixels)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


@lru_cache(maxsize=64)
def _epoch(seed: int, stream: str, count: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, _number(stream), epoch, 0]).permutation(count)


def _number(stream: str) -> int:
    return zlib.crc32(stream.encode())
