"""pix2pix: image translation learnt from aligned pairs.

Isola, Zhu, Zhou, Efros: Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017,
https://arxiv.org/abs/1611.07004. One U-Net maps source to target; a PatchGAN classifies the concatenated pair.
"""

from copy import deepcopy
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from i2i.data.batches import PairedBatch
from i2i.errors import UserError
from i2i.interop.family import Reference, ReferenceFile
from i2i.interop.patchgan import PATCHGAN
from i2i.interop.unet import UNET
from i2i.losses import OBJECTIVES, GANObjective, discriminator_terms, halved, interpolation, total
from i2i.models._settings import MOST_CHANNELS, Variations
from i2i.nn import (
    Norm,
    PatchDiscriminator,
    UNet,
    as_in_training,
    as_single_images,
    initialize,
    normalize_spectrally,
    patchgan,
    use_instance_norms,
)
from i2i.registry import register
from i2i.translator import Coverage, Losses, Optimizer, Phase, Request, Step, Task, Translator

DEEPEST = 8
NOISE_SEED = 0
NO_DROPOUT = "the graph has no dropout, which this model keeps on when i2i translates"
INSTANCE_NORM = "batch norm by the image's own statistics is an instance norm in the graph"


class Pix2PixConfig(Variations):
    """Settings of pix2pix; the defaults are the paper's."""

    width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after the generator's first convolution")
    discriminator_width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after the discriminator's first")
    depth: int | None = Field(None, ge=2, le=10, description="U-Net levels; None: as many as fit, at most 8")
    layers: int = Field(3, ge=0, le=6, description="PatchGAN layers; 0 classifies pixels, 3 fields of 70 px")
    norm: Norm = "batch"
    skips: bool = Field(True, description="skips of the U-Net; false: an encoder-decoder")
    conditional: bool = Field(True, description="the discriminator sees the source beside the output")
    dropout: float = Field(0.5, ge=0, lt=1, description="rate of the generator's noise; 0: none")
    test_dropout: bool = Field(True, description="keep the noise when translating, as the paper does")
    test_statistics: Literal["image", "running"] = Field(
        "image", description="whose statistics batch norm uses when translating"
    )
    gan: GANObjective = "vanilla"
    lambda_gan: float = Field(1.0, ge=0, description="0: no discriminator at all")
    lambda_l1: float = Field(100.0, ge=0)
    lambda_gp: float = Field(10.0, ge=0, description="weight of the gradient penalty, for wgan-gp")
    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _something_to_learn(self) -> "Pix2PixConfig":
        if not self.lambda_gan and not self.lambda_l1:
            raise UserError(
                "pix2pix learns nothing with lambda_gan=0 and lambda_l1=0: "
                "set one of them above 0, e.g. --set model.lambda_l1=100"
            )
        return self


