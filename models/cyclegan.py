"""CycleGAN: translation both ways between two domains without pairs.

Zhu, Park, Isola, Efros: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks,
ICCV 2017, https://arxiv.org/abs/1703.10593. Two ResNet generators, two PatchGANs, least-squares GAN.
"""

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from i2i.data.batches import UnpairedBatch
from i2i.errors import UserError
from i2i.interop.family import Reference, ReferenceFile
from i2i.interop.patchgan import PATCHGAN
from i2i.interop.resnet import RESNET
from i2i.losses import OBJECTIVES, GANObjective, discriminator_terms, halved, interpolation, total
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS, OuterKernel, Variations
from i2i.nn import (
    ImagePool,
    Norm,
    Padding,
    PatchDiscriminator,
    ResnetGenerator,
    initialize,
    normalize_spectrally,
    patchgan,
)
from i2i.registry import register
from i2i.translator import Coverage, Losses, Optimizer, Phase, Request, Step, Task, Translator

GENERATOR_INFERS = {
    "channels": "data.channels",
    "width": "model.width",
    "blocks": "model.blocks",
    "norm": "model.norm",
    "padding": "model.padding",
}
DISCRIMINATOR_INFERS = {"width": "model.discriminator_width", "layers": "model.layers", "norm": "model.norm"}


class CycleGANConfig(Variations):
    """Settings of CycleGAN; the defaults are the paper's. All weights are absolute."""

    width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after a generator's first convolution")
    discriminator_width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after a discriminator's first")
    blocks: int | None = Field(None, ge=0, le=MOST_BLOCKS, description="residual blocks; None: 6 up to 128 px, 9 above")
    layers: int = Field(3, ge=0, le=6, description="PatchGAN layers; 3 has receptive fields of 70 px")
    norm: Norm = "instance"
    padding: Padding = "reflect"
    outer_kernel: OuterKernel = Field(7, description="kernels of the generator's first and last convolution")
    gan: GANObjective = "lsgan"
    cycle: Literal["both", "forward", "backward"] = Field(
        "both", description="which images go there and back; forward: only those of the first domain"
    )
    lambda_gan: float = Field(1.0, ge=0, description="0: no discriminators at all")
    lambda_cycle: float = Field(10.0, ge=0)
    lambda_identity: float = Field(5.0, ge=0, description="absolute: the paper's 0.5 times its lambda 10")
    lambda_gp: float = Field(10.0, ge=0, description="weight of the gradient penalty, for wgan-gp")
    pool_size: int = Field(50, ge=0, le=1_000_000, description="earlier fakes kept for each discriminator; 0: none")
    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _something_to_learn(self) -> "CycleGANConfig":
        if not (self.lambda_gan or self.lambda_cycle or self.lambda_identity):
            raise UserError(
                "cyclegan learns nothing with lambda_gan=0, lambda_cycle=0 and lambda_identity=0: "
                "set one of them above 0, e.g. --set model.lambda_cycle=10"
            )
        return self


