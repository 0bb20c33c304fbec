"""pix2pix: image translation learnt from aligned pairs.

Isola, Zhu, Zhou, Efros: Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017,
https://arxiv.org/abs/1611.07004. One U-Net maps source to target; a PatchGAN judges the concatenated pair.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.data.batches import PairedBatch
from i2i.errors import UserError
from i2i.interop.family import Reference, ReferenceFile
from i2i.interop.patchgan import PATCHGAN
from i2i.interop.unet import UNET
from i2i.losses import OBJECTIVES, GANObjective, discriminator_terms
from i2i.nn.initialise import initialise
from i2i.nn.patchgan import patchgan
from i2i.nn.unet import UNet
from i2i.registry import register
from i2i.translator import Adam, Coverage, Inference, Losses, ModelConfig, Phase, Scratch, Task, Translator

DEEPEST = 8


class Pix2PixConfig(ModelConfig):
    """Settings of pix2pix; the defaults are the paper's."""

    width: int = Field(64, ge=1, description="channels after the generator's first convolution")
    discriminator_width: int = Field(64, ge=1, description="channels after the discriminator's first")
    depth: int | None = Field(None, ge=2, le=10, description="U-Net levels; None: as many as fit, at most 8")
    layers: int = Field(3, ge=0, le=6, description="PatchGAN layers; 0 judges pixels, 3 fields of 70 px")
    norm: Literal["batch", "instance", "instance-affine", "none"] = "batch"
    dropout: float = Field(0.5, ge=0, lt=1, description="rate of the generator's noise; 0: none")
    test_dropout: bool = Field(True, description="keep the noise when translating, as the paper does")
    test_statistics: Literal["picture", "running"] = Field(
        "picture", description="whose statistics batch norm uses when translating"
    )
    gan: GANObjective = "vanilla"
    lambda_gan: float = Field(1.0, ge=0)
    lambda_l1: float = Field(100.0, ge=0)
    lambda_gp: float = Field(10.0, ge=0, description="weight of the gradient penalty, for wgan-gp")
    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)


@register("pix2pix")
class Pix2Pix(Translator):
    """One U-Net and one conditional PatchGAN for one ordered pair of domains."""

    coverage = Coverage.DIRECTION
    batch = PairedBatch
    Config = Pix2PixConfig
    test_settings = {"width": 4, "discriminator_width": 4, "layers": 2}
    config: Pix2PixConfig

    def __init__(self, config: Pix2PixConfig, task: Task) -> None:
        super().__init__(config, task)
        depth = config.depth or _depth_for(task.image_size)
        generator = UNet(task.channels, config.width, depth, config.norm, config.dropout)
        self.multiple = generator.multiple
        self.generator = initialise(generator)
        self.discriminator = initialise(
            patchgan(2 * task.channels, config.discriminator_width, config.layers, config.norm)
        )

    def phases(self) -> tuple[Phase, ...]:
        settings = Adam(self.config.learning_rate, (self.config.beta1, 0.999))
        return (
            Phase("discriminator", ("discriminator",), self._discriminator_loss, settings),
            Phase("generator", ("generator",), self._generator_loss, settings),
        )

    def _discriminator_loss(self, batch: PairedBatch, scratch: Scratch) -> Losses:
        """Equation 1, halved to slow the discriminator down (section 3.3)."""
        fake = scratch["fake"] = self.generator(batch.source)
        terms = discriminator_terms(
            self.config.gan,
            self.discriminator,
            real=torch.cat((batch.source, batch.target), 1),
            fake=torch.cat((batch.source, fake.detach()), 1),
        )
        total = 0.5 * (terms["real"] + terms["fake"])
        if "penalty" in terms:
            total = total + self.config.lambda_gp * terms["penalty"]
        return Losses(total, terms)

    def _generator_loss(self, batch: PairedBatch, scratch: Scratch) -> Losses:
        """Equation 4: the adversarial term and the weighted L1 distance to the target."""
        fake = scratch["fake"]
        scores = self.discriminator(torch.cat((batch.source, fake), 1))
        adversarial = OBJECTIVES[self.config.gan].generator(scores)
        l1 = F.l1_loss(fake, batch.target)
        total = self.config.lambda_gan * adversarial + self.config.lambda_l1 * l1
        return Losses(total, {"adversarial": adversarial, "l1": l1})

    @property
    def inference(self) -> Inference:
        config = self.config
        return Inference(
            dropout=config.test_dropout and config.dropout > 0,
            image_statistics=config.norm == "batch" and config.test_statistics == "picture",
        )

    def generate(self, images: Tensor, source: int, target: int) -> Tensor:
        translated: Tensor = self.generator(images)
        return translated

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
        usual_size=lambda told: int(2 ** told["model.depth"]),
        assumed=("dropout", "test_dropout", "test_statistics"),
        has={"norm": ("batch", "instance")},
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
