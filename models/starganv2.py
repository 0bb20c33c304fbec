"""StarGAN v2: many translations of an image to any of several domains, by noise or in the style of a reference.

Choi, Uh, Yoo, Ha: StarGAN v2: Diverse Image Synthesis for Multiple Domains, CVPR 2020,
https://arxiv.org/abs/1912.01865. A mapping network makes styles of noise and a style encoder of images; a generator
puts them on, by adaptive instance norm; a discriminator has a head for each domain. The settings are those for animal
faces (AFHQ).

As in the authors' code, a step trains on styles of noise and then on those of references, and what is learnt of the
latter moves the generator alone. Otherwise than there, translations are clamped to [-1, 1], which theirs leave to the
writing of images; the diversity weight falls with the share of the budget, and is 0 at its end as it is there; training
crops are those of every model here.
"""

import math
from typing import cast

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.data.batches import ReferenceBatch
from i2i.interop.family import Bundle, Reference, ReferenceFile
from i2i.interop.starganv2 import DISCRIMINATOR, ENCODER, GENERATOR, MAPPING
from i2i.losses import OBJECTIVES, discriminator_terms, zero_centered_penalty
from i2i.models._settings import MOST_CHANNELS
from i2i.nn import DomainDiscriminator, MappingNetwork, StyledResnet, StyleEncoder, initialize
from i2i.registry import register
from i2i.translator import Coverage, LinearDecay, Losses, ModelConfig, Optimizer, Phase, Request, Step, Task, Translator

PIXELS_TIMES_WIDTH = 2**14
STYLING = ("generator", "mapping_network", "style_encoder")

TRUNK_INFERS = {
    "channels": "data.channels",
    "width": "model.width",
    "widest": "model.widest",
    "image_size": "data.image_size",
    "domains": "labels.classes",
}


class StarGANv2Config(ModelConfig):
    """Settings of StarGAN v2; the defaults are those for animal faces. All weights are absolute."""

    width: int | None = Field(
        None, ge=1, le=MOST_CHANNELS, description="channels after the first convolutions; None: 16,384 / shorter side"
    )
    widest: int = Field(512, ge=1, le=MOST_CHANNELS, description="channels of the deepest blocks, at most")
    style: int = Field(64, ge=1, le=MOST_CHANNELS, description="length of a style")
    latent: int = Field(16, ge=1, le=MOST_CHANNELS, description="length of the noise that the mapping network takes")
    hidden: int = Field(512, ge=1, le=MOST_CHANNELS, description="width of the mapping network")
    high_pass: float = Field(
        0.0, ge=0, description="the variant for faces, whose decoder has no shortcuts; its high-pass filter needs masks"
    )
    lambda_style: float = Field(1.0, ge=0)
    lambda_diversity: float = Field(2.0, ge=0, description="at the start; the paper has 1 for CelebA-HQ")
    diversity_until: float = Field(1.0, gt=0, le=1, description="share of the training after which its weight is 0")
    lambda_cycle: float = Field(1.0, ge=0)
    lambda_r1: float = Field(1.0, ge=0, description="weight of the penalty on the discriminator's gradients")
    learning_rate: float = Field(1e-4, gt=0)
    mapping_learning_rate: float = Field(1e-6, gt=0)
    beta1: float = Field(0.0, ge=0, lt=1)
    weight_decay: float = Field(1e-4, ge=0)


