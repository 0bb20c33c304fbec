"""What UNIT and MUNIT have in common besides networks: settings, discriminators, optimizers, phases."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from torch import Tensor, nn

from i2i.data.batches import UnpairedBatch
from i2i.errors import UserError
from i2i.interop.family import Bundle, Family, Reference, ReferenceFile
from i2i.interop.multiscale import MULTISCALE_PATCHGAN
from i2i.losses import OBJECTIVES, discriminator_terms, over_scales, total
from i2i.metrics import VGG16Distance
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS
from i2i.nn import MultiscaleDiscriminator, Norm, initialize, reflecting_patchgan
from i2i.translator import (
    Coverage,
    Losses,
    ModelConfig,
    Optimizer,
    Phase,
    Request,
    Step,
    StepDecay,
    Task,
    Translator,
)

LARGE = 512  # pixels a side from which on the authors' settings have a perceptual term


class AutoencoderConfig(ModelConfig):
    """Settings of both; the defaults are those of the authors' code, in which all weights are absolute."""

    width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after an encoder's first convolution")
    blocks: int = Field(4, ge=1, le=MOST_BLOCKS, description="residual blocks of a content encoder, and of a decoder")
    discriminator_width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after a discriminator's first")
    layers: int = Field(4, ge=1, le=10, description="stride-2 convolutions of a discriminator")
    scales: int = Field(3, ge=1, le=10, description="discriminators of a domain, each at half the resolution before it")
    norm: Norm = Field("instance", description="normalisation of the encoders of what domains share")
    gan: Literal["vanilla", "lsgan", "hinge"] = "lsgan"
    lambda_gan: float = Field(1.0, gt=0)
    lambda_reconstruction: float = Field(10.0, ge=0, description="weight of images encoded and decoded in their domain")
    lambda_perceptual: float = Field(
        0.0, ge=0, description="weight of the distance to the source in VGG-16; the authors have 1 for images of 512 px"
    )
    learning_rate: float = Field(1e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)
    weight_decay: float = Field(1e-4, ge=0)

    def weight(self, loss: str) -> float:
        """Of one of the auto-encoders' losses."""
        return float(getattr(self, "lambda_gan" if loss == "adversarial" else f"lambda_{loss}"))


def reference(family: Family, **infers: str) -> Reference:
    """The files of the authors' code: one with the auto-encoders of both domains, one with the discriminators.

    Args:
        family: of the auto-encoders.
        infers: what their arguments settle besides channels, width and blocks.
    """
    generator = {"channels": "data.channels", "width": "model.width", "blocks": "model.blocks", **infers}
    discriminator = {
        "channels": "data.channels",
        "width": "model.discriminator_width",
        "layers": "model.layers",
        "scales": "model.scales",
    }
    return Reference(
        repository="https://github.com/NVlabs/MUNIT",
        file_name="{network}.pt",
        files={
            "gen_a": ReferenceFile("autoencoder_a", family, generator),
            "gen_b": ReferenceFile("autoencoder_b", family, generator),
            "dis_a": ReferenceFile("discriminator_a", MULTISCALE_PATCHGAN, discriminator),
            "dis_b": ReferenceFile("discriminator_b", MULTISCALE_PATCHGAN, discriminator),
        },
        usual_size=lambda inferred: 256,
        has={"norm": ("instance",)},
        bundles=(
            Bundle("gen_{step:08d}.pt", {"a": "gen_a", "b": "gen_b"}),
            Bundle("dis_{step:08d}.pt", {"a": "dis_a", "b": "dis_b"}),
        ),
    )


