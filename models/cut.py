"""CUT and FastCUT: translation from one domain to another without pairs, by contrasts between patches.

Park, Efros, Zhang, Zhu: Contrastive Learning for Unpaired Image-to-Image Translation, ECCV 2020,
https://arxiv.org/abs/2007.15651. One antialiased ResNet generator, whose first half also tells patches apart, one
antialiased PatchGAN, least-squares GAN.

The published numbers come from the authors' code, which weighs otherwise than equation 5 of the paper, and so do the
defaults: the mean of the contrastive loss over the feature maps and not their sum, and half of it where there are two.
"""

import torch
from pydantic import Field, model_validator
from torch import Tensor

from i2i.data.batches import UnpairedBatch
from i2i.errors import UserError
from i2i.interop.antialiased import ANTIALIASED_PATCHGAN, ANTIALIASED_RESNET, PATCH_PROJECTION
from i2i.interop.family import Reference, ReferenceFile
from i2i.losses import OBJECTIVES, GANObjective, discriminator_terms, interpolation, patch_nce, total
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS
from i2i.nn import Norm, PatchProjection, ResnetGenerator, antialiased_patchgan, initialise, without_gradients
from i2i.registry import register
from i2i.translator import (
    Coverage,
    LinearDecay,
    Losses,
    ModelConfig,
    Optimizer,
    Phase,
    Request,
    Step,
    Task,
    Translator,
)

TAPS = ("image", "down1", "down2", "block1", "block5")


class CUTConfig(ModelConfig):
    """Settings of CUT; the defaults are those of the authors' code. All weights are absolute."""

    width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after the generator's first convolution")
    discriminator_width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after the discriminator's first")
    projection_width: int = Field(256, ge=1, le=MOST_CHANNELS, description="dimensions in which patches are compared")
    blocks: int = Field(9, ge=0, le=MOST_BLOCKS, description="residual blocks")
    layers: int = Field(3, ge=1, le=6, description="PatchGAN layers; 3 judges fields of 70 px")
    norm: Norm = "instance"
    taps: tuple[str, ...] = Field(
        TAPS,
        min_length=1,
        description="feature maps whose patches are compared: image, down1, down2, block1 and so on",
    )
    patches: int = Field(256, ge=2, le=1_000_000, description="places compared in each feature map, at most all")
    temperature: float = Field(0.07, gt=0, description="of the contrastive loss")
    gan: GANObjective = "lsgan"
    lambda_gan: float = Field(1.0, gt=0)
    lambda_nce: float = Field(0.5, gt=0, description="of the contrastive loss; absolute: half of the authors' 1")
    lambda_identity: float = Field(
        0.5, ge=0, description="of the same between images of the target and their translations; 0: none are made"
    )
    lambda_gp: float = Field(10.0, ge=0, description="weight of the gradient penalty, for wgan-gp")
    flip_equivariance: bool = Field(False, description="mirror what is translated in half of the steps")
    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _existing_taps(self) -> "CUTConfig":
        known = ("image", "down1", "down2", *(f"block{number}" for number in range(1, self.blocks + 1)))
        wrong = [tap for tap in self.taps if tap not in known or self.taps.count(tap) > 1]
        if wrong:
            nearest = tuple(dict.fromkeys(tap if tap in known else known[-1] for tap in self.taps))
            raise UserError(
                f"taps={','.join(self.taps)} does not fit blocks={self.blocks}: there are {', '.join(known)}, each "
                f"once; e.g. --set model.taps={','.join(nearest)}"
            )
        return self


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
    multiple = ResnetGenerator.multiple
    config: CUTConfig

    def __init__(self, config: CUTConfig, task: Task) -> None:
        super().__init__(config, task)
        self.generator = self._generator()
        channels, self.places = self._maps()
        self.projection = initialise(PatchProjection(channels, config.projection_width), "xavier")
        discriminator = antialiased_patchgan(task.channels, config.discriminator_width, config.layers, config.norm)
        self.discriminator = initialise(discriminator, "xavier")

    def _generator(self) -> ResnetGenerator:
        config = self.config
        generator = ResnetGenerator(
            self.task.channels, config.width, config.blocks, norm=config.norm, resampling="antialiased"
        )
        return initialise(generator, "xavier")

    def _maps(self) -> tuple[list[int], list[int]]:
        """Channels and number of places of each feature map that is compared, for images of the task."""
        with torch.device("meta"):
            images = torch.empty(1, self.task.channels, *self.task.image_size)
            maps = self._generator().features(images, self.config.taps)
        return [one.shape[1] for one in maps], [one.shape[2] * one.shape[3] for one in maps]

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
        if OBJECTIVES[self.config.gan].penalised:
            step["interpolation"] = interpolation(batch.b)

    def _discriminator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Equation 1 as least squares, halved; the translations serve the generator's turn too."""
        images = torch.cat((batch.a, batch.b)) if self.config.lambda_identity else batch.a
        translations = self.generator(_mirrored(images, step)).split(len(batch.a))
        step.update(zip(("fake", "identity"), translations, strict=False))
        critic, mixing = self.discriminator, step.get("interpolation")
        terms = discriminator_terms(self.config.gan, critic, batch.b, step["fake"], mixing)
        loss = 0.5 * (terms["real"] + terms["fake"])
        if "penalty" in terms:
            loss = loss + self.config.lambda_gp * terms["penalty"]
        return Losses(loss, terms)

    def _draw_places(self, batch: UnpairedBatch, step: Step) -> None:
        """Places y * W + x in each feature map, [patches]: the same of all images of the batch (appendix C.2)."""
        for kind in ("nce", "identity") if self.config.lambda_identity else ("nce",):
            for tap, count in zip(self.config.taps, self.places, strict=True):
                order = torch.randperm(count, device=batch.a.device)
                step[f"{kind}_{tap}"] = order[: self.config.patches]

    def _generator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Equation 5, against the discriminator that has just learnt."""
        config = self.config
        adversarial = OBJECTIVES[config.gan].generator(self.discriminator(step["fake"]))
        nce = self._nce("nce", batch.a, step["fake"], step)
        loss = config.lambda_gan * adversarial + config.lambda_nce * _mean(nce)
        terms = {"adversarial": adversarial, **nce}
        if config.lambda_identity:
            identity = self._nce("identity", batch.b, step["identity"], step)
            loss, terms = loss + config.lambda_identity * _mean(identity), terms | identity
        return Losses(loss, terms)

    def _nce(self, kind: str, source: Tensor, translated: Tensor, step: Step) -> dict[str, Tensor]:
        """Equation 4 for each feature map: how badly patches of a translation find their own in its source."""
        taps = self.config.taps
        places = [step[f"{kind}_{tap}"] for tap in taps]
        queries = [_mirrored(features, step) for features in self.generator.features(translated, taps)]
        with without_gradients():
            keys = self.projection(self.generator.features(source, taps), places)
        pairs = zip(self.projection(queries, places), keys, strict=True)
        losses = [patch_nce(query, key, self.config.temperature).mean() for query, key in pairs]
        return {f"{kind}_{tap}": loss for tap, loss in zip(taps, losses, strict=True)}

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
        usual_size=lambda told: 256,
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


def _mean(terms: dict[str, Tensor]) -> Tensor:
    return total(terms.values()) / len(terms)
