"""CUT and FastCUT: translation from one domain to another without pairs, by contrasts between patches.

Park, Efros, Zhang, Zhu: Contrastive Learning for Unpaired Image-to-Image Translation, ECCV 2020,
https://arxiv.org/abs/2007.15651. One antialiased ResNet generator, whose first half also tells patches apart, one
antialiased PatchGAN, least-squares GAN.

The published numbers come from the authors' code, which weighs otherwise than equation 5 of the paper, and so do the
defaults: the mean of the contrastive loss over the feature maps and not their sum, and half of it where there are two.
"""

import torch
from pydantic import Field
from torch import Tensor

from i2i.data.batches import UnpairedBatch
from i2i.interop.antialiased import ANTIALIASED_PATCHGAN, ANTIALIASED_RESNET, PATCH_PROJECTION
from i2i.interop.family import Reference, ReferenceFile
from i2i.losses import OBJECTIVES, discriminator_terms, halved, interpolation
from i2i.models._contrastive import ContrastiveConfig, contrasts, draw_places, sizes_of, with_contrasts
from i2i.nn import (
    PatchProjection,
    ResnetGenerator,
    antialiased_patchgan,
    initialize,
    with_channels,
    without_gradients,
)
from i2i.registry import register
from i2i.translator import Coverage, LinearDecay, Losses, Optimizer, Phase, Request, Step, Task, Translator


class CUTConfig(ContrastiveConfig):
    """Settings of CUT; the defaults are those of the authors' code. All weights are absolute."""

    flip_equivariance: bool = Field(False, description="mirror what is translated in half of the steps")


class FastCUTConfig(CUTConfig):
    """Settings of FastCUT: no translations of the target's images, which saves a third, and a mirror in their place."""

    lambda_nce: float = Field(10.0, gt=0, description="of the contrastive loss")
    lambda_identity: float = Field(
        0.0, ge=0, description="of the same between images of the target and their translations; 0: none are made"
    )
    flip_equivariance: bool = Field(True, description="mirror what is translated in half of the steps")


@register("cut")
class CUT(Translator):
    """A `generator`, a `discriminator` of the target domain, and a `projection` of patches to what is compared."""

    coverage = Coverage.DIRECTION
    batch = UnpairedBatch
    generators = ("generator",)
    Config = CUTConfig
    defaults = {"zoom_until": 0.5}
    test_settings = {
        "width": 4,
        "discriminator_width": 4,
        "projection_width": 4,
        "blocks": 1,
        "layers": 2,
        "taps": ("image", "down2", "block1"),
        "patches": 8,
    }
    unlike_channels = True
    multiple = ResnetGenerator.multiple
    config: CUTConfig

    def __init__(self, config: CUTConfig, task: Task) -> None:
        super().__init__(config, task)
        source, target = self.channels = [task.channels_of(domain) for domain in task.domains]
        self.generator = self._generator()
        with torch.device("meta"):
            images = torch.empty(1, source, *task.image_size)
            channels, self.places = sizes_of(self._generator().features(images, config.taps))
        self.projection = initialize(PatchProjection(channels, config.projection_width), "xavier")
        discriminator = antialiased_patchgan(target, config.discriminator_width, config.layers, config.norm)
        self.discriminator = initialize(discriminator, "xavier")

    def _generator(self) -> ResnetGenerator:
        """Its encoder sees images of both domains, those with fewer channels as if others were 0."""
        config = self.config
        generator = ResnetGenerator(
            max(self.channels),
            config.width,
            config.blocks,
            norm=config.norm,
            resampling="antialiased",
            outputs=self.channels[1],
        )
        return initialize(generator, "xavier")

    def optimizers(self) -> dict[str, Optimizer]:
        rate, betas = self.config.learning_rate, (self.config.beta1, 0.999)
        networks = {"discriminator": ("discriminator",), "generator": ("generator", "projection")}
        return {name: Optimizer(own, rate, betas) for name, own in networks.items()}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminator", self._discriminator_loss, self._draw_translation),
            Phase("generator", self._generator_loss, self._draw_places),
        )

    def _draw_translation(self, batch: UnpairedBatch, step: Step) -> None:
        if self.config.flip_equivariance:
            step["mirrored"] = torch.rand(1, device=batch.a.device) < 0.5
        if OBJECTIVES[self.config.gan].penalized:
            step["interpolation"] = interpolation(batch.b)

    def _discriminator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Equation 1 as least squares, halved; the translations serve the generator's turn too."""
        a, b = (with_channels(images, max(self.channels)) for images in (batch.a, batch.b))
        images = torch.cat((a, b)) if self.config.lambda_identity else a
        translations = self.generator(_mirrored(images, step)).split(len(batch.a))
        step.update(zip(("fake", "identity"), translations, strict=False))
        critic, mixing = self.discriminator, step.get("interpolation")
        terms = discriminator_terms(self.config.gan, critic, batch.b, step["fake"], mixing)
        return Losses(halved(terms, self.config.lambda_gp), terms)

    def _draw_places(self, batch: UnpairedBatch, step: Step) -> None:
        draw_places(step, self.config, self.places, batch.a.device)

    def _generator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Equation 5, against the discriminator that has just learnt."""
        config = self.config
        adversarial = OBJECTIVES[config.gan].generator(self.discriminator(step["fake"]))
        losses = Losses(config.lambda_gan * adversarial, {"adversarial": adversarial})
        return with_contrasts(config, losses, batch, step, self._nce)

    def _nce(self, kind: str, source: Tensor, translated: Tensor, step: Step) -> dict[str, Tensor]:
        """Equation 4 by feature map."""
        taps = self.config.taps
        queries = [_mirrored(features, step) for features in self.generator.features(translated, taps)]
        with without_gradients():
            keys = self.generator.features(source, taps)
        return contrasts(kind, self.config, step, self.projection, queries, keys)

    def generate(self, images: Tensor, request: Request) -> Tensor:
        translated: Tensor = self.generator(images)
        return translated

    reference = Reference(
        repository="https://github.com/taesungp/contrastive-unpaired-translation",
        file_name="latest_net_{network}.pth",
        files={
            "G": ReferenceFile(
                "generator",
                ANTIALIASED_RESNET,
                {"channels": "data.channels", "width": "model.width", "blocks": "model.blocks", "norm": "model.norm"},
                direction=(0, 1),
            ),
            "F": ReferenceFile("projection", PATCH_PROJECTION, {"width": "model.projection_width"}),
            "D": ReferenceFile(
                "discriminator",
                ANTIALIASED_PATCHGAN,
                {"width": "model.discriminator_width", "layers": "model.layers", "norm": "model.norm"},
            ),
        },
        usual_size=lambda inferred: 256,
        has={"norm": ("instance", "batch")},
    )


@register("fastcut")
class FastCUT(CUT):
    """CUT without translations of the target's images, trained for half as long (section 4.1)."""

    Config = FastCUTConfig
    defaults = {"zoom_until": 0.75}
    schedule = LinearDecay(0.75)


def _mirrored(images: Tensor, step: Step) -> Tensor:
    """Images or feature maps [B, C, H, W], from right to left if the step says so."""
    return torch.where(step["mirrored"], images.flip(3), images) if "mirrored" in step else images
