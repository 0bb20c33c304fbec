"""CycleGAN: translation both ways between two domains without pairs.

Zhu, Park, Isola, Efros: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks,
ICCV 2017, https://arxiv.org/abs/1703.10593. Two ResNet generators, two PatchGANs, least-squares GAN.
"""

from collections.abc import Mapping
from typing import Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.data.batches import UnpairedBatch
from i2i.interop.family import Reference, ReferenceFile
from i2i.interop.patchgan import PATCHGAN
from i2i.interop.resnet import RESNET
from i2i.losses import OBJECTIVES, GANObjective, discriminator_terms
from i2i.nn.initialise import initialise
from i2i.nn.patchgan import PatchDiscriminator, patchgan
from i2i.nn.resnet import ResnetGenerator
from i2i.pool import ImagePool
from i2i.registry import register
from i2i.translator import Adam, Coverage, Losses, ModelConfig, Phase, Scratch, Task, Translator

GENERATOR_TELLS = {
    "channels": "data.channels",
    "width": "model.width",
    "blocks": "model.blocks",
    "norm": "model.norm",
    "padding": "model.padding",
}
DISCRIMINATOR_TELLS = {"width": "model.discriminator_width", "layers": "model.layers", "norm": "model.norm"}


class CycleGANConfig(ModelConfig):
    """Settings of CycleGAN; the defaults are the paper's. All weights are absolute."""

    width: int = Field(64, ge=1, description="channels after a generator's first convolution")
    discriminator_width: int = Field(64, ge=1, description="channels after a discriminator's first")
    blocks: int | None = Field(None, ge=0, description="residual blocks; None: 6 up to 128 px, 9 above")
    layers: int = Field(3, ge=0, le=6, description="PatchGAN layers; 3 judges fields of 70 px")
    norm: Literal["instance", "instance-affine", "batch", "none"] = "instance"
    padding: Literal["reflect", "zeros"] = "reflect"
    gan: GANObjective = "lsgan"
    lambda_cycle: float = Field(10.0, ge=0)
    lambda_identity: float = Field(5.0, ge=0, description="absolute: the paper's 0.5 times its lambda 10")
    lambda_gp: float = Field(10.0, ge=0, description="weight of the gradient penalty, for wgan-gp")
    pool_size: int = Field(50, ge=0, description="earlier fakes kept for each discriminator; 0: none")
    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)


@register("cyclegan")
class CycleGAN(Translator):
    """Generators `a_to_b` and `b_to_a`, discriminators of domain A and of domain B."""

    coverage = Coverage.PAIR
    batch = UnpairedBatch
    Config = CycleGANConfig
    test_settings = {"width": 4, "discriminator_width": 4, "blocks": 1, "layers": 2, "pool_size": 4}
    multiple = ResnetGenerator.multiple
    config: CycleGANConfig

    def __init__(self, config: CycleGANConfig, task: Task) -> None:
        super().__init__(config, task)
        self.a_to_b, self.b_to_a = self._generator(), self._generator()
        self.discriminator_a, self.discriminator_b = self._discriminator(), self._discriminator()
        self.pool_a, self.pool_b = ImagePool(config.pool_size), ImagePool(config.pool_size)

    def _generator(self) -> ResnetGenerator:
        config = self.config
        blocks = config.blocks if config.blocks is not None else 6 if max(self.task.image_size) <= 128 else 9
        generator = ResnetGenerator(self.task.channels, config.width, blocks, norm=config.norm, padding=config.padding)
        return initialise(generator)

    def _discriminator(self) -> PatchDiscriminator:
        config = self.config
        return initialise(patchgan(self.task.channels, config.discriminator_width, config.layers, config.norm))

    def phases(self) -> tuple[Phase, ...]:
        settings = Adam(self.config.learning_rate, (self.config.beta1, 0.999))
        discriminators = ("discriminator_a", "discriminator_b")
        return (
            Phase("generators", ("a_to_b", "b_to_a"), self._generator_loss, settings),
            Phase("discriminators", discriminators, self._discriminator_loss, settings),
        )

    def _generator_loss(self, batch: UnpairedBatch, scratch: Scratch) -> Losses:
        """Equation 3 and the identity loss of section 5.2."""
        config, objective = self.config, OBJECTIVES[self.config.gan]
        fake_b, fake_a = self.a_to_b(batch.a), self.b_to_a(batch.b)
        scratch["fake_a"], scratch["fake_b"] = fake_a.detach(), fake_b.detach()
        terms = {
            "adversarial_a": objective.generator(self.discriminator_a(fake_a)),
            "adversarial_b": objective.generator(self.discriminator_b(fake_b)),
            "cycle_a": F.l1_loss(self.b_to_a(fake_b), batch.a),
            "cycle_b": F.l1_loss(self.a_to_b(fake_a), batch.b),
        }
        total = terms["adversarial_a"] + terms["adversarial_b"]
        total = total + config.lambda_cycle * (terms["cycle_a"] + terms["cycle_b"])
        if config.lambda_identity:
            terms["identity_a"] = F.l1_loss(self.b_to_a(batch.a), batch.a)
            terms["identity_b"] = F.l1_loss(self.a_to_b(batch.b), batch.b)
            total = total + config.lambda_identity * (terms["identity_a"] + terms["identity_b"])
        return Losses(total, terms)

    def _discriminator_loss(self, batch: UnpairedBatch, scratch: Scratch) -> Losses:
        """Equation 1 for both discriminators, on fakes from the pools, each halved (section 7.1)."""
        sides = (
            ("a", self.discriminator_a, batch.a, self.pool_a.exchange(scratch["fake_a"])),
            ("b", self.discriminator_b, batch.b, self.pool_b.exchange(scratch["fake_b"])),
        )
        terms: dict[str, Tensor] = {}
        totals: list[Tensor] = []
        for side, discriminator, real, fake in sides:
            own = discriminator_terms(self.config.gan, discriminator, real, fake)
            totals.append(0.5 * (own["real"] + own["fake"]))
            if "penalty" in own:
                totals.append(self.config.lambda_gp * own["penalty"])
            terms |= {f"{name}_{side}": term for name, term in own.items()}
        return Losses(sum(totals[1:], totals[0]), terms)

    def generate(self, images: Tensor, source: int, target: int) -> Tensor:
        generator = self.a_to_b if source < target else self.b_to_a
        translated: Tensor = generator(images)
        return translated

    def training_state(self) -> dict[str, Tensor]:
        return {"pool_a": self.pool_a.state(), "pool_b": self.pool_b.state()}

    def load_training_state(self, state: Mapping[str, Tensor]) -> None:
        device = next(self.parameters()).device
        self.pool_a.load_state(state["pool_a"], device)
        self.pool_b.load_state(state["pool_b"], device)

    # There G_A maps A to B, and D_A judges what G_A makes.
    reference = Reference(
        repository="https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix",
        file_name="latest_net_{network}.pth",
        files={
            "G_A": ReferenceFile("a_to_b", RESNET, GENERATOR_TELLS, direction=(0, 1)),
            "G_B": ReferenceFile("b_to_a", RESNET, GENERATOR_TELLS, direction=(1, 0)),
            "D_A": ReferenceFile("discriminator_b", PATCHGAN, DISCRIMINATOR_TELLS),
            "D_B": ReferenceFile("discriminator_a", PATCHGAN, DISCRIMINATOR_TELLS),
        },
        usual_size=lambda told: 256,
        has={"norm": ("instance", "batch"), "padding": ("reflect",)},
    )
