"""Adversarial objectives, the gradient penalty and the loss of label heads, shared by every translator."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from i2i.labels import LabelSpace
from i2i.nn.modes import without_autocast
from i2i.nn.second_derivatives import scores_and_image_gradient

__all__ = [
    "OBJECTIVES",
    "GANObjective",
    "Objective",
    "discriminator_terms",
    "gradient_penalty",
    "halved",
    "interpolation",
    "label_loss",
    "over_scales",
    "patch_nce",
    "total",
    "zero_centered_penalty",
]

Scores = Tensor | Sequence[Tensor]
GANObjective = Literal["vanilla", "lsgan", "hinge", "wgan-gp"]


@dataclass(frozen=True)
class Objective:
    """What the two players minimise, as functions of the discriminator's unbounded scores (any shape).

    `real` and `fake` are the discriminator's terms for real and generated images, `generator` is the
    generator's term for its images; each returns a scalar. `penalized` objectives need the gradient penalty.
    """

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    penalized: bool = False


def _labelled_one(scores: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, torch.ones_like(scores))


def _labelled_zero(scores: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, torch.zeros_like(scores))


def _squared_to_one(scores: Tensor) -> Tensor:
    return F.mse_loss(scores, torch.ones_like(scores))


def _squared_to_zero(scores: Tensor) -> Tensor:
    return F.mse_loss(scores, torch.zeros_like(scores))


# Means are taken in float32: autocast leaves hand-written ones in bfloat16.
def _mean(scores: Tensor) -> Tensor:
    return scores.float().mean()


def _sum(scores: Tensor) -> Tensor:
    return scores.float().sum()


def _negative_mean(scores: Tensor) -> Tensor:
    return -scores.float().mean()


def _hinge_real(scores: Tensor) -> Tensor:
    return F.relu(1 - scores.float()).mean()


def _hinge_fake(scores: Tensor) -> Tensor:
    return F.relu(1 + scores.float()).mean()


OBJECTIVES: dict[GANObjective, Objective] = {
    # Goodfellow et al. 2014, with the non-saturating generator loss.
    "vanilla": Objective(_labelled_one, _labelled_zero, _labelled_one),
    # Mao et al. 2017, eq. 9 without the factor 1/2.
    "lsgan": Objective(_squared_to_one, _squared_to_zero, _squared_to_one),
    # Lim and Ye 2017; Miyato et al. 2018, eqs. 16 and 17.
    "hinge": Objective(_hinge_real, _hinge_fake, _negative_mean),
    # Gulrajani et al. 2017, eq. 3.
    "wgan-gp": Objective(_negative_mean, _mean, _negative_mean, penalized=True),
}


def over_scales(term: Callable[[Tensor], Tensor], scores: Scores) -> Tensor:
    """A term of an objective, summed over the scores of several discriminators where there are several."""
    return term(scores) if isinstance(scores, Tensor) else total(map(term, scores))


def discriminator_terms(
    gan: GANObjective,
    critic: Callable[[Tensor], Scores],
    real: Tensor,
    fake: Tensor,
    interpolation: Tensor | None = None,
    real_scores: Scores | None = None,
    fake_scores: Scores | None = None,
) -> dict[str, Tensor]:
    """The discriminator's terms `real` and `fake`, and `penalty` for an objective that needs it.

    Args:
        gan: name of the objective.
        critic: maps images [B, C, H, W] to scores of any shape, or to those of several discriminators.
        real: images [B, C, H, W].
        fake: the same, of the generator; no gradient flows into it.
        interpolation: the penalty's mixing weights [B, 1, 1, 1] in [0, 1], as `interpolation` draws them; only an
            objective that needs the penalty needs them.
        real_scores: the critic's scores of `real`, where the caller has them already.
        fake_scores: those of `fake`, detached, likewise.
    """
    objective = OBJECTIVES[gan]
    fake = fake.detach()
    reals = critic(real) if real_scores is None else real_scores
    fakes = critic(fake) if fake_scores is None else fake_scores
    terms = {"real": over_scales(objective.real, reals), "fake": over_scales(objective.fake, fakes)}
    if objective.penalized:
        if interpolation is None:
            raise ValueError(
                f"{gan} has a penalty, which needs mixing weights: draw them with i2i.losses.interpolation"
            )
        terms["penalty"] = gradient_penalty(critic, real, fake, interpolation)
    return terms


def halved(terms: Mapping[str, Tensor], lambda_gp: float = 0.0) -> Tensor:
    """Half of what a discriminator loses on real and fake images, and its penalty, if there is one, with its weight.

    The half is that of pix2pix (section 3.3): it slows a discriminator down beside its generator. `terms` are those of
    `discriminator_terms`.
    """
    loss = 0.5 * (terms["real"] + terms["fake"])
    return loss + lambda_gp * terms["penalty"] if "penalty" in terms else loss


def interpolation(images: Tensor) -> Tensor:
    """Mixing weights [B, 1, 1, 1], uniform in [0, 1], for the gradient penalty of a batch; for `Phase.draw`."""
    return torch.rand(len(images), 1, 1, 1, device=images.device)


def gradient_penalty(critic: Callable[[Tensor], Scores], real: Tensor, fake: Tensor, interpolation: Tensor) -> Tensor:
    """Mean of (||gradient of the critic at a mixed image||_2 - 1)^2 (Gulrajani et al. 2017, eq. 3).

    Each image is mixed as `weight * real + (1 - weight) * fake` with its own weight.
    """
    mixed = interpolation * real + (1 - interpolation) * fake.detach()
    _, gradient = scores_and_image_gradient(critic, mixed, lambda scores: over_scales(_sum, scores))
    norms = gradient.float().flatten(1).norm(dim=1)
    penalty: Tensor = (norms - 1).square().mean()
    return penalty


def zero_centered_penalty(critic: Callable[[Tensor], Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """Half the mean of ||gradient of the critic at an image||_2^2, on real images (Mescheder et al. 2018, R1).

    Args:
        critic: maps images to scores.
        images: [B, C, H, W].

    Returns:
        The scores, and the penalty.
    """
    scores, gradient = scores_and_image_gradient(critic, images, _sum)
    penalty: Tensor = gradient.float().square().flatten(1).sum(1).mean() / 2
    return scores, penalty


def patch_nce(query: Tensor, key: Tensor, temperature: float = 0.07) -> Tensor:
    """How badly each patch of a translation finds its own among the patches of its source, [B, P].

    Park et al. 2020, equations 1 and 3: the cross-entropy of P classes, of which the right one is the patch in the same
    place. No gradient flows into `key`.

    Args:
        query: unit vectors [B, P, D] of the translations.
        key: those of the sources.
        temperature: by which similarities are divided.
    """
    with without_autocast(query.device):
        similarities = torch.bmm(query.float(), key.detach().float().transpose(1, 2)) / temperature
    own = torch.arange(similarities.shape[1], device=query.device).expand(len(query), -1)
    return F.cross_entropy(similarities.transpose(1, 2), own, reduction="none")


def total(terms: Iterable[Tensor]) -> Tensor:
    """Sum of at least one scalar, added in their order."""
    return reduce(add, terms)


def label_loss(space: LabelSpace, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """How wrong class logits are, averaged over the images (Choi et al. 2018, equations 2 and 3).

    An image counts in the columns of its own data set alone (section 3.2): by softmax cross-entropy where these
    are domains, by binary cross-entropy summed over attributes, as the authors' code does, where they are not.

    Args:
        space: the columns.
        logits: [B, space.classes].
        labels: label vectors [B, space.width].
        smoothing: of the labels, towards equal chances.
    """
    owners = space.owners(labels)
    by_set = []
    for position, one in enumerate(space.sets):
        columns = space.columns(position)
        own, truth = logits[:, columns].float(), labels[:, columns].float()
        if one.has_attributes:
            truth = truth * (1 - smoothing) + smoothing / 2
            wrong = F.binary_cross_entropy_with_logits(own, truth, reduction="none").sum(1)
        else:
            wrong = F.cross_entropy(own, truth.argmax(1), reduction="none", label_smoothing=smoothing)
        by_set.append((wrong * (owners == position)).sum())
    return total(by_set) / len(labels)
