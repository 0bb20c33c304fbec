"""What a family of networks is, and what a model says about the files of its reference implementation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from i2i.errors import UserError

StateDict = Mapping[str, Tensor]
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Family:
    """Networks of one build, here and in a reference implementation.

    Attributes:
        title: what such a network is, with its article.
        generator: whether it makes images; otherwise it is a discriminator or an encoder.
        recognises: whether a reference state dict is of this family.
        read: arguments that build the network here, from the keys and shapes of a reference state dict; without those
            that these do not settle. Raises UserError for what the reference or i2i does not have.
        build: the network here, from those arguments.
        rename: for a network, the function from the names of its modules to the reference's.
        tracked: which of its running statistics the reference stores for an instance norm, given the name of that here;
            nothing uses them.
    """

    title: str
    generator: bool
    recognizes: Callable[[StateDict], bool]
    read: Callable[[StateDict], dict[str, Any]]
    build: Callable[..., nn.Module]
    rename: Callable[[nn.Module], Callable[[str], str]]
    tracked: Callable[[str], tuple[str, ...]] = lambda name: ()


@dataclass(frozen=True)
class ReferenceFile:
    """One network of a reference implementation, in a file of its own or with others in a `Bundle`.

    Attributes:
        network: attribute of the translator that holds this network.
        family: how its names correspond.
        infers: from arguments of the network to what they settle: `model.NAME`, `data.NAME`, or a property of the
            label space, `labels.width` or `labels.classes`.
        direction: indices of the domains between which a generator translates; None: between all.
    """

    network: str
    family: Family
    infers: Mapping[str, str]
    direction: tuple[int, int] | None = None


@dataclass(frozen=True)
class Bundle:
    """A file of a reference implementation that holds several networks by name.

    Attributes:
        file_name: pattern of its name, with {step} where it has it.
        networks: keys of `Reference.files` by the names that the networks have in it.
        ignored: names of what else it can hold, which is not needed here.
        written: whether an export writes it; otherwise it is only read.
    """

    file_name: str
    networks: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    written: bool = True


@dataclass(frozen=True)
class Place:
    """Where a network lies: a file and, if that is a bundle, its name in it."""

    path: Path
    entry: str = ""

    def __str__(self) -> str:
        return f"{self.path} ({self.entry})" if self.entry else str(self.path)


@dataclass(frozen=True)
class Reference:
    """The public implementation whose files a translator takes and gives.

    Attributes:
        repository: where its code is.
        file_name: pattern of the names of files with one network each, with {network} and, where they have it, {step}.
        files: its networks under the names that its files have, or any where they come in bundles.
        usual_size: side of the images in pixels, from what the files tell; for when nothing else says it.
        assumed: settings that no file says and that change translations.
        has: for settings of which the reference has not every value, those that it has.
        bundles: its files that hold several networks. A network may be in more than one.
    """

    repository: str
    file_name: str
    files: Mapping[str, ReferenceFile]
    usual_size: Callable[[Mapping[str, Any]], int]
    assumed: tuple[str, ...] = ()
    has: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    bundles: tuple[Bundle, ...] = ()

    def file_names(self, step: object = 1) -> list[str]:
        """The names of its files, each of which holds one network or is a bundle that is written."""
        if self.bundles:
            return [bundle.file_name.format(step=step) for bundle in self.bundles if bundle.written]
        return [self.file_name.format(network=name, step=step) for name in self.files]


def shape(state: StateDict, key: str) -> tuple[int, ...]:
    """Shape of a convolution's weight, four numbers; UserError if the state dict lacks it."""
    if key not in state:
        raise UserError(f"it lacks {key}")
    if state[key].ndim != 4:
        raise UserError(f"its {key} is {list(state[key].shape)}, and not the weight of a convolution")
    return tuple(state[key].shape)


def has_kernel(state: StateDict, key: str, side: int) -> bool:
    """Whether there is a convolution of that name with a square kernel of that side."""
    return key in state and tuple(state[key].shape[2:]) == (side, side)


def has_filters(state: StateDict) -> bool:
    """Whether a network of the reference resamples by fixed filters."""
    return any(key.endswith(".filt") for key in state)


def read_norm(state: StateDict, convolution: str, norm: str) -> str:
    """Which norm follows a convolution; there the reference has a bias with plain instance norm alone."""
    if f"{norm}.weight" in state:
        return "batch" if f"{norm}.running_mean" in state else "instance-affine"
    return "instance" if f"{convolution}.bias" in state else "none"


def image_channels(inputs: int, outputs: int) -> int:
    """Channels of a network's images; UserError unless it gives as many as it takes."""
    if inputs != outputs:
        raise UserError(f"it takes {inputs} channels and gives {outputs}, and i2i's models give as many as they take")
    return inputs
