"""Images that show the same although their files differ: saved again, resized, slightly recoloured.

Each image gets a perceptual hash of 64 bits: whether each of the 8x8 lowest frequencies of its discrete cosine
transform, at 32x32 pixels in grey, lies above their median (Zauner 2010, Implementation and Benchmarking of Perceptual
Image Hash Functions, section 3.2.1). Hashes that differ in few bits make a candidate, and a grey thumbnail decides:
simple images, such as line drawings on white, can share a hash and yet show different things.

What is not found: mirrored, turned and most cropped copies. What is found although it may be wanted: neighbouring
frames of a film, and scenes that differ in small details or in colour only. Images of a single colour are left out,
since they would all be alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image
from scipy.fft import dctn

from i2i.data.image_files.images import opaque

HASH_SIDE, DCT_SIDE, THUMBNAIL_SIDE = 8, 32, 16
MOST_BITS = 8
"""Hashes of two candidates differ in at most so many of their 64 bits."""
LEAST_CORRELATION = 0.97
"""Correlation of two thumbnails from which on images count as the same."""
FLAT = 3.0
"""Standard deviation of a thumbnail, in grey levels, below which an image is not compared."""
MOST_CANDIDATES = 16
BLOCK = 2**21
"""Pairs of hashes compared at once, by one band of their bits."""


@dataclass(frozen=True)
class Fingerprint:
    """What is compared of an image: `signs`, its hash as 64 values of 1 or -1, and `thumbnail`, uint8 [256]."""

    signs: np.ndarray
    thumbnail: np.ndarray

    @classmethod
    def of(cls, image: Image.Image) -> Self | None:
        """The fingerprint of an image; None for one of a single colour."""
        gray = _gray(image)
        thumbnail = np.asarray(gray.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)).reshape(-1)
        if thumbnail.std() < FLAT:
            return None
        return cls(_hash(np.asarray(gray, dtype=np.float64)), thumbnail)


def nearest(ours: list[Fingerprint], theirs: list[Fingerprint], earlier: bool = False) -> list[int | None]:
    """For each of `ours` the position of the most similar of `theirs` that shows the same, or None.

    Args:
        ours: n fingerprints.
        theirs: m fingerprints.
        earlier: both are the same list, and an image is compared with those before it.
    """
    found: list[int | None] = [None] * len(ours)
    if not ours or not theirs:
        return found
    hashes, others = (np.stack([one.signs for one in some]) for some in (ours, theirs))
    thumbnails = np.stack([one.thumbnail for one in theirs])
    for row, near in _near(hashes, others):
        candidates = near[near < row] if earlier else near
        if len(candidates):
            closest = np.argsort(-(others[candidates] @ hashes[row]), kind="stable")[:MOST_CANDIDATES]
            found[row] = _confirmed(ours[row].thumbnail, thumbnails, candidates[closest])
    return found


def alike(prints: list[Fingerprint]) -> Iterator[tuple[int, int]]:
    """All pairs of positions of images that show the same, the smaller one first."""
    if not prints:
        return
    hashes, thumbnails = np.stack([one.signs for one in prints]), np.stack([one.thumbnail for one in prints])
    for row, near in _near(hashes, hashes):
        others = near[near > row]
        if len(others):
            same = _standard(thumbnails[others]) @ _standard(thumbnails[[row]])[0] >= LEAST_CORRELATION
            yield from ((row, int(other)) for other in others[same])


def _near(ours: np.ndarray, theirs: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Positions of `ours` [n, 64], with those of `theirs` [m, 64] whose hashes differ in at most `MOST_BITS` bits.

    Both ascend. Such hashes agree in at least one of `MOST_BITS` + 1 bands of their bits, so that only those which do
    are compared: of random hashes 7 of 100.
    """
    bands = [_Band(ours, theirs, bits) for bits in np.array_split(np.arange(HASH_SIDE**2), MOST_BITS + 1)]
    rows = max(1, BLOCK // max(band.largest for band in bands))
    for start in range(0, len(ours), rows):
        pairs = np.unique(np.concatenate([part for band in bands for part in band.near(start, start + rows)]))
        positions, others = np.divmod(pairs, len(theirs))
        first = np.flatnonzero(np.diff(positions, prepend=-1))
        for own, position in zip(
            np.split(others, first[1:]), positions[first], strict=False
        ):  # none split make one part
            yield int(position), own


class _Band:
    """Hashes by some of their bits."""

    def __init__(self, ours: np.ndarray, theirs: np.ndarray, bits: np.ndarray) -> None:
        self._ours, self._theirs = ours, theirs
        weights = 1 << np.arange(len(bits))
        self._keys, keys = ((some[:, bits] > 0) @ weights for some in (ours, theirs))
        self._order = np.argsort(keys, kind="stable")
        self._ends = np.cumsum(np.bincount(keys, minlength=2 ** len(bits)))
        self.largest = int(np.diff(self._ends, prepend=0).max())

    def near(self, start: int, stop: int) -> Iterator[np.ndarray]:
        """Near pairs of ours from `start` to `stop` that agree in these bits, as position * m + other position."""
        keys = self._keys[start:stop]
        for key in np.unique(keys):
            rows = start + np.flatnonzero(keys == key)
            others = self._order[self._ends[key - 1] if key else 0 : self._ends[key]]
            agree = self._ours[rows] @ self._theirs[others].T  # bits that agree less those that do not
            row, other = np.nonzero(agree >= HASH_SIDE**2 - 2 * MOST_BITS)
            yield rows[row] * len(self._theirs) + others[other]


def _confirmed(thumbnail: np.ndarray, thumbnails: np.ndarray, candidates: np.ndarray) -> int | None:
    """The candidate whose thumbnail correlates most, if that shows the same; candidates with nearer hashes first."""
    correlations = _standard(thumbnails[candidates]) @ _standard(thumbnail[None])[0]
    best = int(correlations.argmax())
    return int(candidates[best]) if correlations[best] >= LEAST_CORRELATION else None


def _standard(thumbnails: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1, whose products are correlations."""
    centered = thumbnails - thumbnails.mean(axis=1, keepdims=True)
    return np.asarray(centered / np.linalg.norm(centered, axis=1, keepdims=True))


def _gray(image: Image.Image) -> Image.Image:
    """32x32 grey levels; what is transparent is white."""
    return opaque(image, "white", "L").resize((DCT_SIDE, DCT_SIDE), Image.Resampling.BICUBIC)


def _hash(gray: np.ndarray) -> np.ndarray:
    low = dctn(gray)[:HASH_SIDE, :HASH_SIDE].reshape(-1)
    median = np.median(low[1:])  # without the mean brightness, which is far above all others
    return np.where(low > median, 1, -1).astype(np.float32)
