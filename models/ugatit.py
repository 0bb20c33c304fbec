"""U-GAT-IT: translation both ways between two domains without pairs, guided by what tells the domains apart.

Kim, Kim, Kang, Lee: U-GAT-IT: Unsupervised Generative Attentional Networks with Adaptive Layer-Instance Normalization
for Image-to-Image Translation, ICLR 2020, https://arxiv.org/abs/1907.10830. Classifiers inside generators and
discriminators weigh features by how much they matter to the domain (class activation maps); the decoders' norms blend
instance and layer norm. Each domain has a discriminator of large fields and one of small ones.

As in the authors' PyTorch code, the least-squares terms of the discriminators are not halved, features of the
discriminators are weighted by the classifiers' weights as learnt and not as normalised, and every pass in training
makes a power iteration of the spectral norm. Its discriminator step also computes gradients of the generators and
throws them away, and its generator step translates again with the same weights; neither is done here.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.data.batches import UnpairedBatch
from i2i.interop.family import Bundle, Reference, ReferenceFile
from i2i.interop.ugatit import UGATIT_DISCRIMINATOR, UGATIT_GENERATOR
from i2i.losses import OBJECTIVES, total
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS
from i2i.nn import AttentiveDiscriminator, AttentiveGenerator, Norm
from i2i.registry import register
from i2i.translator import Coverage, Losses, ModelConfig, Optimizer, Phase, Request, Step, Task, Translator

NETWORKS = ("genA2B", "genB2A", "disGA", "disGB", "disLA", "disLB")  # in files of the authors' PyTorch code
GENERATOR_INFERS = {
    "channels": "data.channels",
    "width": "model.width",
    "blocks": "model.blocks",
    "light": "model.light",
    "image_size": "data.image_size",
}
GLOBAL_INFERS = {"width": "model.discriminator_width", "layers": "model.layers"}
LOCAL_INFERS = {"width": "model.discriminator_width", "layers": "model.local_layers"}
OBJECTIVE = OBJECTIVES["lsgan"]
WEIGHT_DECAY = 1e-4
WHOLE_MAP = "scale them, or train the variant for all sizes with --set model.light=true"


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
    norm: Norm = Field("instance", description="normalisation of the generators' encoders")
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
        self.bound_to_size = "" if config.light else WHOLE_MAP
        self.a_to_b, self.b_to_a = self._generator(), self._generator()
        self.global_a, self.global_b = (self._discriminator(config.layers) for _ in range(2))
        self.local_a, self.local_b = (self._discriminator(config.local_layers) for _ in range(2))

    def _generator(self) -> AttentiveGenerator:
        config, task = self.config, self.task
        size = None if config.light else task.image_size
        return AttentiveGenerator(task.channels, config.width, config.blocks, size, config.norm)

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
            for name, scores in self._patch_scores(side, real):
                terms[f"{name}_real"] = OBJECTIVE.real(scores)
            for name, scores in self._patch_scores(side, step[f"fake_{side}"].detach()):
                terms[f"{name}_fake"] = OBJECTIVE.fake(scores)
        return Losses(self.config.lambda_gan * total(terms.values()), terms)

    def _patch_scores(self, side: str, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """By name, what the two discriminators of a domain say of patches, and of the domain."""
        for network in (f"global_{side}", f"local_{side}"):
            scores, logits = self.get_submodule(network)(images)
            yield network, scores
            yield f"{network}_cam", logits

    def _generator_loss(self, batch: UnpairedBatch, step: Step) -> Losses:
        """The full objective of section 2.2, both ways, of which only what has a weight is computed."""
        config = self.config
        parts = (
            (config.lambda_gan, self._adversarial_terms),
            (config.lambda_cycle, self._cycle_terms),
            (config.lambda_identity, self._identity_terms),
            (config.lambda_cam, self._cam_terms),
        )
        weighted = [(weight, compute(batch, step)) for weight, compute in parts if weight]
        terms = {name: term for _, own in weighted for name, term in own.items()}
        return Losses(total(weight * total(own.values()) for weight, own in weighted), terms)

    def _adversarial_terms(self, batch: UnpairedBatch, step: Step) -> dict[str, Tensor]:
        scored = (pair for side in "ab" for pair in self._patch_scores(side, step[f"fake_{side}"]))
        return {name: OBJECTIVE.generator(scores) for name, scores in scored}

    def _cycle_terms(self, batch: UnpairedBatch, step: Step) -> dict[str, Tensor]:
        return {
            "cycle_a": F.l1_loss(self.b_to_a(step["fake_b"]), batch.a),
            "cycle_b": F.l1_loss(self.a_to_b(step["fake_a"]), batch.b),
        }

    def _identity_terms(self, batch: UnpairedBatch, step: Step) -> dict[str, Tensor]:
        self._pass_own_domain(batch, step)
        return {
            "identity_a": F.l1_loss(step["own_a"], batch.a),
            "identity_b": F.l1_loss(step["own_b"], batch.b),
        }

    def _cam_terms(self, batch: UnpairedBatch, step: Step) -> dict[str, Tensor]:
        """A generator's classifier is to tell images of its source, 1, from those of its target, 0."""
        self._pass_own_domain(batch, step)
        return {
            f"cam_{side}_{kind}": _classified(step[f"{kind}_{side}_logits"], truth)
            for side in "ab"
            for kind, truth in (("fake", 1.0), ("own", 0.0))
        }

    def _pass_own_domain(self, batch: UnpairedBatch, step: Step) -> None:
        """Send images through the generator to their own domain, once per step."""
        if "own_a" not in step:
            step["own_a"], step["own_a_logits"], _ = self.b_to_a.attend(batch.a)
            step["own_b"], step["own_b_logits"], _ = self.a_to_b.attend(batch.b)

    def generate(self, images: Tensor, request: Request) -> Tensor:
        generator = self.a_to_b if request.target == 1 else self.b_to_a
        translated: Tensor = generator(images)
        return translated

    reference = Reference(
        repository="https://github.com/znxlwm/UGATIT-pytorch",
        file_name="",
        files={
            "genA2B": ReferenceFile("a_to_b", UGATIT_GENERATOR, GENERATOR_INFERS, direction=(0, 1)),
            "genB2A": ReferenceFile("b_to_a", UGATIT_GENERATOR, GENERATOR_INFERS, direction=(1, 0)),
            "disGA": ReferenceFile("global_a", UGATIT_DISCRIMINATOR, GLOBAL_INFERS),
            "disGB": ReferenceFile("global_b", UGATIT_DISCRIMINATOR, GLOBAL_INFERS),
            "disLA": ReferenceFile("local_a", UGATIT_DISCRIMINATOR, LOCAL_INFERS),
            "disLB": ReferenceFile("local_b", UGATIT_DISCRIMINATOR, LOCAL_INFERS),
        },
        usual_size=lambda inferred: 256,
        has={"norm": ("instance",)},
        bundles=(Bundle("params_{step:07d}.pt", {name: name for name in NETWORKS}),),
    )


def _classified(logits: Tensor, truth: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))