@register("pix2pix")
class Pix2Pix(Translator):
    """One U-Net and, unless `lambda_gan` is 0, one PatchGAN for one ordered pair of domains."""

    coverage = Coverage.DIRECTION
    batch = PairedBatch
    generators = ("generator",)
    Config = Pix2PixConfig
    unlike_channels = True
    channels_last = frozenset({("cuda", "bf16")})
    test_settings = {"width": 4, "discriminator_width": 4, "layers": 2}
    config: Pix2PixConfig

    def __init__(self, config: Pix2PixConfig, task: Task) -> None:
        super().__init__(config, task)
        depth = config.depth or _depth_for(task.image_size)
        source, target = map(task.channels_of, task.domains)
        generator = UNet(
            source,
            config.width,
            depth,
            norm=config.norm,
            dropout=config.dropout,
            skips=config.skips,
            padding=config.padding,
            upsampling=config.upsampling,
            outputs=target,
        )
        self.multiple = generator.multiple
        self.generator = initialize(generator)
        if config.lambda_gan:
            self.discriminator = self._discriminator()

    def _discriminator(self) -> PatchDiscriminator:
        config, (source, target) = self.config, map(self.task.channels_of, self.task.domains)
        shown = source + target if config.conditional else target
        discriminator = initialize(patchgan(shown, config.discriminator_width, config.layers, config.norm))
        return normalize_spectrally(discriminator) if config.spectral_norm else discriminator

    def optimizers(self) -> dict[str, Optimizer]:
        rate, betas = self.config.learning_rate, (self.config.beta1, 0.999)
        names = ("discriminator", "generator") if self.config.lambda_gan else ("generator",)
        return {name: Optimizer((name,), rate, betas) for name in names}

    def phases(self) -> tuple[Phase, ...]:
        generator = Phase("generator", self._generator_loss)
        if not self.config.lambda_gan:
            return (generator,)
        return Phase("discriminator", self._discriminator_loss, self._draw), generator

    def _draw(self, batch: PairedBatch, step: Step) -> None:
        if OBJECTIVES[self.config.gan].penalized:
            step["interpolation"] = interpolation(batch.target)

    def _discriminator_loss(self, batch: PairedBatch, step: Step) -> Losses:
        """Equation 1 or, unconditional, 2, halved to slow the discriminator down (section 3.3)."""
        fake = step["fake"] = self.generator(batch.source)
        terms = discriminator_terms(
            self.config.gan,
            self.discriminator,
            real=self._shown(batch.source, batch.target),
            fake=self._shown(batch.source, fake.detach()),
            interpolation=step.get("interpolation"),
        )
        return Losses(halved(terms, self.config.lambda_gp), terms)

    def _generator_loss(self, batch: PairedBatch, step: Step) -> Losses:
        """Equation 4: the adversarial term and the weighted L1 distance to the target, where they have a weight."""
        config = self.config
        fake = step["fake"] if config.lambda_gan else self.generator(batch.source)
        terms: dict[str, Tensor] = {}
        if config.lambda_gan:
            scores = self.discriminator(self._shown(batch.source, fake))
            terms["adversarial"] = OBJECTIVES[config.gan].generator(scores)
        if config.lambda_l1:
            terms["l1"] = F.l1_loss(fake, batch.target)
        weights = {"adversarial": config.lambda_gan, "l1": config.lambda_l1}
        return Losses(total(weights[name] * term for name, term in terms.items()), terms)

    def _shown(self, source: Tensor, image: Tensor) -> Tensor:
        """What the discriminator sees of an image: [B, 2C, H, W] together with its source, [B, C, H, W] without."""
        return torch.cat((source, image), 1) if self.config.conditional else image

    @property
    def _noisy(self) -> bool:
        return self.config.test_dropout and self.config.dropout > 0

    @property
    def _uses_own_statistics(self) -> bool:
        return self.config.norm == "batch" and self.config.test_statistics == "image"

    @property
    def inference(self) -> str:
        noise = "dropout on" if self._noisy else "dropout off"
        return f"{noise}, batch norm by the image's own statistics" if self._uses_own_statistics else noise

    def generate(self, images: Tensor, request: Request) -> Tensor:
        """As image by image where dropout stays on or each is normalized by its own statistics (section 3.4).

        A GPU takes all at once, which a CPU would not do faster.
        """
        if not (self._noisy or self._uses_own_statistics):
            translated: Tensor = self.generator(images)
            return translated
        if images.is_cuda:
            with as_single_images(self.generator, dropout=self._noisy, statistics=self._uses_own_statistics):
                return self._seeded(images)
        with as_in_training(self.generator, dropout=self._noisy, statistics=self._uses_own_statistics):
            # Chunks keep the memory format of the batch, and with it the rounding.
            return torch.cat([self._seeded(image) for image in images.chunk(len(images))])

    def _seeded(self, images: Tensor) -> Tensor:
        """What the generator makes of images, with the same noise in every call."""
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
            # On a CPU its own alone: seeding every kind of accelerator takes up to an eighth of a small image's time.
            (torch.default_generator if images.is_cpu else torch).manual_seed(NOISE_SEED)
            translated: Tensor = self.generator(images)
            return translated

    def exportable(self) -> tuple[Translator, tuple[str, ...]]:
        plain, notes = deepcopy(self), (NO_DROPOUT,) * self._noisy
        if self._uses_own_statistics:
            use_instance_norms(plain.generator)
            notes = (*notes, INSTANCE_NORM)
        plain.config = self.config.model_copy(update={"test_dropout": False, "test_statistics": "running"})
        return plain, notes

    reference = Reference(
        repository="https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix",
        file_name="latest_net_{network}.pth",
        files={
            "G": ReferenceFile(
                "generator",
                UNET,
                {"channels": "data.channels", "width": "model.width", "depth": "model.depth", "norm": "model.norm"},
            ),
            "D": ReferenceFile(
                "discriminator",
                PATCHGAN,
                {"width": "model.discriminator_width", "layers": "model.layers", "norm": "model.norm"},
            ),
        },
        usual_size=lambda inferred: int(2 ** inferred["model.depth"]),
        assumed=("dropout", "test_dropout", "test_statistics"),
        has={
            "norm": ("batch", "instance"),
            "padding": ("zeros",),
            "skips": (True,),
            "conditional": (True,),
            "upsampling": ("deconv",),
            "spectral_norm": (False,),
        },
    )


def _depth_for(image_size: tuple[int, int]) -> int:
    """Most levels, up to the paper's 8, that halve both sides evenly."""
    depth = next((d for d in range(DEEPEST, 1, -1) if all(side % 2**d == 0 for side in image_size)), None)
    if depth is None:
        height, width = image_size
        raise UserError(
            f"an image of {height}x{width} pixels cannot be halved twice by pix2pix's U-Net: "
            "use a power of two such as --set data.image_size=128"
        )
    return depth