@register("cyclegan")
class CycleGAN(Translator):
    """Generators `a_to_b` and `b_to_a` and, unless `lambda_gan` is 0, discriminators of domain A and of domain B."""

    coverage = Coverage.PAIR
    batch = UnpairedBatch
    generators = ("a_to_b", "b_to_a")
    Config = CycleGANConfig
    channels_last = frozenset({("cpu", "bf16"), ("cpu", "fp32")})
    test_settings = {"width": 4, "discriminator_width": 4, "blocks": 1, "layers": 2, "pool_size": 4}
    unlike_channels = True
    multiple = ResnetGenerator.multiple
    config: CycleGANConfig

    def __init__(self, config: CycleGANConfig, task: Task) -> None:
        super().__init__(config, task)
        a, b = self.channels = [task.channels_of(domain) for domain in task.domains]
        self.a_to_b, self.b_to_a = self._generator(b), self._generator(a)
        if config.lambda_gan:
            self.discriminator_a, self.discriminator_b = self._discriminator(a), self._discriminator(b)
        self.pool_a, self.pool_b = ImagePool(config.pool_size), ImagePool(config.pool_size)

    def _generator(self, outputs: int) -> ResnetGenerator:
        """It takes images of either domain, for the identity loss, those with fewer channels as if others were 0."""
        config = self.config
        blocks = config.blocks if config.blocks is not None else 6 if max(self.task.image_size) <= 128 else 9
        generator = ResnetGenerator(
            max(self.channels),
            config.width,
            blocks,
            norm=config.norm,
            padding=config.padding,
            upsampling=config.upsampling,
            outer_kernel=config.outer_kernel,
            outputs=outputs,
        )
        return initialize(generator)

    def _discriminator(self, channels: int) -> PatchDiscriminator:
        config = self.config
        discriminator = initialize(patchgan(channels, config.discriminator_width, config.layers, config.norm))
        return normalize_spectrally(discriminator) if config.spectral_norm else discriminator

    def optimizers(self) -> dict[str, Optimizer]:
        rate, betas = self.config.learning_rate, (self.config.beta1, 0.999)
        networks = {"generators": ("a_to_b", "b_to_a")}
        if self.config.lambda_gan:
            networks["discriminators"] = ("discriminator_a", "discriminator_b")
        return {name: Optimizer(own, rate, betas) for name, own in networks.items()}

    def phases(self) -> tuple[Phase, ...]:
        generators = Phase("generators", self._generator_loss)
        if not self.config.lambda_gan:
            return (generators,)
        return generators, Phase("discriminators", self._discriminator_loss, self._draw)

    def _generator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Equation 3 and the identity loss of section 5.2, of which only what has a weight is computed."""
        config = self.config
        terms: dict[str, Tensor] = {}
        totals: list[Tensor] = []
        for weight, compute in (
            (config.lambda_gan, self._adversarial_terms),
            (config.lambda_cycle, self._cycle_terms),
            (config.lambda_identity, self._identity_terms),
        ):
            if weight:
                own = compute(batch, step)
                totals.append(weight * total(own.values()))
                terms |= own
        return Losses(total(totals), terms)

    def _adversarial_terms(self, batch: UnpairedBatch, step: Step) -> dict[str, Tensor]:
        """The generators' part of equation 1, in both directions."""
        objective = OBJECTIVES[self.config.gan]
        return {
            "adversarial_a": objective.generator(self.discriminator_a(self._fake_a(batch, step))),
            "adversarial_b": objective.generator(self.discriminator_b(self._fake_b(batch, step))),
        }

    def _cycle_terms(self, batch: UnpairedBatch, step: Step) -> dict[str, Tensor]:
        """Equation 2, or one of its halves (section 5.1.4)."""
        terms = {}
        if self.config.cycle != "backward":
            terms["cycle_a"] = F.l1_loss(self.b_to_a(self._fake_b(batch, step)), batch.a)
        if self.config.cycle != "forward":
            terms["cycle_b"] = F.l1_loss(self.a_to_b(self._fake_a(batch, step)), batch.b)
        return terms

    def _identity_terms(self, batch: UnpairedBatch, step: Step) -> dict[str, Tensor]:
        same_a = step["same_a"] if "same_a" in step else self.b_to_a(batch.a)
        same_b = step["same_b"] if "same_b" in step else self.a_to_b(batch.b)
        return {"identity_a": F.l1_loss(same_a, batch.a), "identity_b": F.l1_loss(same_b, batch.b)}

    def _fake_a(self, batch: UnpairedBatch, step: Step) -> Tensor:
        """The translation of B's images, made once per step."""
        if "fake_a" not in step:
            self._translate(step, "a", self.b_to_a, batch.b, batch.a)
        return step["fake_a"]

    def _fake_b(self, batch: UnpairedBatch, step: Step) -> Tensor:
        """The translation of A's images, made once per step."""
        if "fake_b" not in step:
            self._translate(step, "b", self.a_to_b, batch.a, batch.b)
        return step["fake_b"]

    def _translate(self, step: Step, side: str, generator: ResnetGenerator, source: Tensor, target: Tensor) -> None:
        """Put the fake of a side into the step; on a GPU also what the identity loss compares.

        There one batch of both takes little longer than one of either. Norms of single images keep them apart.
        """
        alike = source.shape[1] == target.shape[1]
        together = alike and source.is_cuda and self.config.lambda_identity and self.config.norm != "batch"
        if not together:
            step[f"fake_{side}"] = generator(source)
            return
        both = generator(torch.cat((source, target)))
        step[f"fake_{side}"], step[f"same_{side}"] = both.split(len(source))

    def _draw(self, batch: UnpairedBatch, step: Step) -> None:
        """What the discriminators are shown beside real images: fakes of this step and earlier ones (section 4)."""
        step["shown_a"] = self.pool_a.exchange(step["fake_a"])
        step["shown_b"] = self.pool_b.exchange(step["fake_b"])
        if OBJECTIVES[self.config.gan].penalized:
            step["interpolation_a"], step["interpolation_b"] = interpolation(batch.a), interpolation(batch.b)

    def _discriminator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Equation 1 for both discriminators, each halved (section 7.1)."""
        sides = (("a", self.discriminator_a, batch.a), ("b", self.discriminator_b, batch.b))
        terms: dict[str, Tensor] = {}
        totals: list[Tensor] = []
        for side, discriminator, real in sides:
            fake, mixed = step[f"shown_{side}"], step.get(f"interpolation_{side}")
            own = discriminator_terms(self.config.gan, discriminator, real, fake, mixed)
            totals.append(halved(own, self.config.lambda_gp))
            terms |= {f"{name}_{side}": term for name, term in own.items()}
        return Losses(total(totals), terms)

    def generate(self, images: Tensor, request: Request) -> Tensor:
        generator = self.a_to_b if request.target == 1 else self.b_to_a
        translated: Tensor = generator(images)
        return translated

    def training_state(self) -> dict[str, Tensor]:
        return {"pool_a": self.pool_a.state(), "pool_b": self.pool_b.state()}

    def load_training_state(self, state: Mapping[str, Tensor]) -> None:
        device = next(self.parameters()).device
        for name, pool, channels in zip(("pool_a", "pool_b"), (self.pool_a, self.pool_b), self.channels, strict=True):
            pool.load_state(state[name], device, (channels, *self.task.image_size))

    # There G_A maps A to B, and D_A classifies what G_A makes.
    reference = Reference(
        repository="https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix",
        file_name="latest_net_{network}.pth",
        files={
            "G_A": ReferenceFile("a_to_b", RESNET, GENERATOR_INFERS, direction=(0, 1)),
            "G_B": ReferenceFile("b_to_a", RESNET, GENERATOR_INFERS, direction=(1, 0)),
            "D_A": ReferenceFile("discriminator_b", PATCHGAN, DISCRIMINATOR_INFERS),
            "D_B": ReferenceFile("discriminator_a", PATCHGAN, DISCRIMINATOR_INFERS),
        },
        usual_size=lambda inferred: 256,
        has={
            "norm": ("instance", "batch"),
            "padding": ("reflect",),
            "upsampling": ("deconv",),
            "outer_kernel": (7,),
            "spectral_norm": (False,),
        },
    )