@register("stargan-v2")
class StarGANv2(Translator):
    """A `generator` led by styles, a `mapping_network` and a `style_encoder` that make them, and a `discriminator`."""

    coverage = Coverage.ALL
    batch = ReferenceBatch
    defaults = {"batch_size": 8, "ema": 0.999, "ema_warmup": False}
    schedule = LinearDecay(1.0)
    generators = STYLING
    translates_with = "ema"
    takes = frozenset({"noise", "reference"})
    Config = StarGANv2Config
    test_settings = {"width": 4, "widest": 8, "style": 4, "latent": 3, "hidden": 6}
    config: StarGANv2Config

    def __init__(self, config: StarGANv2Config, task: Task) -> None:
        super().__init__(config, task)
        side, domains = min(task.image_size), len(task.domains)
        halvings = max(0, int(math.log2(side)) - 4 + bool(config.high_pass))
        sizes = task.channels, config.width or max(1, PIXELS_TIMES_WIDTH // side), config.widest
        to_four = int(math.log2(side)) - 2
        self.multiple = 2**halvings
        self.generator = StyledResnet(*sizes, halvings, config.style, config.high_pass)
        self.mapping_network = MappingNetwork(config.latent, config.hidden, config.style, domains)
        self.style_encoder = StyleEncoder(*sizes, to_four, config.style, domains)
        self.discriminator = DomainDiscriminator(*sizes, to_four, domains)
        for network in self.children():
            initialize(network, "kaiming")

    def optimizers(self) -> dict[str, Optimizer]:
        config = self.config
        rates = dict.fromkeys(("discriminator", *STYLING), config.learning_rate)
        rates["mapping_network"] = config.mapping_learning_rate
        betas = (config.beta1, 0.99)
        return {name: Optimizer((name,), rate, betas, config.weight_decay) for name, rate in rates.items()}

    def phases(self) -> tuple[Phase, ...]:
        trained, dead = ("discriminator",), bool(self.config.high_pass)
        return (
            Phase("discriminator_latent", self._latent_loss_of_real_and_fake, self._draw, trained),
            Phase("discriminator_reference", self._reference_loss_of_real_and_fake, optimizers=trained),
            Phase("latent", self._latent_loss, optimizers=STYLING, allow_unused=dead),
            Phase("reference", self._reference_loss, optimizers=("generator",), allow_unused=dead),
        )

    def _draw(self, batch: ReferenceBatch, step: Step) -> None:
        """Two latents for each item, of which both players see the first, and the falling weight of the diversity."""
        config, device = self.config, batch.images.device
        for name in ("latent", "other_latent"):
            step[name] = torch.randn(len(batch.images), config.latent, device=device)
        weight = config.lambda_diversity * max(0.0, 1 - step.progress / config.diversity_until)
        step["lambda_diversity"] = torch.full((), weight, device=device)

    def _latent_loss_of_real_and_fake(self, batch: ReferenceBatch, step: Step) -> Losses:
        with torch.no_grad():
            style = self.mapping_network(step["latent"], batch.targets)
        return self._loss_of_real_and_fake(batch, style)

    def _reference_loss_of_real_and_fake(self, batch: ReferenceBatch, step: Step) -> Losses:
        with torch.no_grad():
            style = self.style_encoder(batch.first, batch.targets)
        return self._loss_of_real_and_fake(batch, style)

    def _loss_of_real_and_fake(self, batch: ReferenceBatch, style: Tensor) -> Losses:
        """The discriminator's part of equation 1, each image scored by the head of its domain, and R1 on real ones."""
        with torch.no_grad():
            fake = self.generator(batch.images, style)
        real = batch.images
        scores, penalty = zero_centered_penalty(lambda images: self.discriminator(images, batch.domains), real)
        terms = discriminator_terms(
            "vanilla", lambda images: self.discriminator(images, batch.targets), real, fake, real_scores=scores
        )
        terms["penalty"] = penalty
        return Losses(terms["real"] + terms["fake"] + self.config.lambda_r1 * terms["penalty"], terms)

    def _latent_loss(self, batch: ReferenceBatch, step: Step) -> Losses:
        style = self.mapping_network(step["latent"], batch.targets)
        with torch.no_grad():
            other = self.mapping_network(step["other_latent"], batch.targets)
        return self._translation_loss(batch, step, style, other, self.style_encoder(batch.images, batch.domains))

    def _reference_loss(self, batch: ReferenceBatch, step: Step) -> Losses:
        with torch.no_grad():
            style, other = (self.style_encoder(images, batch.targets) for images in (batch.first, batch.second))
            own = self.style_encoder(batch.images, batch.domains)
        return self._translation_loss(batch, step, style, other, own)

    def _translation_loss(
        self, batch: ReferenceBatch, step: Step, style: Tensor, other_style: Tensor, own_style: Tensor
    ) -> Losses:
        """Equations 1 to 4 with the styles [B, style] to put on, of which `own_style` is that of the image itself."""
        config = self.config
        fake = self.generator(batch.images, style)
        with torch.no_grad():
            other = self.generator(batch.images, other_style)
        terms = {
            "adversarial": OBJECTIVES["vanilla"].generator(self.discriminator(fake, batch.targets)),
            "style": F.l1_loss(self.style_encoder(fake, batch.targets), style),
            "diversity": F.l1_loss(fake, other),
            "cycle": F.l1_loss(self.generator(fake, own_style), batch.images),
        }
        total = terms["adversarial"] + config.lambda_style * terms["style"] + config.lambda_cycle * terms["cycle"]
        return Losses(total - step["lambda_diversity"] * terms["diversity"], terms)

    def requested_style(self, images: Tensor, request: Request) -> Tensor:
        targets = torch.full((images.shape[0],), cast(int, request.target), device=images.device)
        if request.reference is None:
            style: Tensor = self.mapping_network(request.noise.normal(self.config.latent).to(images.dtype), targets)
        else:
            style = self.style_encoder(request.reference, targets)
        return style

    def generate(self, images: Tensor, request: Request) -> Tensor:
        style = self.requested_style(images, request) if request.style is None else request.style
        translated: Tensor = self.generator(images, style)
        return translated.clamp(-1, 1)

    @property
    def inference(self) -> str:
        style = "a style drawn for each image, or that of a reference image, and colours clamped to [-1, 1]"
        return style + (", without the masks of its high-pass filter" if self.config.high_pass else "")

    # Files of the average alone, which translates, and of the weights that are trained.
    reference = Reference(
        repository="https://github.com/clovaai/stargan-v2",
        file_name="{network}.ckpt",
        files={
            "generator": ReferenceFile(
                "generator",
                GENERATOR,
                {
                    "channels": "data.channels",
                    "width": "model.width",
                    "style": "model.style",
                    "high_pass": "model.high_pass",
                },
            ),
            "mapping_network": ReferenceFile(
                "mapping_network",
                MAPPING,
                {
                    "latent": "model.latent",
                    "hidden": "model.hidden",
                    "style": "model.style",
                    "domains": "labels.classes",
                },
            ),
            "style_encoder": ReferenceFile("style_encoder", ENCODER, TRUNK_INFERS | {"style": "model.style"}),
            "discriminator": ReferenceFile("discriminator", DISCRIMINATOR, TRUNK_INFERS),
        },
        usual_size=lambda inferred: 256,
        bundles=(
            Bundle("{step:06d}_nets_ema.ckpt", {name: name for name in STYLING}, ignored=("fan",)),
            Bundle(
                "{step:06d}_nets.ckpt",
                {name: name for name in (*STYLING, "discriminator")},
                ignored=("fan",),
                written=False,
            ),
        ),
    )
