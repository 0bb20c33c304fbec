"""The domain classifier: tells which domain an image belongs to, or which attributes it has.

The share of translations that it assigns to their target domain is the bench's accuracy, a measure
of StarGAN (Choi et al., 2018, https://arxiv.org/abs/1711.09020, section 5), which trains a
ResNet-18 on real images for it. Here too it learns from real training images alone, and starts
from random weights, so that nothing has to be downloaded.
"""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from i2i.errors import UserError
from i2i.labels import LabelSet, LabelSpace
from i2i.losses import label_loss
from i2i.metrics._arrays import require_share, require_whole
from i2i.metrics.features._inference import check_pixels, scoring
from i2i.metrics.features._sampling import augmented, balanced_order, blurred
from i2i.utils.atomic_write import replacing
from i2i.utils.given_paths import given_path
from i2i.utils.memory import usable_device

# From scratch on 1200 images of 64 pixels it beats resnet18 in accuracy, in 2/3 of its time.
BACKBONE = "resnet10t"
PEAK_RATE = 2e-3
WEIGHT_DECAY = 0.05
WARM_UP = 0.25  # share of the steps in which the learning rate rises
MOST_PIXELS = 65_536  # of a side, in a file's header
SMOOTHING = 0.1  # of the labels
BLUR = 1 / 32
"""The strongest blur that it learns from, std as a share of the shorter side.

Translations are less sharp than the real images that it learns from. One that has seen only sharp images takes blur
for a sign of some domain or other, by the chance of its seed.
"""
# Up to this side the last stage sees maps of one pixel. There the weight gradient of a strided bfloat16 convolution
# was not a number now and then on the CPU (torch 2.15), as if memory had been read that nobody wrote.
FLOAT32_SIDE = 16

Progress = Callable[[int, int], None]
Start = Callable[[Any], None]


class _Labels(BaseModel):
    model_config = ConfigDict(strict=True)
    name: str
    columns: tuple[str, ...]
    exclusive: tuple[tuple[str, ...], ...]


class _Header(BaseModel):
    """What a classifier's file says of itself."""

    model_config = ConfigDict(strict=True)
    backbone: str
    labels: tuple[_Labels, ...] = Field(min_length=1)
    size: tuple[Annotated[int, Field(ge=1, le=MOST_PIXELS)], Annotated[int, Field(ge=1, le=MOST_PIXELS)]]


