"""What translators that contrast patches have in common: settings, places in feature maps, and the loss."""

from collections.abc import Callable, Sequence

import torch
from pydantic import Field, model_validator
from torch import Tensor

from i2i.data.batches import UnpairedBatch
from i2i.errors import UserError
from i2i.losses import GANObjective, patch_nce, total
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS
from i2i.nn import Norm, PatchProjection, without_gradients
from i2i.translator import Losses, ModelConfig, Step

TAPS = ("image", "down1", "down2", "block1", "block5")


class ContrastiveConfig(ModelConfig):
    """Settings of CUT that UNSB has too; the defaults are those of CUT's authors' code. All weights are absolute."""

    width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after the generator's first convolution")
    discriminator_width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after the discriminator's first")
    projection_width: int = Field(256, ge=1, le=MOST_CHANNELS, description="dimensions in which patches are compared")
    blocks: int = Field(9, ge=0, le=MOST_BLOCKS, description="residual blocks")
    layers: int = Field(3, ge=1, le=6, description="PatchGAN layers; 3 has receptive fields of 70 px")
    norm: Norm = Field("instance", description="normalisation of all networks")
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
    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _existing_taps(self) -> "ContrastiveConfig":
        known = ("image", "down1", "down2", *(f"block{number}" for number in range(1, self.blocks + 1)))
        wrong = [tap for tap in self.taps if tap not in known or self.taps.count(tap) > 1]
        if wrong:
            nearest = tuple(dict.fromkeys(tap if tap in known else known[-1] for tap in self.taps))
            raise UserError(
                f"taps={','.join(self.taps)} does not fit blocks={self.blocks}: there are {', '.join(known)}, each "
                f"once; e.g. --set model.taps={','.join(nearest)}"
            )
        return self

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is compared with its translation: images of the source and, with `lambda_identity`, of the target."""
        return ("nce", "identity") if self.lambda_identity else ("nce",)


def sizes_of(maps: Sequence[Tensor]) -> tuple[list[int], list[int]]:
    """Channels and number of places of each feature map [B, C, H, W]."""
    return [one.shape[1] for one in maps], [one.shape[2] * one.shape[3] for one in maps]


def draw_places(step: Step, config: ContrastiveConfig, counts: Sequence[int], device: torch.device) -> None:
    """Put places y * W + x of each feature map, [patches], into the step, the same for all images of a batch.

    Park et al. 2020, appendix C.2. `counts` are the numbers of places of the maps.
    """
    for kind in config.kinds:
        for tap, count in zip(config.taps, counts, strict=True):
            step[f"{kind}_{tap}"] = torch.randperm(count, device=device)[: config.patches]


def contrasts(
    kind: str,
    config: ContrastiveConfig,
    step: Step,
    projection: PatchProjection,
    queries: list[Tensor],
    keys: list[Tensor],
) -> dict[str, Tensor]:
    """How badly patches of a translation find their own in its source, by feature map (equation 4 without its sum).

    Args:
        kind: one of `config.kinds`, whose places are in the step.
        config: names of the maps, and the temperature.
        step: as `draw_places` leaves it.
        projection: of patches to what is compared.
        queries: feature maps [B, C, H, W] of the translation.
        keys: those of the source, which get no gradient.
    """
    places = [step[f"{kind}_{tap}"] for tap in config.taps]
    with without_gradients():
        known = projection(keys, places)
    pairs = zip(config.taps, projection(queries, places), known, strict=True)
    return {f"{kind}_{tap}": patch_nce(query, key, config.temperature).mean() for tap, query, key in pairs}


def with_contrasts(
    config: ContrastiveConfig, losses: Losses, batch: UnpairedBatch, step: Step, nce: Callable[..., dict[str, Tensor]]
) -> Losses:
    """The generator's losses, and the mean contrast over the feature maps for all that is compared (equation 5).

    Args:
        config: what is compared, and the weights.
        losses: all others.
        batch: images `a` of the source and `b` of the target.
        step: holds their translations, `fake` and `identity`.
        nce: of kind, images, translations and step the terms by feature map, as `contrasts` gives them.
    """
    compared = {"nce": (config.lambda_nce, batch.a, "fake"), "identity": (config.lambda_identity, batch.b, "identity")}
    loss, terms = losses.total, dict(losses.terms)
    for kind in config.kinds:
        weight, images, translated = compared[kind]
        own = nce(kind, images, step[translated], step)
        loss, terms = loss + weight * (total(own.values()) / len(own)), terms | own
    return Losses(loss, terms)
