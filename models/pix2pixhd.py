"""pix2pixHD: image translation learnt from aligned pairs, with discriminators at several resolutions.

Wang, Liu, Zhu, Tao, Kautz, Catanzaro: High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs,
CVPR 2018, https://arxiv.org/abs/1711.11585. A residual generator maps source to target; PatchGANs on an image pyramid
classify the concatenated pair, and what their layers make of a fake is to be what they make of the truth.

This is the global generator by itself: the local enhancer, for 2048x1024 px, and instance maps are left out. The
defaults are those of the authors' code, which has two scales where the paper has three and a perceptual term that
the paper calls optional.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from i2i.data.batches import PairedBatch
from i2i.errors import UserError
from i2i.losses import OBJECTIVES, discriminator_terms, halved, over_scales, total
from i2i.metrics import VGG19Distance
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS, Variations
from i2i.nn import (
    MultiscaleDiscriminator,
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

SMALLEST_MAP = 2  # side below which a residual block has nothing to reflect and a norm nothing to average


def _perceptual_weight() -> float:
    """The authors' weight where VGG-19 is at hand, else 0, so that settings say what runs."""
    return 10.0 if VGG19Distance.available() else 0.0


class Pix2PixHDConfig(Variations):
    """Settings of pix2pixHD; the defaults are those of the authors' code. All weights are absolute."""

    width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after the generator's first convolution")
    discriminator_width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after a discriminator's first")
    downsamplings: int = Field(4, ge=1, le=8, description="how often the generator halves, with twice the channels")
    blocks: int = Field(9, ge=0, le=MOST_BLOCKS, description="residual blocks of the generator")
    layers: int = Field(3, ge=1, le=6, description="PatchGAN layers; 3 has receptive fields of 70 px")
    scales: int = Field(2, ge=1, le=8, description="discriminators, each at half the resolution of the one before")
    norm: Norm = "instance"
    padding: Padding = "reflect"
    gan: Literal["vanilla", "lsgan", "hinge"] = "lsgan"
    lambda_features: float = Field(10.0, ge=0, description="weight of the distance in the discriminators' layers")
    lambda_perceptual: float = Field(
        default_factory=_perceptual_weight,
        ge=0,
        description="weight of the distance in VGG-19; 10, but 0 where `i2i weights` does not find vgg19",
    )
    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)


@register("pix2pixhd")
class Pix2PixHD(Translator):
    """One residual generator and a PatchGAN for each scale, for one ordered pair of domains."""

    coverage = Coverage.DIRECTION
    batch = PairedBatch
    generators = ("generator",)
    frozen = ("perceptual",)
    unlike_channels = True
    Config = Pix2PixHDConfig
    test_settings = {
        "width": 4,
        "discriminator_width": 4,
        "downsamplings": 2,
        "blocks": 1,
        "layers": 2,
        "lambda_perceptual": 0,
    }
    config: Pix2PixHDConfig

    def __init__(self, config: Pix2PixHDConfig, task: Task) -> None:
        super().__init__(config, task)
        _check_depth(task.image_size, config.downsamplings)
        source, target = map(task.channels_of, task.domains)
        _check_channels(target, config.lambda_perceptual)
        generator = ResnetGenerator(
            source,
            config.width,
            config.blocks,
            norm=config.norm,
            padding=config.padding,
            upsampling=config.upsampling,
            downsamplings=config.downsamplings,
            outputs=target,
        )
        self.multiple = generator.multiple
        self.generator = initialize(generator)
        self.discriminator = MultiscaleDiscriminator(self._discriminator() for _ in range(config.scales))
        self.perceptual = VGG19Distance() if config.lambda_perceptual else nn.Identity()

    def _discriminator(self) -> PatchDiscriminator:
        config, channels = self.config, sum(map(self.task.channels_of, self.task.domains))
        discriminator = patchgan(channels, config.discriminator_width, config.layers, config.norm, margin=2)
        initialize(discriminator)
        return normalize_spectrally(discriminator) if config.spectral_norm else discriminator

    def optimizers(self) -> dict[str, Optimizer]:
        rate, betas = self.config.learning_rate, (self.config.beta1, 0.999)
        return {name: Optimizer((name,), rate, betas) for name in ("generator", "discriminator")}

    def phases(self) -> tuple[Phase, ...]:
        """The generator first; the discriminators then classify the same fake, as it was before that step."""
        return Phase("generator", self._generator_loss), Phase("discriminator", self._discriminator_loss)

    def _generator_loss(self, batch: PairedBatch, step: Step) -> Losses:
        """Equation 5, and the perceptual term of section 4."""
        config = self.config
        fake = self.generator(batch.source)
        step["fake"] = fake.detach()
        pairs = (torch.cat((batch.source, image), 1) for image in (batch.target, fake))
        reals, fakes = map(self.discriminator.activations, pairs)
        step |= {f"real_scores_{scale}": layers[-1] for scale, layers in enumerate(reals)}
        scores = [layers[-1] for layers in fakes]
        terms = {"adversarial": over_scales(OBJECTIVES[config.gan].generator, scores)}
        if config.lambda_features:
            terms["features"] = _feature_distance(fakes, reals)
        if config.lambda_perceptual:
            terms["perceptual"] = self.perceptual(fake, batch.target)
        weights = {"adversarial": 1.0, "features": config.lambda_features, "perceptual": config.lambda_perceptual}
        return Losses(total(weights[name] * term for name, term in terms.items()), terms)

    def _discriminator_loss(self, batch: PairedBatch, step: Step) -> Losses:
        """Equation 3, halved as in pix2pix; real images were scored in the generator's turn already."""
        real, fake = (torch.cat((batch.source, image), 1) for image in (batch.target, step["fake"]))
        real_scores = [step[f"real_scores_{scale}"] for scale in range(self.config.scales)]
        terms = discriminator_terms(self.config.gan, self.discriminator, real, fake, real_scores=real_scores)
        return Losses(halved(terms), terms)

    @property
    def inference(self) -> str:
        return "dropout off" + ("" if self.config.lambda_perceptual else ", learnt without the perceptual term")

    def generate(self, images: Tensor, request: Request) -> Tensor:
        translated: Tensor = self.generator(images)
        return translated


def _feature_distance(fakes: list[list[Tensor]], reals: list[list[Tensor]]) -> Tensor:
    """Equation 4 as the authors' code weighs it: four times the mean over layers and scales, no gradient for reals."""
    distances = [
        F.l1_loss(ours, truth.detach())
        for layers, true_layers in zip(fakes, reals, strict=True)
        for ours, truth in zip(layers[:-1], true_layers[:-1], strict=True)
    ]
    return 4 * total(distances) / len(distances)


def _check_channels(channels: int, lambda_perceptual: float) -> None:
    if lambda_perceptual and channels not in (1, 3):
        raise UserError(
            f"the perceptual term looks at images of 1 or 3 channels and the target has {channels}: "
            "leave it out with --set model.lambda_perceptual=0"
        )


def _check_depth(image_size: tuple[int, int], downsamplings: int) -> None:
    least = SMALLEST_MAP * 2**downsamplings
    if min(image_size) < least:
        height, width = image_size
        raise UserError(
            f"an image of {height}x{width} pixels is too small for a generator that halves {downsamplings} times, and "
            f"needs {least} a side: use --set data.image_size={least} or a smaller --set model.downsamplings"
        )
