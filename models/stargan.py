"""StarGAN: one generator for every direction between any number of domains.

Choi, Choi, Kim, Ha, Kim, Choo: StarGAN: Unified Generative Adversarial Networks for Multi-Domain
Image-to-Image Translation, CVPR 2018, https://arxiv.org/abs/1711.09020. The target label enters the
generator as maps; the discriminator classifies patches and names the label. Labels are exclusive domains, independent
attributes, or those of several data sets with a mask vector (section 3.2).
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.data.batches import LabelledBatch
from i2i.interop.family import Reference, ReferenceFile
from i2i.interop.resnet import LABELLED_RESNET
from i2i.interop.strided_patchgan import STRIDED_PATCHGAN
from i2i.losses import OBJECTIVES, GANObjective, discriminator_terms, interpolation, label_loss
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS, OuterKernel, Variations
from i2i.nn import Norm, ResnetGenerator, normalize_spectrally, strided_patchgan
from i2i.registry import register
from i2i.translator import Coverage, Losses, Optimizer, Phase, Request, Step, Task, Translator


class StarGANConfig(Variations):
    """Settings of StarGAN; the defaults are the paper's."""

    width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after the generator's first convolution")
    discriminator_width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after the discriminator's first")
    blocks: int = Field(6, ge=0, le=MOST_BLOCKS, description="residual blocks of the generator")
    layers: int = Field(6, ge=1, le=20, description="stride-2 convolutions of the discriminator, at most")
    norm: Norm = Field("instance-affine", description="normalisation of the generator")
    outer_kernel: OuterKernel = Field(7, description="kernels of the generator's first and last convolution")
    gan: GANObjective = "wgan-gp"
    n_critic: int = Field(5, ge=1, le=1_000, description="discriminator updates per generator update")
    lambda_classification: float = Field(1.0, ge=0)
    lambda_reconstruction: float = Field(10.0, ge=0)
    lambda_gp: float = Field(10.0, ge=0, description="weight of the gradient penalty, for wgan-gp")
    learning_rate: float = Field(1e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)


@register("stargan")
class StarGAN(Translator):
    """One label-conditioned generator and one two-headed discriminator."""

    coverage = Coverage.ALL
    batch = LabelledBatch
    defaults = {"batch_size": 16}
    generators = ("generator",)
    Config = StarGANConfig
    test_settings = {"width": 4, "discriminator_width": 4, "blocks": 1, "layers": 3, "n_critic": 2}
    takes = frozenset({"labels"})
    multiple = ResnetGenerator.multiple
    config: StarGANConfig

    def __init__(self, config: StarGANConfig, task: Task) -> None:
        super().__init__(config, task)
        self.generator = ResnetGenerator(
            task.channels,
            config.width,
            config.blocks,
            labels=task.labels.width,
            norm=config.norm,
            padding=config.padding,
            resampling="conv4",
            last_bias=False,
            upsampling=config.upsampling,
            outer_kernel=config.outer_kernel,
        )
        self.discriminator = strided_patchgan(
            task.channels, config.discriminator_width, config.layers, task.labels.classes, task.image_size
        )
        if config.spectral_norm:
            normalize_spectrally(self.discriminator)

    def optimizers(self) -> dict[str, Optimizer]:
        rate, betas = self.config.learning_rate, (self.config.beta1, 0.999)
        return {name: Optimizer((name,), rate, betas) for name in ("discriminator", "generator")}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminator", self._discriminator_loss, self._draw),
            Phase("generator", self._generator_loss, every=self.config.n_critic),
        )

    def _draw(self, batch: LabelledBatch, step: Step) -> None:
        """Targets are the labels of the batch in another order, as in the authors' code."""
        step["targets"] = self.task.labels.shuffled(batch.labels)
        if OBJECTIVES[self.config.gan].penalized:
            step["interpolation"] = interpolation(batch.images)

    def _discriminator_loss(self, batch: LabelledBatch, step: Step) -> Losses:
        """Equation 5, with the adversarial part of equation 8."""
        real, fake = batch.images, self.generator(batch.images, step["targets"])
        step["fake"] = fake
        reals, fakes, logits = self._judged(real, fake.detach())
        mixing = step.get("interpolation")
        terms = discriminator_terms(self.config.gan, self.discriminator, real, fake, mixing, reals, fakes)
        terms["classification"] = label_loss(self.task.labels, logits, batch.labels)
        total = terms["real"] + terms["fake"] + self.config.lambda_classification * terms["classification"]
        if "penalty" in terms:
            total = total + self.config.lambda_gp * terms["penalty"]
        return Losses(total, terms)

    def _judged(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of real and of fake images, and logits of the real ones.

        On a GPU one batch of both takes little longer than one of either; spectral norms change with every batch.
        """
        if real.is_cuda and not self.config.spectral_norm:
            scores, logits = self.discriminator.scores_and_logits(torch.cat((real, fake)), len(real))
            return scores[: len(real)], scores[len(real) :], logits
        reals, logits = self.discriminator.scores_and_logits(real)
        return reals, self.discriminator(fake), logits

    def _generator_loss(self, batch: LabelledBatch, step: Step) -> Losses:
        """Equation 6: fool the critic, be classified as the target, and find the way back."""
        fake, config = step["fake"], self.config
        scores, logits = self.discriminator.scores_and_logits(fake)
        terms = {
            "adversarial": OBJECTIVES[config.gan].generator(scores),
            "classification": label_loss(self.task.labels, logits, step["targets"]),
            "reconstruction": F.l1_loss(self.generator(fake, batch.labels), batch.images),
        }
        total = terms["adversarial"] + config.lambda_classification * terms["classification"]
        total = total + config.lambda_reconstruction * terms["reconstruction"]
        return Losses(total, terms)

    def generate(self, images: Tensor, request: Request) -> Tensor:
        translated: Tensor = self.generator(images, request.labels)
        return translated

    def recognize(self, images: Tensor) -> Tensor | None:
        if "discriminator" in self.untrained:
            return None
        _, logits = self.discriminator.scores_and_logits(images)
        return logits

    reference = Reference(
        repository="https://github.com/yunjey/stargan",
        file_name="{step}-{network}.ckpt",
        files={
            "G": ReferenceFile(
                "generator",
                LABELLED_RESNET,
                {
                    "channels": "data.channels",
                    "width": "model.width",
                    "blocks": "model.blocks",
                    "labels": "labels.width",
                },
            ),
            "D": ReferenceFile(
                "discriminator",
                STRIDED_PATCHGAN,
                {
                    "width": "model.discriminator_width",
                    "layers": "model.layers",
                    "classes": "labels.classes",
                    "image_size": "data.image_size",
                },
            ),
        },
        usual_size=lambda inferred: 128,
        has={
            "norm": ("instance-affine",),
            "padding": ("zeros",),
            "upsampling": ("deconv",),
            "outer_kernel": (7,),
            "spectral_norm": (False,),
        },
    )