class DomainClassifier(nn.Module):
    """A timm network on pixels, with its normalisation inside and its domains known by name.

    Args:
        labels: what it tells, one logit per column.
        size: height and width of the images, pixels.
        backbone: a name that timm knows; its weights start random.

    Raises:
        UserError: timm does not know the backbone.
        ValueError: no label space, fewer than two domains, or no size.
    """

    def __init__(self, labels: LabelSpace, size: tuple[int, int], *, backbone: str = BACKBONE) -> None:
        super().__init__()
        _require_space(labels)
        if not isinstance(size, Sequence) or len(size) != 2:
            raise ValueError(f"size is height and width in pixels, not {size!r}")
        for side in size:
            require_whole("a side", side, 1)
        if len(labels.domains) < 2:
            raise ValueError(f"a classifier needs two or more domains, not {list(labels.domains)}")
        self.labels = labels
        self.size = size
        self.backbone_name = backbone
        self.backbone: Any = _create(backbone, labels.classes)  # timm's networks share no typed base
        self.dimensions = int(self.backbone.head_hidden_size)

    @property
    def device(self) -> torch.device:
        """Where it runs; pixels are brought there."""
        return next(self.parameters()).device

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits [B, labels.classes] of pixels, uint8 [B, 3, H, W].

        Raises:
            ValueError: another dtype, shape or size.
        """
        logits: Tensor = self.backbone(self._normalized(pixels))
        return logits

    def features(self, pixels: Tensor) -> Tensor:
        """What the last layer sees, [B, d], of pixels, uint8 [B, 3, H, W].

        Raises:
            ValueError: another dtype, shape or size.
        """
        maps = self.backbone.forward_features(self._normalized(pixels))
        features: Tensor = self.backbone.forward_head(maps, pre_logits=True)
        return features

    def save(self, path: Path) -> None:
        """Write weights, domains, size and backbone to one safetensors file, atomically."""
        description = {"backbone": self.backbone_name, "labels": self.labels.settings(), "size": self.size}
        state = {name: tensor.cpu().contiguous() for name, tensor in self.state_dict().items()}
        path = given_path("path", path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            safetensors.torch.save_file(state, partial, {"classifier": json.dumps(description)})

    @classmethod
    def load(cls, path: Path, *, device: torch.device | str = "cpu") -> "DomainClassifier":
        """The classifier that `save` wrote, in evaluation mode.

        Raises:
            UserError: the file is missing, damaged, or no classifier of ours, or there is no such device.
        """
        path, place = given_path("path", path), usable_device(device)
        if not path.is_file():
            raise UserError(f"no domain classifier at {path}: train one, or give an existing file")
        try:
            with safe_open(path, framework="pt") as file:
                header = _Header.model_validate_json((file.metadata() or {})["classifier"])
                shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            labels = LabelSpace(tuple(LabelSet(one.columns, one.exclusive, one.name) for one in header.labels))
            with torch.device("meta"):  # before any memory is taken
                blank = DomainClassifier(labels, header.size, backbone=header.backbone)
            if shapes != {name: tuple(value.shape) for name, value in blank.state_dict().items()}:
                raise ValueError("its weights are not those of its backbone")
            classifier = _untrained(labels, header.size, header.backbone)
            classifier.load_state_dict(safetensors.torch.load_file(path))
        except (SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"{path} is damaged or not a domain classifier: delete it and train a new one") from error
        return classifier.to(place).eval()

    def _normalized(self, pixels: Tensor) -> Tensor:
        check_pixels(pixels)
        if tuple(pixels.shape[2:]) != self.size:
            raise ValueError(
                f"pixels of {pixels.shape[2]}x{pixels.shape[3]}, but the classifier was trained at "
                f"{self.size[0]}x{self.size[1]}: resize them as its training images were"
            )
        images = pixels.to(self.device).float() / 127.5 - 1  # [-1, 1]
        return images.contiguous(memory_format=torch.channels_last)


def classify(classifier: DomainClassifier, pixels: Tensor, *, batch_size: int = 256) -> Tensor:
    """The logits of every image; `classifier.labels.shows` reads them.

    Args:
        classifier: used in evaluation mode, whatever mode it is in.
        pixels: uint8 [N, 3, H, W].
        batch_size: images at a time; does not change the answer.

    Returns:
        float32 [N, classes] on the CPU.

    Raises:
        ValueError: another dtype, shape or size, or a batch of none.
    """
    require_classifier(classifier)
    check_pixels(pixels)
    require_whole("batch_size", batch_size, 1)
    with scoring(classifier, classifier.device):
        batches = [
            classifier(pixels[start : start + batch_size]).float().cpu() for start in range(0, len(pixels), batch_size)
        ]
    return torch.cat(batches) if batches else torch.empty(0, classifier.labels.classes)


def train_classifier(
    pixels: Tensor,
    labels: Tensor,
    space: LabelSpace,
    *,
    backbone: str = BACKBONE,
    images: int = 6144,
    batch_size: int = 32,
    blur: float = BLUR,
    seed: int = 0,
    bf16: bool = False,
    start: Start | None = None,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> DomainClassifier:
    """Train a classifier, from scratch by default; it is returned in evaluation mode.

    The same arguments give the same classifier on a machine and leave global random numbers alone. Batches draw equally
    from all domains, attributes' as one; flips, shifts and blur keep colors, which may be what tells domains apart.

    Args:
        pixels: uint8 [N, 3, H, W].
        labels: label vectors [N, space.width].
        space: what they say.
        backbone: a name that timm knows.
        images: how many to learn from in all, repeats counted; rounded up to whole batches.
        batch_size: images in one step, at least 2.
        blur: std of the strongest Gaussian blur, as a share of the shorter side, in [0, 1]; 0: none.
        seed: of the weights, the order and the augmentation.
        bf16: multiply in bfloat16, about 1.5 times as fast where that is native, but for images of up to 16 pixels.
        start: gives the backbone weights to start from; None: they are drawn.
        device: where to train; the classifier stays there.
        progress: called after every step with the images seen and their final number.

    Raises:
        UserError: a domain without an image, an unknown backbone, or a training that diverged.
        ValueError: arguments of wrong dtype, shape or range.
    """
    check_pixels(pixels)
    labels = _checked_labels(labels, len(pixels), space)
    for name, value, least in (("batch_size", batch_size, 2), ("images", images, 1), ("seed", seed, 0)):
        require_whole(name, value, least)
    require_share("blur", blur)
    classifier = _untrained(space, (pixels.shape[2], pixels.shape[3]), backbone, seed=seed, start=start)
    classifier.to(usable_device(device)).to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(seed)
    steps = math.ceil(images / batch_size)
    kinds = _kinds(space, labels)
    order = balanced_order(kinds, int(kinds.max()) + 1, steps * batch_size, generator)
    bf16 = bf16 and min(pixels.shape[2:]) > FLOAT32_SIDE
    optimizer = torch.optim.AdamW(classifier.parameters(), weight_decay=WEIGHT_DECAY)
    classifier.train()
    for step in range(steps):
        chosen = order[step * batch_size : (step + 1) * batch_size]
        batch = blurred(augmented(pixels, chosen, generator), blur, generator)
        _step(classifier, optimizer, batch, labels[chosen], rate=PEAK_RATE * _one_cycle(step, steps), bf16=bf16)
        if progress is not None:
            progress((step + 1) * batch_size, steps * batch_size)
    _require_finite(classifier)
    return classifier.eval()


def _untrained(
    labels: LabelSpace, size: tuple[int, int], backbone: str, *, seed: int = 0, start: Start | None = None
) -> DomainClassifier:
    """A classifier with weights drawn from `seed` ahead of `start`, the global random numbers left as they were."""
    with torch.random.fork_rng(devices=[]):  # weights are drawn on the CPU
        torch.default_generator.manual_seed(seed)
        classifier = DomainClassifier(labels, size, backbone=backbone)
    if start:
        start(classifier.backbone)
    return classifier


def _create(backbone: str, classes: int) -> Any:
    import timm  # takes seconds

    if not isinstance(backbone, str) or not timm.is_model(backbone):
        raise UserError(f"timm knows no backbone {backbone!r}: try {BACKBONE!r} or 'resnet18'")
    return timm.create_model(backbone, pretrained=False, num_classes=classes)


def require_classifier(given: object) -> None:
    """Raise a ValueError for anything but a domain classifier."""
    if not isinstance(given, DomainClassifier):
        raise ValueError(f"classifier must be a DomainClassifier, as DomainClassifier.load gives, not {given!r}")


def _require_space(given: object) -> None:
    if not isinstance(given, LabelSpace):
        raise ValueError(f"labels are described by a LabelSpace, such as LabelSpace.of_domains(names), not {given!r}")


def _checked_labels(labels: Tensor, images: int, space: LabelSpace) -> Tensor:
    """The labels on the CPU, if they are of so many images and every column occurs."""
    _require_space(space)
    if not isinstance(labels, Tensor) or not labels.is_floating_point() or labels.shape != (images, space.width):
        given = f"{labels.dtype} {list(labels.shape)}" if isinstance(labels, Tensor) else type(labels).__name__
        raise ValueError(f"labels must be float [{images}, {space.width}], but are {given}")
    labels = labels.cpu()
    if not bool(((labels >= 0) & (labels <= 1)).all()):
        low, high = float(labels.min()), float(labels.max())
        raise ValueError(f"labels lie between 0 and 1, but these go from {low:.3g} to {high:.3g}")
    names = [one.prefix + column for one in space.sets for column in one.columns]
    empty = [name for name, count in zip(names, labels.sum(0).tolist(), strict=False) if not count]
    if empty:
        raise UserError(f"no training images of {', '.join(empty)}: add some or leave the domain out")
    return labels


def _kinds(space: LabelSpace, labels: Tensor) -> Tensor:
    """Which images take turns in a batch: int64 [N], a number per domain or per data set with attributes."""
    kinds = torch.zeros(len(labels), dtype=torch.int64)
    owners = space.owners(labels)
    for position, one in enumerate(space.sets):
        columns, own = space.columns(position), owners == position
        within = 0 if one.has_attributes else labels[own, columns].argmax(1)
        kinds[own] = columns.start + within
    present = torch.bincount(kinds) > 0
    return (present.cumsum(0) - 1)[kinds]


def _one_cycle(step: int, steps: int) -> float:
    """Learning rate as a share of its peak: a straight rise, then half a cosine down to 0.

    After Smith and Topin, "Super-Convergence", 2017, https://arxiv.org/abs/1708.07120.
    """
    done = (step + 0.5) / steps
    if done < WARM_UP:
        return done / WARM_UP
    return 0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))


def _step(
    classifier: DomainClassifier,
    optimizer: torch.optim.Optimizer,
    pixels: Tensor,
    labels: Tensor,
    *,
    rate: float,
    bf16: bool,
) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    device = classifier.device
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
        logits = classifier(pixels)
    loss = label_loss(classifier.labels, logits, labels.to(device), SMOOTHING)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _require_finite(classifier: DomainClassifier) -> None:
    if not all(bool(value.isfinite().all()) for value in classifier.state_dict().values()):
        raise UserError("the domain classifier diverged: use another seed, or float32")