def discriminator(config: AutoencoderConfig, task: Task) -> MultiscaleDiscriminator:
    """The discriminator of a domain; UserError if the images are too small for it."""
    smallest = -(-min(task.image_size) // 2 ** (config.scales - 1))
    if smallest < 2**config.layers:
        raise UserError(
            f"the last of scales={config.scales} discriminators would see a side of {smallest} px, and layers="
            f"{config.layers} halve it {config.layers} times: take larger images, or fewer of one of them, as with "
            f"--set model.scales={max(config.scales - 1, 1)} or --set model.layers={max(config.layers - 1, 1)}"
        )
    scales = (
        reflecting_patchgan(task.channels, config.discriminator_width, config.layers) for _ in range(config.scales)
    )
    return initialize(MultiscaleDiscriminator(scales))


class AutoencoderTranslator(Translator):
    """For each domain an `autoencoder_` and a `discriminator_`, which `__init__` builds; the discriminators come first.

    Subclasses say what the phases draw and lose.
    """

    coverage = Coverage.PAIR
    batch = UnpairedBatch
    generators = ("autoencoder_a", "autoencoder_b")
    frozen = ("perceptual",)
    schedule = StepDecay(every=0.1, gamma=0.5)
    styled: str  # what a translation is made of
    config: AutoencoderConfig
    autoencoder_a: nn.Module
    autoencoder_b: nn.Module
    discriminator_a: MultiscaleDiscriminator
    discriminator_b: MultiscaleDiscriminator

    def __init__(self, config: AutoencoderConfig, task: Task) -> None:
        super().__init__(config, task)
        self.perceptual = VGG16Distance() if config.lambda_perceptual else nn.Identity()

    def optimizers(self) -> dict[str, Optimizer]:
        """One for both auto-encoders, one for all discriminators."""
        config = self.config
        networks = {"discriminators": ("discriminator_a", "discriminator_b"), "generators": self.generators}
        rate, betas = config.learning_rate, (config.beta1, 0.999)
        return {name: Optimizer(own, rate, betas, config.weight_decay) for name, own in networks.items()}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminators", self._discriminator_loss, self._draw_shown),
            Phase("generators", self._generator_loss, self._draw),
        )

    @abstractmethod
    def _draw_shown(self, batch: UnpairedBatch, step: Step) -> None:
        """What is random in the translations that the discriminators see."""

    @abstractmethod
    def _draw(self, batch: UnpairedBatch, step: Step) -> None:
        """What is random in the generators' turn."""

    @abstractmethod
    def _discriminator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Of real images and translations."""

    @abstractmethod
    def _generator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """Of reconstructions, cycles and translations."""

    def _losses_of_shown(self, batch: UnpairedBatch, fake_a: Tensor, fake_b: Tensor) -> Losses:
        """What the discriminators of both domains minimise.

        As in the authors' code it is summed over domains, scales, real and fake images, and not halved.
        """
        sides = {"a": (self.discriminator_a, batch.a, fake_a), "b": (self.discriminator_b, batch.b, fake_b)}
        terms = {
            f"{name}_{side}": term
            for side, (discriminator, real, fake) in sides.items()
            for name, term in discriminator_terms(self.config.gan, discriminator, real, fake).items()
        }
        return Losses(self.config.lambda_gan * total(terms.values()), terms)

    def _of_translations(self, batch: UnpairedBatch, fake_a: Tensor, fake_b: Tensor) -> dict[str, Tensor]:
        """What the auto-encoders lose on the discriminators and, with a weight, by straying from sources in VGG-16."""
        objective = OBJECTIVES[self.config.gan].generator
        terms = {
            "adversarial_a": over_scales(objective, self.discriminator_a(fake_a)),
            "adversarial_b": over_scales(objective, self.discriminator_b(fake_b)),
        }
        if self.config.lambda_perceptual:
            terms["perceptual_a"] = self.perceptual(fake_a, batch.b)
            terms["perceptual_b"] = self.perceptual(fake_b, batch.a)
        return terms

    def _weighted(self, terms: Mapping[str, Tensor]) -> Losses:
        """The sum of terms, which are named `loss_domain`, each times the weight of its loss."""
        return Losses(total(self.config.weight(name.rpartition("_")[0]) * term for name, term in terms.items()), terms)

    @property
    def inference(self) -> str:
        """With what the authors have and is missing, which is for their large images alone."""
        missing = min(self.task.image_size) >= LARGE and not self.config.lambda_perceptual
        return self.styled + (", learnt without the perceptual term" if missing else "")

    def _both_ways(self, request: Request) -> tuple[Any, Any]:
        """The auto-encoders of the domains that images come from and go to."""
        both = (self.autoencoder_a, self.autoencoder_b)
        return both if request.target == 1 else both[::-1]
