"""What UNIT and MUNIT have in common besides networks: settings, discriminators and what these learn from."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field
from torch import Tensor

from i2i.errors import UserError
from i2i.interop.family import Bundle, Family, Reference, ReferenceFile
from i2i.interop.multiscale import MULTISCALE_PATCHGAN
from i2i.losses import discriminator_terms, total
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS
from i2i.nn import MultiscaleDiscriminator, initialise, reflecting_patchgan
from i2i.translator import Losses, ModelConfig, Optimizer, Task

NETWORKS = {
    "discriminators": ("discriminator_a", "discriminator_b"),
    "generators": ("autoencoder_a", "autoencoder_b"),
}


class AutoencoderConfig(ModelConfig):
    """Settings of both; the defaults are those of the authors' code, in which all weights are absolute."""

    width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after an encoder's first convolution")
    blocks: int = Field(4, ge=1, le=MOST_BLOCKS, description="residual blocks of a content encoder, and of a decoder")
    discriminator_width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after a discriminator's first")
    layers: int = Field(4, ge=1, le=10, description="stride-2 convolutions of a discriminator")
    scales: int = Field(3, ge=1, le=10, description="discriminators of a domain, each at half the resolution before it")
    gan: Literal["vanilla", "lsgan", "hinge"] = "lsgan"
    lambda_gan: float = Field(1.0, gt=0)
    lambda_reconstruction: float = Field(10.0, ge=0, description="weight of images encoded and decoded in their domain")
    learning_rate: float = Field(1e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)
    weight_decay: float = Field(1e-4, ge=0)

    def optimizers(self) -> dict[str, Optimizer]:
        """One for both auto-encoders, one for all discriminators."""
        betas = (self.beta1, 0.999)
        return {name: Optimizer(own, self.learning_rate, betas, self.weight_decay) for name, own in NETWORKS.items()}

    def weight(self, loss: str) -> float:
        """Of one of the generators' losses."""
        return float(getattr(self, "lambda_gan" if loss == "adversarial" else f"lambda_{loss}"))

    def weighted(self, terms: Mapping[str, Tensor]) -> Losses:
        """The sum of terms, which are named `loss_domain`, each times the weight of its loss."""
        return Losses(total(self.weight(name.rpartition("_")[0]) * term for name, term in terms.items()), terms)


def reference(family: Family, **tells: str) -> Reference:
    """The files of the authors' code: one with the auto-encoders of both domains, one with the discriminators.

    Args:
        family: of the auto-encoders.
        tells: what their arguments settle besides channels, width and blocks.
    """
    generator = {"channels": "data.channels", "width": "model.width", "blocks": "model.blocks", **tells}
    judge = {
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
            "dis_a": ReferenceFile("discriminator_a", MULTISCALE_PATCHGAN, judge),
            "dis_b": ReferenceFile("discriminator_b", MULTISCALE_PATCHGAN, judge),
        },
        usual_size=lambda told: 256,
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
    return initialise(MultiscaleDiscriminator(scales))


def discriminators_loss(
    config: AutoencoderConfig, sides: Mapping[str, tuple[MultiscaleDiscriminator, Tensor, Tensor]]
) -> Losses:
    """What the discriminators of both domains minimise, by domain given discriminator, real and fake images.

    As in the authors' code it is summed over domains, scales, real and fake images, and not halved.
    """
    terms = {
        f"{name}_{side}": term
        for side, (judge, real, fake) in sides.items()
        for name, term in discriminator_terms(config.gan, judge, real, fake).items()
    }
    return Losses(config.lambda_gan * total(terms.values()), terms)
