"""What one translation is asked for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

LARGEST_SEED = 2**63 - 1


class Noise:
    """Random numbers for a batch: one stream per image, from its seed, so that what is beside an image does not matter.

    They are drawn on the CPU and so are the same for every device.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device | str = "cpu") -> None:
        self._streams = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._device = device

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers [B, *shape], float32, each time others."""
        return torch.stack([torch.randn(shape, generator=stream) for stream in self._streams]).to(self._device)


@dataclass(frozen=True)
class Request:
    """What a batch of images is to become; tensors have one row per image and lie on the device of the images.

    Attributes:
        source: index of the domain of the images; None where labels lead and no domain is said.
        target: index of the domain to translate to; None where labels lead to something that is no single domain.
        labels: label vectors [B, width] to translate to; None from a model that does not take them.
        noise: random numbers; from a model that does not take noise the same in every translation.
        reference: images in [-1, 1] of the target domain to take after, [B, C, *task.image_size]; None: none are given.
        sampling_steps: how many steps an iterative model is to take; None: as many as it thinks right.
        style: what `requested_style` has given, or a mixture [B, length], to take in its place; None: none is given.
    """

    source: int | None
    target: int | None
    noise: Noise
    labels: Tensor | None = None
    reference: Tensor | None = None
    sampling_steps: int | None = None
    style: Tensor | None = None


@dataclass(frozen=True)
class End:
    """One of two translations between which others are to lie.

    Attributes:
        target: domain, or changes of attributes.
        seeds, reference: as `Translator.translate` takes them.
    """

    target: str
    seeds: Sequence[int] | None = None
    reference: Tensor | None = None


def sample_name(stem: str, sample: int) -> str:
    """What one of several translations of an image is called, without suffix: `a`, then `a.s1` and so on."""
    return f"{stem}.s{sample}" if sample else stem


def seed_of(name: str, seed: int = 0) -> int:
    """The seed of an image file's noise, from its name alone: the order and number of files do not matter.

    Another `seed` than 0 gives every name other noise.
    """
    if seed:
        name = f"{seed}/{name}"  # no file's name holds a slash
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()) >> 1
