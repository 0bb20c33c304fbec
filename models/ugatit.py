"""U-GAT-IT: translation both ways between two domains without pairs, guided by what tells the domains apart.

Kim, Kim, Kang, Lee: U-GAT-IT: Unsupervised Generative Attentional Networks with Adaptive Layer-Instance Normalization
for Image-to-Image Translation, ICLR 2020, https://arxiv.org/abs/1907.10830. Classifiers inside generators and
discriminators weigh features by how much they matter to the domain (class activation maps); the decoders' norms blend
instance and layer norm. Each domain has a discriminator of large fields and one of small ones.

As in the authors' PyTorch code, the least-squares terms of the discriminators are not halved, features of the
discriminators are weighted by the classifiers' weights as learnt and not as normalised, and every pass in training
makes a power iteration of the spectral norm. Its discriminator step also computes gradients of the generators and
throws them away, and its generator step translates anew with the same weights; neither is done here.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.data.batches import UnpairedBatch
from i2i.losses import OBJECTIVES, total
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS
from i2i.nn import AttentiveDiscriminator, AttentiveGenerator
from i2i.registry import register
from i2i.translator import Coverage, Losses, ModelConfig, Optimizer, Phase, Request, Step, Task, Translator

OBJECTIVE = OBJECTIVES["lsgan"]
WEIGHT_DECAY = 1e-4


class UGATITConfig(ModelConfig):
    """Settings of U-GAT-IT; the defaults are the paper's. All weights are absolute."""

    light: bool = Field(
        False, description="gain and offset of the decoder's norms from averages over the map: smaller, for all sizes"
    )
    width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after a generator's first convolution")
    discriminator_width: int = Field(64, ge=1, le=MOST_CHANNELS, description="channels after a discriminator's first")
    blocks: int = Field(4, ge=0, le=MOST_BLOCKS, description="residual blocks of the encoders and of the decoders")
    layers: int = Field(7, ge=3, le=12, description="layers of the global discriminators; all but three halve")
    local_layers: int = Field(5, ge=3, le=12, description="layers of the local discriminators")
    lambda_gan: float = Field(1.0, gt=0)
    lambda_cycle: float = Field(10.0, ge=0)
    lambda_identity: float = Field(10.0, ge=0)
    lambda_cam: float = Field(1000.0, ge=0, description="weight of the generators' domain classifiers")
    learning_rate: float = Field(1e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)


@register("ugatit")
class UGATIT(Translator):
    """Generators `a_to_b` and `b_to_a`, and for each domain a global and a local discriminator."""

    coverage = Coverage.PAIR
    batch = UnpairedBatch
    generators = ("a_to_b", "b_to_a")
    discriminators = ("global_a", "global_b", "local_a", "local_b")
    Config = UGATITConfig
    test_settings = {"light": True, "width": 2, "discriminator_width": 2, "blocks": 1, "layers": 4, "local_layers": 3}
    multiple = AttentiveGenerator.multiple
    config: UGATITConfig

    def __init__(self, config: UGATITConfig, task: Task) -> None:
        super().__init__(config, task)
        self.a_to_b, self.b_to_a = self._generator(), self._generator()
        self.global_a, self.global_b = (self._discriminator(config.layers) for _ in range(2))
        self.local_a, self.local_b = (self._discriminator(config.local_layers) for _ in range(2))

    def _generator(self) -> AttentiveGenerator:
        config, task = self.config, self.task
        size = None if config.light else task.image_size
        return AttentiveGenerator(task.channels, config.width, config.blocks, size)

    def _discriminator(self, layers: int) -> AttentiveDiscriminator:
        return AttentiveDiscriminator(self.task.channels, self.config.discriminator_width, layers)

    def optimizers(self) -> dict[str, Optimizer]:
        rate, betas = self.config.learning_rate, (self.config.beta1, 0.999)
        networks = {"discriminators": self.discriminators, "generators": self.generators}
        return {name: Optimizer(own, rate, betas, WEIGHT_DECAY) for name, own in networks.items()}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminators", self._discriminator_loss),
            Phase("generators", self._generator_loss, after=self._clip),
        )

    def _clip(self) -> None:
        """Keep every norm a blend of instance and layer norm (section 2.1.1)."""
        self.a_to_b.clip()
        self.b_to_a.clip()

    def _discriminator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """The adversarial loss of section 2.2, for patches and for the classifiers' logits alike."""
        step["fake_b"], step["fake_b_logits"], _ = self.a_to_b.attend(batch.a)
        step["fake_a"], step["fake_a_logits"], _ = self.b_to_a.attend(batch.b)
        terms: dict[str, Tensor] = {}
        for side, real in (("a", batch.a), ("b", batch.b)):
            for name, scores in self._judgements(side, real):
                terms[f"{name}_real"] = OBJECTIVE.real(scores)
            for name, scores in self._judgements(side, step[f"fake_{side}"].detach()):
                terms[f"{name}_fake"] = OBJECTIVE.fake(scores)
        return Losses(self.config.lambda_gan * total(terms.values()), terms)

    def _judgements(self, side: str, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """By name, what the two discriminators of a domain say of patches, and of the domain."""
        for network in (f"global_{side}", f"local_{side}"):
            scores, logits = self.get_submodule(network)(images)
            yield network, scores
            yield f"{network}_cam", logits

    def _generator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """The full objective of section 2.2, both ways."""
        config = self.config
        identity_a, logits_a, _ = self.b_to_a.attend(batch.a)
        identity_b, logits_b, _ = self.a_to_b.attend(batch.b)
        groups = (
            (config.lambda_gan, self._adversarial_terms(step)),
            (
                config.lambda_cycle,
                {
                    "cycle_a": F.l1_loss(self.b_to_a(step["fake_b"]), batch.a),
                    "cycle_b": F.l1_loss(self.a_to_b(step["fake_a"]), batch.b),
                },
            ),
            (
                config.lambda_identity,
                {"identity_a": F.l1_loss(identity_a, batch.a), "identity_b": F.l1_loss(identity_b, batch.b)},
            ),
            (
                config.lambda_cam,
                {
                    "cam_a_fake": _classified(step["fake_a_logits"], 1.0),
                    "cam_a_identity": _classified(logits_a, 0.0),
                    "cam_b_fake": _classified(step["fake_b_logits"], 1.0),
                    "cam_b_identity": _classified(logits_b, 0.0),
                },
            ),
        )
        terms = {name: term for _, own in groups for name, term in own.items()}
        return Losses(total(weight * total(own.values()) for weight, own in groups), terms)

    def _adversarial_terms(self, step: Step) -> dict[str, Tensor]:
        return {
            name: OBJECTIVE.generator(scores)
            for side in "ab"
            for name, scores in self._judgements(side, step[f"fake_{side}"])
        }

    def generate(self, images: Tensor, request: Request) -> Tensor:
        generator = self.a_to_b if request.target == 1 else self.b_to_a
        translated: Tensor = generator(images)
        return translated


def _classified(logits: Tensor, truth: float) -> Tensor:
    """How wrong a generator's classifier is: what it has to change is 1, what is in its target domain already 0."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))
